"""What the functions say of themselves: structured logs and metrics, with ids. Never a payload, an
address or a secret.
"""

import functools
import traceback
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.ids import well_formed

METRICS = {
    "WebhooksAccepted": "A webhook with a good signature is in the queue.",
    "SignaturesRefused": (
        "A webhook without a good signature: a stranger, a wrong secret, or a clock that is off."
    ),
    "BodiesTooLarge": "A webhook larger than the queue takes.",
    "WebhooksOfOtherMode": "A webhook of Stripe's other mode reached this stage.",
    "WebhooksNotQueued": "The queue refused a webhook; Stripe will repeat it.",
    "EventsLearnt": "An event changed its account.",
    "EventLag": (
        "From the second in which Stripe made an event to the write of its account, for each event"
        " that changed one."
    ),
    "EventsUnchanged": "An event told nothing new.",
    "EventsLeft": "An event of a type that tells us nothing.",
    "EventsNotOurs": "An event about a customer of another product.",
    "EventsOfErased": "An event that would have raised an account which was erased: it was left.",
    "EventsDead": "An event went to the dead letters.",
    "EventsGivenBack": "An event could not be taken in now and comes again.",
    "StripeCalls": "A call to Stripe was made: a question, or a change.",
    "AsksUnanswered": "Stripe gave no answer to a question; it is asked again.",
    "AsksRefused": "Stripe refuses to answer a question: the API key may not read it, or is wrong.",
    "AnswersUnreadable": (
        "An object in an answer of Stripe's has a shape that this release does not know."
    ),
    "OwedNewsAsked": "News that Stripe owed did not come in time, and was asked for.",
    "EventsFetched": "An event that Stripe could not deliver was fetched and put into the queue.",
    "ListsUnanswered": "Stripe gave no answer to a look at its lists; the next run goes on there.",
    "ListsRefused": (
        "Stripe refuses to show a list: the API key may not read events or subscriptions."
    ),
    "DriftsHealed": "The daily comparison found what Stripe had otherwise, and it was mended.",
    "DriftsLeft": (
        "The daily comparison found what Stripe has otherwise, and it is not mended: python -m ops"
        " drift tells what."
    ),
    "ComparisonsBroken": (
        "An account could not be compared with Stripe, by a defect; the others were."
    ),
    "UnknownApiVersions": (
        "An event of an API version younger than this release was read by its shape."
    ),
    "UnknownPrices": "An account pays a price that the catalogue does not know.",
    "ErrandsUnanswered": (
        "Stripe gave no answer to a call that must be made (a trial to start, a card to use); it is"
        " made again."
    ),
    "ErrandsRefused": (
        "Stripe refuses a call that must be made: a price, a permission or the policy is wrong; it"
        " is made again."
    ),
    "Signups": "A visitor signed up.",
    "SignupsKnown": (
        "Somebody signed up whose address has had its trial: a sign-in link went there."
    ),
    "SignupsRefused": (
        "A signup was refused: too many from one network address, or the CAPTCHA was not solved."
    ),
    "SignupsTrapped": "A signup filled in the field that people do not see.",
    "SignupsOverCeiling": "A signup above the day's ceiling: it has to be confirmed first.",
    "DueBacklog": (
        "How many accounts were due and not yet handed out as a sweep began, as far as it reads:"
        " 1000 a shard."
    ),
    "DueOldest": (
        "How long the one that had waited longest had been due as a sweep began; 0 if none was."
    ),
    "SweepsHeld": "A sweep handed out nothing, since the act queue is long.",
    "ActsFailed": "An act on an account that was due failed; it rests and is tried again.",
    "AccountsStale": (
        "An account lost access since its paid period is long over and Stripe has said nothing of"
        " the next."
    ),
    "AccountsDead": (
        "Acts on an account failed so often that nothing more is tried: see its timeline."
    ),
    "MailsSent": "SES took a message.",
    "MailsPassed": "A message's time was over, or its reason gone, when it was to be sent.",
    "MailsRefused": "A message was not sent: the address is suppressed, or SES said no.",
    "MailsHeldOut": (
        "A message was not sent, to one of the share for which its step has a hold_out."
    ),
    "MailsUnclear": "SES may have taken a message: its reply was lost.",
    "MailsBroken": (
        "A message could not be written, by a broken template or a defect; it is tried again while"
        " its time is not over."
    ),
    "MailsWaiting": "SES takes no more for now; the message waits.",
    "Bounces": "An address bounced for good.",
    "Complaints": "A reader complained.",
    "TransientBounces": "A message could not be delivered for now.",
    "FeedbackUnreadable": "A notification of SES's that this release cannot read.",
    "AccountsReplanned": "An account was planned anew under a changed policy.",
    "Disputes": "A customer disputes a payment: answer it in Stripe's dashboard.",
    "Happenings": "A change of an account was carried out.",
}
"""Every metric there is, with what one count of it means, or what is measured."""

MEASURED = {
    "EventLag": MetricUnit.Seconds,
    "DueBacklog": MetricUnit.Count,
    "DueOldest": MetricUnit.Seconds,
}
"""Those of METRICS that are measured, 0 included, each with its unit. All others are counted."""

logger = Logger(service="billhook")
metrics = Metrics(namespace="Billhook")
"""Its one dimension, `service`, is the stack (POWERTOOLS_SERVICE_NAME in resources.yaml): stages in
one account are counted apart.
"""


def failure_of(error: BaseException) -> dict[str, object]:
    """What a log may tell of an error: its type and where it came from. Its text may hold what it
    failed on, so that is told of ours alone.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    told: dict[str, object] = {"failure": type(error).__name__, "where": where[-8:]}
    return told | ({"why": error.message} if isinstance(error, BillhookError) else {})


def count(metric: str, by: int = 1) -> None:
    """Add to one of METRICS that is counted; nothing for 0."""
    if metric not in METRICS or metric in MEASURED:
        raise KeyError(metric)
    if by:
        metrics.add_metric(metric, MetricUnit.Count, by)


def measure(metric: str, value: float) -> None:
    """Write down one value of a metric of MEASURED, in its unit."""
    metrics.add_metric(metric, MEASURED[metric], value)


def flush() -> None:
    """Write out what was counted. To be called at the end of each invocation: what is not written
    then is lost.
    """
    if metrics.metric_set:
        metrics.flush_metrics()


def on_call(request: Any) -> None:
    """Let all that is logged of a call over HTTP name its route and, if its path has one, the
    account; never the path: it may hold a token.
    """
    account_id = (request.uri_params or {}).get("account_id")
    logger.append_keys(
        function="api",
        request_id=request.context.get("requestId"),
        route=request.context.get("resourcePath"),
        account_id=account_id if well_formed(account_id) else None,
    )


def entrypoint(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """For event functions, below Chalice's decorator: Lambda calls them without app.py, so no
    middleware of the app runs for them.
    """

    @functools.wraps(function)  # Chalice makes the Lambda handler of the name
    def wrapper(event: Any) -> Any:
        logger.append_keys(
            function=function.__name__, request_id=getattr(event.context, "aws_request_id", None)
        )
        try:
            return function(event)
        finally:
            flush()

    return wrapper
