"""What a look at the stage reads from AWS, and which conditions that is."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta

from chalicelib.values import frozen

AGAIN_AND_AGAIN = 3
"""Failures in an hour of what may fail once, because the caller tries again. Lambda tries a
scheduled job as often.
"""

REFUSED = 5
"""Refused webhooks in an hour. A scanner's few tries are no news; with a wrong secret Stripe calls
again within minutes, for every event.
"""

LONGEST_WAIT = {
    "EventsWaitLong": timedelta(minutes=15),
    "ActsWaitLong": timedelta(minutes=15),
    # A message that SES refuses for its pace comes again after six minutes. This is about one that
    # waits for the next day's quota.
    "MailsWaitLong": timedelta(hours=1),
}
"""Condition → how long a message may wait in its queue."""

BUSY_HOURS, SILENT_HOURS = 42, 24
"""Webhooks usually come if they came in so many of the last 168 hours. Of a stage with an event or
two a day a silent day says nothing.
"""

# SES looks into accounts above 5 % and 0.1 %, and stops them above 10 % and 0.5 %.
BOUNCES, COMPLAINTS = 0.04, 0.0008


@frozen
class Readings:
    """The last hour of a stage: failures and throttles by function, answers with 5xx, webhooks that
    were refused or not queued; how long the oldest message of each queue waits, by condition; dead
    letters; SES's rates of the AWS account; the webhooks of the last 168 hours, the newest last.
    """

    errors: Mapping[str, float] = field(default_factory=dict)
    throttles: Mapping[str, float] = field(default_factory=dict)
    answers_5xx: float = 0
    webhooks_refused: float = 0
    webhooks_not_queued: float = 0
    waits: Mapping[str, timedelta] = field(default_factory=dict)
    dead_letters: int = 0
    bounce_rate: float = 0
    complaint_rate: float = 0
    webhooks: tuple[float, ...] = ()
    webhook_function: str = "WebhookHandler"


def found_in(read: Readings) -> dict[str, str]:
    """The conditions that hold, with their details: ids and numbers."""
    failed = read.errors.get(read.webhook_function, 0) + read.throttles.get(
        read.webhook_function, 0
    )
    numbers = {
        "DeadLetters": (read.dead_letters, 1),
        "WebhooksRefused": (read.webhooks_refused, REFUSED),
        "WebhooksFailing": (failed + read.webhooks_not_queued, 1),
        "CallsFailing": (read.answers_5xx, AGAIN_AND_AGAIN),
    }
    found = {name: f"{number:g}" for name, (number, least) in numbers.items() if number >= least}
    for name, by_function in (
        ("FunctionErrors", read.errors),
        ("FunctionThrottles", read.throttles),
    ):
        often = {id: number for id, number in by_function.items() if number >= AGAIN_AND_AGAIN}
        if often:
            found[name] = ", ".join(f"{id} {number:g}" for id, number in sorted(often.items()))
    for name, waits in read.waits.items():
        if waits > LONGEST_WAIT[name]:
            found[name] = f"{waits.total_seconds() / 60:.0f} minutes"
    for name, rate, most in (
        ("BounceRate", read.bounce_rate, BOUNCES),
        ("ComplaintRate", read.complaint_rate, COMPLAINTS),
    ):
        if rate > most:
            found[name] = f"{rate:.2%}"
    if is_silent(read.webhooks):
        found["WebhooksSilent"] = ""
    return found


def is_silent(webhooks: tuple[float, ...]) -> bool:
    """Whether webhooks that came often within a week have not come for a day. The last 168 hours,
    the newest last.
    """
    busy = sum(number > 0 for number in webhooks) >= BUSY_HOURS
    return busy and not any(webhooks[-SILENT_HOURS:])
