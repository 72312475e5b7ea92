"""The conditions that need a person, each a row that says what it means."""

from collections.abc import Mapping
from datetime import timedelta

from chalicelib.values import frozen

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


TO_THE_MAIL = 10 * MINUTE
"""From what is noticed to the mail: a minute to the next sweep, five that CloudWatch gathers, and
some for its alarm.
"""


@frozen
class Condition:
    """`noticed` names who notices it, one of NOTICED, `waits` how long that may take. `metric` is
    what a function counts when it happens. It is told when it has lasted for `lasts`, and while it
    lasts or happens anew at most once in `again`.
    """

    means: str
    noticed: str
    waits: timedelta = timedelta(0)
    metric: str = ""
    lasts: timedelta = timedelta(0)
    again: timedelta = DAY

    @property
    def mailed_within(self) -> timedelta:
        """How soon the operator has the mail, if no other alarm went out just before."""
        return self.waits + self.lasts + TO_THE_MAIL


NOTICED = {
    "function": "the function that counts it",
    "sweep": "the sweep, each minute",
    "look": "the look at the stage, each hour",
}
"""Who notices a condition. What a function counts is an occurrence: nothing notices its end."""


def _counted(means: str, again: timedelta = DAY, metric: str = "") -> Condition:
    return Condition(means, "function", metric=metric, again=again)


def _seen(means: str, metric: str = "") -> Condition:
    return Condition(means, "look", HOUR + 5 * MINUTE, metric)


CONDITIONS: Mapping[str, Condition] = {
    # A function that moves a message there counts it, so the operator need not wait for the look.
    "DeadLetters": _seen(
        "A message lies in the dead-letter queue: no retry will help, somebody must look.",
        "EventsDead",
    ),
    "EventsWaitLong": _seen("Stripe's events wait longer than 15 minutes in the queue."),
    "ActsWaitLong": _seen("Due accounts wait longer than 15 minutes to be processed."),
    "MailsWaitLong": _seen("Mails wait longer than an hour to be sent."),
    "WebhooksRefused": _seen("Stripe's webhooks, or somebody's, are refused."),
    "WebhooksFailing": _seen("A webhook got no answer, or a 5xx."),
    "WebhooksSilent": _seen("No webhook came for a day, after a week in which they came often."),
    "CallsFailing": _seen("Calls are answered with 5xx."),
    "ClockworkBehind": Condition(
        "Due work waits longer than 15 minutes.", "sweep", 15 * MINUTE, lasts=10 * MINUTE
    ),
    "DeliveriesWaitLong": Condition(
        "Events wait longer than 15 minutes after they were due to a webhook endpoint, the event"
        " bus or Slack.",
        "sweep",
        15 * MINUTE,
        lasts=10 * MINUTE,
    ),
    "WatchStopped": Condition(
        "The hourly look at the stage has not been made for three hours.", "sweep", 3 * HOUR
    ),
    "AccountsStale": _counted(
        "A paid period ended a week ago or more, and Stripe has not reported the next one: access"
        " was limited.",
        HOUR,
        "AccountsStale",
    ),
    "AccountsDead": _counted(
        "Processing an account failed seven times in a row: Billhook stopped trying.",
        HOUR,
        "AccountsDead",
    ),
    "DeliveriesGivenUp": _counted(
        "An event was given up: a webhook endpoint, the event bus or Slack did not take it.",
        metric="DeliveriesGivenUp",
    ),
    "EndpointsDisabled": _counted(
        "A webhook endpoint was disabled: it fails for days, or wants no more events.",
        metric="EndpointsDisabled",
    ),
    "SignupsOverCeiling": _counted(
        "More signups came today than billing.toml allows: everybody has to confirm the address"
        " first.",
        metric="SignupsOverCeiling",
    ),
    "SignupsOfOneDomain": _counted(
        "More than 20 addresses of one domain were signed up in a day.", metric="SignupsOfOneDomain"
    ),
    "UnknownPrices": _counted(
        "A customer pays a price that billing.toml does not know, and has access without features.",
        metric="UnknownPrices",
    ),
    "JoinsRefused": _counted(
        "A new customer at Stripe names an account that exists, without its proof, and got an"
        " account apart: join the two, or dismiss it.",
        metric="JoinsRefused",
    ),
    "FiguresDiffer": _counted(
        "Revenue or trials are not what the accounts come to, by the weekly recount.",
        metric="FiguresDiffer",
    ),
    "InstancesStalled": _counted(
        "The provisioner did not do in time what was asked for a customer's instance.",
        HOUR,
        "InstancesStalled",
    ),
    "InstanceDeletionsHeld": _counted(
        "More instances are due to be deleted today than usual: nothing more is deleted until"
        " somebody allows it.",
        metric="InstanceDeletionsHeld",
    ),
    "Disputes": _counted(
        "A customer disputes a payment: it must be answered in Stripe's dashboard, in time.",
        timedelta(0),
        "Disputes",
    ),
    "AsksRefused": _counted(
        "Stripe refuses a fetch: the API key is wrong, or lacks a read permission.",
        metric="AsksRefused",
    ),
    "ErrandsRefused": _counted(
        "Stripe refuses a pending operation, such as starting a trial or saving a card.",
        metric="ErrandsRefused",
    ),
    "ListsRefused": _counted(
        "Stripe refuses to list its events or subscriptions: lost events are not found.",
        metric="ListsRefused",
    ),
    "DriftsLeft": _counted(
        "The daily comparison found a difference from Stripe that remains.", metric="DriftsLeft"
    ),
    "CreditUnpaid": _counted(
        "A customer has more credit at Stripe than they ever paid: the next invoices cost nothing.",
        metric="CreditUnpaid",
    ),
    "ComparisonsBroken": _counted(
        "An account could not be compared with Stripe, by a defect.", metric="ComparisonsBroken"
    ),
    "MailsBroken": _counted(
        "A message could not be rendered: a broken template or a defect.", metric="MailsBroken"
    ),
    "BounceRate": _seen("More than 4 % of this AWS account's mails bounce."),
    "ComplaintRate": _seen("More than 0.08 % of this AWS account's mails bring complaints."),
    "FunctionErrors": _seen("A function fails, runs out of time or memory, or cannot be loaded."),
    "FunctionThrottles": _seen("A function is not run: the concurrency is used up."),
}
"""Condition → what it is. The runbook, docs/operations.md, has a section of each name."""

BY_METRIC = {one.metric: name for name, one in CONDITIONS.items() if one.metric}
"""Metric → the condition that a count of it is."""
