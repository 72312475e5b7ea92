"""Structured logs and metrics. They contain ids, and never payloads, addresses or secrets."""

import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.ids import well_formed

if TYPE_CHECKING:
    from chalicelib.domain.account.domain_event import DomainEvent

METRICS = {
    "SignaturesRefused": (
        "A webhook had no valid signature: another sender, a wrong secret, or a wrong clock."
    ),
    "BodiesTooLarge": "A webhook was larger than a queue message may be.",
    "WebhooksOfOtherMode": (
        "A webhook, or an event by EventBridge, of Stripe's other mode reached this stage."
    ),
    "WebhooksNotQueued": "A webhook was not queued, and answered with 5xx. Stripe repeats it.",
    "EventsOfOthers": "An event of a connected account was ignored.",
    "ThinEvents": "A thin event was ignored: its change also comes as a whole event.",
    "EventsOfErased": "An event of an erased account was ignored.",
    "JoinsRefused": (
        "A new customer at Stripe named an account that exists, without its proof, and got an"
        " account apart."
    ),
    "FiguresDiffer": "A figure is not what the accounts come to, by the weekly recount.",
    "EventsDead": "An event went to the dead-letter queue.",
    "EventsGivenBack": "An event failed and returned to the queue.",
    "AsksUnanswered": "Stripe did not answer a read. It is repeated later.",
    "AsksRefused": "Stripe refused a read: the API key is wrong or lacks a permission.",
    "AnswersUnreadable": "An object from Stripe has a form that this release cannot read.",
    "OwedNewsAsked": "An expected update did not arrive in time and was fetched from Stripe.",
    "EventsFetched": "An event that Stripe could not deliver was fetched and queued.",
    "ListsUnanswered": "Stripe did not answer a list request. The next run continues there.",
    "ListsRefused": (
        "Stripe refused a list: the API key lacks the permission to read events or subscriptions."
    ),
    "DriftsHealed": "The daily comparison found a difference to Stripe, and corrected it.",
    "CreditUnpaid": (
        "A customer has more credit at Stripe than they ever paid, by the daily comparison."
    ),
    "DriftsLeft": (
        "The daily comparison found a difference to Stripe that is not corrected. Run python -m ops"
        " drift for details."
    ),
    "ComparisonsBroken": (
        "A defect kept an account from being compared with Stripe. The comparison continued."
    ),
    "UnknownApiVersions": "An event of a newer API version than this release knows was read.",
    "UnknownPrices": "An account pays a price that is not in billing.toml.",
    "ErrandsUnanswered": (
        "Stripe did not answer a pending operation (such as the start of a trial). It is repeated."
    ),
    "ErrandsRefused": (
        "Stripe refused a pending operation: a price, a permission or the policy is wrong. It is"
        " repeated."
    ),
    "Signups": "A visitor signed up.",
    "SignupsKnown": (
        "A visitor signed up with an address that has had its trial. It got a sign-in link."
    ),
    "SignupsRefused": (
        "A signup was refused: too many from one network address, or the CAPTCHA was not solved."
    ),
    "SignupsTrapped": "A signup filled in the hidden field, so a program sent it.",
    "SignupsOfOneDomain": "More than 20 signups in a day came from addresses of one domain.",
    "SignupsOverCeiling": "A signup exceeded the daily ceiling and must be confirmed first.",
    "InstancesStalled": (
        "The provisioner did not do by the deadline what was asked for an instance."
    ),
    "InstanceDeletionsHeld": (
        "An instance was not deleted yet: more are due today than usual, and somebody has to look."
    ),
    "SweepsHeld": "A sweep queued nothing because the act queue is long.",
    "ActsFailed": "Processing a due account failed. It is repeated after a pause.",
    "AccountsStale": (
        "An account lost access: its paid period ended long ago and Stripe sent nothing about the"
        " next one."
    ),
    "AccountsDead": (
        "Processing an account failed so often that it is not tried any more. See its timeline."
    ),
    "MailsSent": "SES accepted a message.",
    "MailsPassed": "A message was not sent because its time or its reason had passed.",
    "MailsRefused": "A message was not sent: the address is suppressed, or SES refused it.",
    "MailsHeldOut": "A message was not sent because the account is in the hold_out of its step.",
    "MailsOverLimit": (
        "A message was not sent because visitors have caused enough mail to the mailbox."
    ),
    "MailsUnclear": "SES may have accepted a message: its response was lost.",
    "MailsBroken": (
        "A message could not be rendered or sent because of a broken template or a defect. It is"
        " tried again until its time has passed."
    ),
    "MailsWaiting": "A message waits: SES accepts no more for now, or the table cannot answer.",
    "Bounces": "A message bounced permanently.",
    "Complaints": "A recipient reported a message as spam.",
    "TransientBounces": "A message could not be delivered for now.",
    "FeedbackForeign": (
        "A bounce or complaint named a recipient that no message of ours went to. It suppresses"
        " nobody."
    ),
    "FeedbackUnreadable": "A notification of SES has a form that this release cannot read.",
    "AccountsForgotten": "An account that nobody proved or used was erased.",
    "AccountsReplanned": "An account was replanned under a changed policy.",
    "NeedsYou": (
        "How many conditions the operator has to be told of now, by each sweep, 0 included. No data"
        " means that no sweep ended well."
    ),
    "Disputes": "A customer disputes a payment. Respond in Stripe's dashboard.",
    "PeopleRefused": ("The people system does not take an account as it is. ops people shows why."),
    "PeopleSignaturesRefused": (
        "A webhook of the people system had no valid signature: another sender, or a wrong secret."
    ),
    "PeopleWebhooksIgnored": (
        "A webhook of the people system changed nothing: no milestone stands for its event, there"
        " is no such account, it is of the other mode, or it came too late."
    ),
    "DeliveriesGivenUp": "An event was not delivered to an endpoint. Replay it.",
    "EndpointsDisabled": "An endpoint was disabled: it fails for days, or wants no more events.",
}
"""Metric → the meaning of one count of it, or what it measures."""

MEASURED = {
    "NeedsYou": MetricUnit.Count,
}
"""The metrics that record measured values, 0 included → their units. All others are counts."""

logger = Logger(service="billhook")
metrics = Metrics(namespace="Billhook")
"""The only dimension, `service`, is the stack (POWERTOOLS_SERVICE_NAME in resources.yaml). It
separates stages in one AWS account.
"""


def failure_of(error: BaseException) -> dict[str, object]:
    """The fields with which a log entry describes an error: its type and its last eight stack
    frames. Only Billhook's own errors add their text: other texts may contain payload data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    fields: dict[str, object] = {"failure": type(error).__name__, "where": where[-8:]}
    return fields | ({"why": error.message} if isinstance(error, BillhookError) else {})


def count(metric: str, by: int = 1) -> None:
    """Add to a counted metric. 0 adds nothing. Raises KeyError for any other name."""
    if metric not in METRICS or metric in MEASURED:
        raise KeyError(metric)
    if by:
        metrics.add_metric(metric, MetricUnit.Count, by)


def measure(metric: str, value: float) -> None:
    """Record a value of a measured metric, in its unit. Raises KeyError for any other name."""
    metrics.add_metric(metric, MEASURED[metric], value)


def log_published(published: "Sequence[DomainEvent]") -> None:
    """Tell the log that domain events were published. Their ids have the account and the type."""
    ids = [event.id for event in published]
    logger.info("Domain events were published", extra={"number": len(ids), "events": ids})


def counted() -> set[str]:
    """The metrics that this invocation has written so far."""
    return set(metrics.metric_set)


def flush() -> None:
    """Emit the collected metrics. Call it at the end of each invocation, or they are lost."""
    if metrics.metric_set:
        metrics.flush_metrics()


def name_request(request: Any) -> None:
    """Add the route of an HTTP request, and the account in its path, to all its log entries. Never
    add the path itself: it may contain a token.
    """
    account_id = (request.uri_params or {}).get("account_id")
    logger.append_keys(
        function="api",
        request_id=request.context.get("requestId"),
        route=request.context.get("resourcePath"),
        account_id=account_id if well_formed(account_id) else None,
    )
