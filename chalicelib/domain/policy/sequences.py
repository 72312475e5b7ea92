"""Sequences of messages as billing.toml names them: steps anchored to a moment, and the hours at
which mail may go out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.policy.languages import DEFAULT

ANCHORS = {
    "trial_started": "A free trial began; it is left when the trial is over.",
    "trial_ends": (
        "The end of a free trial, as it is fixed now; it is left when the trial is paid, canceled"
        " or given another end."
    ),
    "access_ended": "The moment at which access ended; it is left when access is back.",
    "payment_failed": (
        "An invoice that was tried and is open; it is left when it is paid or given up."
    ),
    "next_try": (
        "The next time that Stripe tries a payment that failed; it is left when the invoice is"
        " paid, given up or tried."
    ),
    "payment_succeeded": "An invoice of more than nothing was paid.",
    "converted": (
        "A subscription was paid for the first time; it is left when its end is planned or come."
    ),
    "plan_changed": (
        "A running subscription became another plan, or more or fewer seats; it is left when it"
        " changes back."
    ),
    "canceling": (
        "The customer canceled, now or for a later moment; it is left when that is undone, or when"
        " access is back."
    ),
    "canceled": "A subscription that was paid for has ended; it is left when access is back.",
    "card_expires": (
        "The end of the card that pays next; it is left with a new card, a new end of the old one,"
        " or the end of the subscription."
    ),
    "milestone_waits": (
        "The time by which a milestone is to be reached in a trial; it is left when it is, or when"
        " the trial is over."
    ),
}
"""The moments that a sequence of billing.toml may be anchored to, and when its reason is gone."""

FORESEEN = frozenset({"trial_ends", "next_try", "card_expires"})
"""The moments that are known before they come: only these have a before."""

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
    "reason": "reason:NAME, the subscription was canceled for this reason.",
    "unpaid": "An invoice that was tried is open.",
    "bank_asks": "The bank wants the failed payment to be confirmed by the customer.",
    "last_try": "The next try of the failed payment is the last one that Stripe makes.",
}
"""What a step may be sent `if` or `unless`; read again, on fresh state, at the moment of sending.
"""

REASONS_TO_LEAVE = {
    "too_expensive": "It costs too much.",
    "missing_features": "Something is missing.",
    "switched_service": "Something else took its place.",
    "unused": "It was not used enough.",
    "customer_service": "The service was not good enough.",
    "too_complex": "It was too hard to use.",
    "low_quality": "It was not good enough.",
    "other": "Another reason.",
    "cancellation_requested": "The customer gave no reason.",
    "payment_failed": "Stripe ended it, as no payment came.",
    "payment_disputed": "Stripe ended it, as a payment was disputed.",
}
"""Why subscriptions end: Stripe's `cancellation_details.feedback`, and its `reason` where the
customer said none.
"""

CONDITIONS_OF = {
    "bank_asks": frozenset({"payment_failed", "next_try"}),
    "last_try": frozenset({"payment_failed", "next_try"}),
    "reason": frozenset({"canceled", "canceling"}),
}
"""Conditions that only these anchors can meet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message at `offset` from the anchor's moment (negative: before it), sent no later than
    `tolerance` after that, once for one occasion.

    `at_any_hour` minds no hours at all, `on_any_day` minds them on every day of the week.
    `hold_out` is the share of accounts that do not get it.
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
    hold_out: float = 0.0


ASKED_FOR = (
    Step(
        "sign_in",
        "asked_for",
        "sign_in_asked",
        timedelta(0),
        "sign_in",
        "billing",
        timedelta(minutes=15),
        at_any_hour=True,
    ),
    Step(
        "confirm_cancel",
        "asked_for",
        "cancel_now_asked",
        timedelta(0),
        "confirm_cancel",
        "billing",
        timedelta(minutes=30),
        at_any_hour=True,
    ),
    Step(
        "confirm_withdrawal",
        "asked_for",
        "withdraw_asked",
        timedelta(0),
        "confirm_withdrawal",
        "billing",
        timedelta(minutes=30),
        at_any_hour=True,
    ),
    Step(
        "withdrawn",
        "asked_for",
        "withdrawn",
        timedelta(0),
        "withdrawn",
        "billing",
        timedelta(days=7),
        at_any_hour=True,
    ),
    Step(
        "confirm",
        "asked_for",
        "confirmation_wanted",
        timedelta(0),
        "confirm",
        "billing",
        timedelta(days=1),
        at_any_hour=True,
    ),
)
"""Mail that somebody waits for: not the owner's to arrange, so not in billing.toml."""

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Hours:
    """When lifecycle mail may go out, by the customer's clock: weekdays (Monday is 0), from an hour
    to before another.
    """

    days: frozenset[int]
    first: int
    last: int

    def next(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first moment at or after `moment` (in UTC, as the answer is) that is within the hours
        of `zone`.
        """
        local = moment.astimezone(zone)
        for ahead in range(9):
            day = local.date() + timedelta(days=ahead)
            opens = datetime.combine(day, time(self.first), zone)
            if day.weekday() in self.days and (ahead or local.hour < self.last):
                return max(moment, opens.astimezone(moment.tzinfo))
        raise AssertionError("a policy has at least one day")

    def before(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last moment at or before `moment` within the hours; on an earlier day, the same time
        of day if the hours allow it.
        """
        local = moment.astimezone(zone)
        for back in range(9):
            day = local.date() - timedelta(days=back)
            if day.weekday() in self.days and (back or local.hour >= self.first):
                hour = min(max(local.hour, self.first), self.last - 1)
                minute = local.minute if hour == local.hour else 0
                return min(
                    moment,
                    datetime.combine(day, time(hour, minute), zone).astimezone(moment.tzinfo),
                )
        raise AssertionError("a policy has at least one day")


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """Who writes, from where, when, and how much at most. `billing_url` stands in for Billhook's
    own billing page, where it is given; `unproved` are the steps that go to an address of which
    nobody has shown that it is theirs. `language` is of those who have not said theirs; `news` is
    what is new in the product, by language.
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
    language: str = DEFAULT
    news: Mapping[str, str] = field(default_factory=dict)
    news_url: str = ""
