"""The sequences of messages in billing.toml: steps anchored to a time, and the hours at which mail
is sent.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.values import frozen

ANCHORS = {
    "trial_started": "A free trial began. Lapses when the trial is over.",
    "trial_ends": (
        "The present end of a free trial. Lapses when the trial is paid, canceled or gets another"
        " end."
    ),
    "access_ended": "Access ended. Lapses when the account has access again.",
    "payment_failed": (
        "The payment of an invoice failed. Lapses when the invoice is paid or given up. A first"
        " debit that is returned counts too, although Stripe voids its invoice."
    ),
    "next_try": (
        "The next attempt at a payment that failed. Lapses when the invoice is paid, given up or"
        " tried."
    ),
    "invoice_due": (
        "The due date of an invoice that was sent. Lapses when the invoice is paid or given up, or"
        " while a payment is under way."
    ),
    "payment_succeeded": "An invoice of more than 0 was paid.",
    "converted": (
        "A subscription was paid for the first time. Lapses when it has ended or its end is"
        " scheduled."
    ),
    "plan_changed": (
        "The plan or the number of seats of a running subscription changed. Lapses when it changes"
        " back."
    ),
    "canceling": (
        "The customer canceled, at once or for a later time. Lapses when that is undone, or when"
        " the account has access again."
    ),
    "canceled": "A paid subscription ended. Lapses when the account has access again.",
    "card_expires": (
        "The end of the card that pays next. Lapses with a new card, another expiry date, or the"
        " end of the subscription."
    ),
    "milestone_waits": (
        "The time by which a milestone should be reached in a trial. Lapses when it is reached, or"
        " when the trial is over."
    ),
    "instance_ready": (
        "The instance became ready after its deadline, when the customer had been told to wait for"
        " a mail. Lapses when it is suspended or deleted."
    ),
    "instance_deletes": (
        "The instance will be deleted with its data, unless the account gets access before. Lapses"
        " when it does, or when another time is planned."
    ),
}
"""What a sequence of billing.toml can be anchored to, and when it lapses: then no more of its
messages are sent.
"""

KNOWN_IN_ADVANCE = frozenset(
    {"trial_ends", "next_try", "card_expires", "invoice_due", "instance_deletes"}
)
"""The anchors whose time is known in advance: only their steps can be sent before it."""

STREAMS = {
    "lifecycle": "Can be unsubscribed from; is sent within the hours and limits.",
    "billing": "Notices that the customer must get: no unsubscribing, no limits.",
}
"""The streams of mail, each with its own sender."""

CONDITIONS = {
    "card": "A card is on file.",
    "no_card": "No card is on file.",
    "sent_invoices": "Invoices are sent, to be paid by a due date: no card is needed.",
    "access": "The account has full access.",
    "no_access": "The account has no access.",
    "milestone": "milestone:NAME, the user has reached this milestone.",
    "plan": "plan:ID, the account is on this plan.",
    "source": "source:NAME, the signup came from this source.",
    "reason": "reason:NAME, the subscription was canceled for this reason.",
    "unpaid": "The payment of an open invoice failed.",
    "bank_asks": "The bank wants the customer to confirm the failed payment.",
    "debit": "The failed payment was a bank debit.",
    "last_try": "Stripe will try the failed payment only once more.",
}
"""The conditions of a step (`if` and `unless`). They are checked again when the message is sent.
`unpaid` is not Stripe's status of that name: it is true from the first failed payment on.
"""

ANCHORS_OF_CONDITION = {
    "bank_asks": frozenset({"payment_failed", "next_try"}),
    "debit": frozenset({"payment_failed", "next_try"}),
    "last_try": frozenset({"payment_failed", "next_try"}),
    "reason": frozenset({"canceled", "canceling"}),
}
"""The anchors that a condition needs; a condition without a row can be used with every anchor."""


@frozen
class Step:
    """One message of a sequence, sent once for an occasion: at `offset` from the anchor's time
    (negative: before it), and no later than `tolerance` after that.

    `at_any_hour` ignores the hours, `on_any_day` only their weekdays. `hold_out` is the share of
    accounts that do not get it. `via` is the people system that sends it in place of a mail; then
    it needs no `message`.
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
    via: str = ""


TRANSACTIONAL_STEPS = (
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
        "confirm_email",
        "asked_for",
        "email_asked",
        timedelta(0),
        "confirm_email",
        "billing",
        timedelta(hours=1),
        at_any_hour=True,
    ),
    Step(
        "email_changed",
        "asked_for",
        "email_changed",
        timedelta(0),
        "email_changed",
        "billing",
        timedelta(days=6),
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
"""Messages that the customer requested and waits for. They are no part of billing.toml."""

EVERY_DAY = frozenset(range(7))


@frozen
class Hours:
    """When lifecycle mail is sent, in the customer's time zone: on `days` (Monday is 0), from the
    hour `first` until before `last`.
    """

    days: frozenset[int]
    first: int
    last: int

    def next(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first time at or after `moment` that is within the hours in `zone`. Its own time zone
        is that of `moment`.
        """
        local = moment.astimezone(zone)
        for ahead in range(9):
            day = local.date() + timedelta(days=ahead)
            opens = datetime.combine(day, time(self.first), zone)
            if day.weekday() in self.days and (ahead or local.hour < self.last):
                return max(moment, opens.astimezone(moment.tzinfo))
        raise AssertionError("a policy has at least one day")

    def before(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last time at or before `moment` that is within the hours in `zone`. On an earlier
        day it is the same time of day, if the hours allow it.
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


@frozen
class MailPolicy:
    """The settings of mail to customers.

    `senders` are by stream. `billing_url` replaces Billhook's own billing page, if it is set.
    `a_day` and `a_week` limit lifecycle mail to one customer. `unproved` are the steps that are
    sent to an address that is not proved. `language` is the default; `news` is what is new in the
    product, by language.
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
