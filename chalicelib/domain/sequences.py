"""Sequences of messages as billing.toml names them: steps anchored to a moment, and the hours at which mail may go out."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

ANCHORS = {
    "trial_started": "A free trial began; it is left when the trial is over.",
    "trial_ends": "The end of a free trial, as it is fixed now; it is left when the trial is paid, canceled or given another end.",
    "access_ended": "The moment at which access ended; it is left when access is back.",
    "payment_failed": "An invoice that was tried and is open; it is left when it is paid or given up.",
}
"""The moments that a sequence of billing.toml may be anchored to, and when its reason is gone."""

STREAMS = {
    "lifecycle": "May be unsubscribed from, and keeps to hours and caps.",
    "billing": "Notices that the customer must have: no unsubscribing, no cap.",
}
"""The kinds of mail, each with its own From."""

CONDITIONS = {
    "card": "A card is on file.",
    "no_card": "No card is on file.",
    "access": "The account has full access.",
    "no_access": "The account has no access.",
    "milestone": "milestone:NAME, the user has done this in the product.",
    "plan": "plan:ID, the account is on this plan.",
    "source": "source:NAME, the signup came from there.",
}
"""What a step may be sent `if` or `unless`; read again, on fresh state, at the moment of sending."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message at `offset` from the anchor's moment (negative: before it), sent no later than `tolerance` after that, once for one occasion.

    `at_any_hour` minds no hours at all, `on_any_day` minds them on every day of the week.
    """

    id: str
    sequence: str
    anchor: str
    offset: timedelta
    message: str
    stream: str
    tolerance: timedelta
    at_any_hour: bool = False
    on_any_day: bool = False
    only_if: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


ASKED_FOR = (
    Step("sign_in", "asked_for", "sign_in_asked", timedelta(0), "sign_in", "billing", timedelta(minutes=15), at_any_hour=True),
    Step("confirm_cancel", "asked_for", "cancel_now_asked", timedelta(0), "confirm_cancel", "billing", timedelta(minutes=30), at_any_hour=True),
    Step("confirm_withdrawal", "asked_for", "withdraw_asked", timedelta(0), "confirm_withdrawal", "billing", timedelta(minutes=30), at_any_hour=True),
    Step("withdrawn", "asked_for", "withdrawn", timedelta(0), "withdrawn", "billing", timedelta(days=7), at_any_hour=True),
    Step("confirm", "asked_for", "confirmation_wanted", timedelta(0), "confirm", "billing", timedelta(days=1), at_any_hour=True),
)
"""Mail that somebody waits for: not the owner's to arrange, so not in billing.toml."""

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Hours:
    """When lifecycle mail may go out, by the customer's clock: weekdays (Monday is 0), from an hour to before another."""

    days: frozenset[int]
    first: int
    last: int

    def next(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first moment at or after `moment` (in UTC, as the answer is) that is within the hours of `zone`."""
        local = moment.astimezone(zone)
        for ahead in range(9):
            day = local.date() + timedelta(days=ahead)
            opens = datetime.combine(day, time(self.first), zone)
            if day.weekday() in self.days and (ahead or local.hour < self.last):
                return max(moment, opens.astimezone(moment.tzinfo))
        raise AssertionError("a policy has at least one day")

    def before(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last moment at or before `moment` within the hours; on an earlier day, the same time of day if the hours allow it."""
        local = moment.astimezone(zone)
        for back in range(9):
            day = local.date() - timedelta(days=back)
            if day.weekday() in self.days and (back or local.hour >= self.first):
                hour = min(max(local.hour, self.first), self.last - 1)
                minute = local.minute if hour == local.hour else 0
                return min(moment, datetime.combine(day, time(hour, minute), zone).astimezone(moment.tzinfo))
        raise AssertionError("a policy has at least one day")


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """Who writes, from where, when, and how much at most. `billing_url` stands in for Billhook's own billing page, where it is given; `unproved`
    are the steps that go to an address of which nobody has shown that it is theirs.
    """

    product: str
    sender: str
    senders: dict[str, str]
    support_email: str
    postal_address: str
    app_url: str
    billing_url: str
    booking_url: str
    timezone: str
    hours: Hours
    a_day: int
    a_week: int
    unproved: tuple[str, ...] = ()
