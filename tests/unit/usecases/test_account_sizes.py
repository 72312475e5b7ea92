"""How large an account gets: in five years of billing, and with every bound at its maximum."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import shake_128
from itertools import count, islice

import pytest

from bench.costs.metering import write_units
from chalicelib.aws.items import account_item, dump
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.cancellation import (
    CancellationRequest,
    CancellationRequested,
    ExitFeedbackGiven,
)
from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    CustomerSnapshot,
    DisputeSnapshot,
    Fact,
    GrantGiven,
    InvoiceSnapshot,
    MessageRecorded,
    MilestoneReached,
    OperationUpdated,
    PaymentSnapshot,
    SignedUp,
    SignedUpAgain,
    SignInRequested,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.messages import Broadcast, MessageRecord
from chalicelib.domain.account.operations import Charge, Operation, PendingOperation
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, CardSnapshot, Grant
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import TooMany
from chalicelib.domain.schedule.expected_updates import fetching_overdue
from chalicelib.domain.schedule.processing import after_processing
from chalicelib.domain.schedule.versions import next_version, outbox_cleared
from chalicelib.domain.security.openings import LinkEnded, LinkOpened, LinkOpening
from chalicelib.domain.stripe_objects.objects import (
    CancellationDetails,
    Card,
    Customer,
    Invoice,
    Item,
    Subscription,
)
from tests.fakes.lifecycles import DAY, START
from tests.fakes.services import SHIPPED

MONTH, YEAR = timedelta(days=30), timedelta(days=365)
FIVE_YEARS = START + 5 * YEAR
LARGEST = 380_000
"""Bytes of JSON: a fifth of what is unpacked (packing.LARGEST)."""

MOST_OF_AN_ITEM = 400 * 1024
"""Bytes that DynamoDB takes."""


def letters(of: object, number: int) -> str:
    """So many letters and digits that nothing can compress."""
    return b64encode(shake_128(repr(of).encode()).digest(number), b"ab").decode()[:number]


def id_of(kind: str, number: int) -> str:
    """An id like Stripe's: as long, in order, and with the account's own letters inside."""
    return f"{kind}_1{number:05}LkdIwHu7ix{letters((kind, number), 8)}"


def page(invoice: str) -> str:
    """An address like those of Stripe's pages."""
    secret = b64encode(
        f"acct_1MtHbELkdIwHu7ix,_{letters(invoice, 32)},{len(invoice)}1219895".encode()
    )
    suffix = f"0200{letters((invoice, 'suffix'), 8)}"
    return f"https://invoice.stripe.com/i/acct_1MtHbELkdIwHu7ix/live_{secret.decode()}{suffix}?s=ap"


def size(account: Account) -> int:
    """The bytes of the account as JSON, before anything is packed."""
    return len(dump(account).encode())


def units(account: Account) -> int:
    """The write units that DynamoDB bills for a write of the account."""
    return write_units(None, account_item(account))


@dataclass
class Years:
    """One account through the years, by the functions of the domain: `tell` applies facts and
    saves, `advance` does what is due until a time and sends the messages.
    """

    account: Account = field(default_factory=lambda: Account("acc_1a2b3c4d5e6f7a8b9c0d"))
    now: datetime = START
    publishes: bool = True
    sent: set[str] = field(default_factory=set)
    largest: int = 0
    most_units: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def tell(self, *facts: Fact) -> "Years":
        updated = self.account
        for fact in facts:
            updated = apply(updated, fact)
        if updated != self.account:
            self._save(next_version(self.account, updated, SHIPPED, self.now))
        return self

    def _save(self, account: Account) -> None:
        self.largest = max(self.largest, size(account))
        self.most_units = max(self.most_units, units(account))
        cleared = self.publishes and account.outbox
        self.account = outbox_cleared(account, SHIPPED, self.now) if cleared else account

    def advance(self, to: datetime) -> "Years":
        while self.account.due_at and self.account.due_at <= to:
            self.now = max(self.account.due_at, self.now + timedelta(minutes=1))
            asking = fetching_overdue(self.account, self.now)
            processed = after_processing(self.account, replace(asking, asks=()), SHIPPED, self.now)
            self._save(processed.account)
            for key in processed.to_send:
                stream = self.account.mails[key].stream
                self.tell(MessageRecorded(key, MessageRecord("sent", self.now, stream)))
                self.sent.add(key.partition("@")[0])
        self.now = max(self.now, to)
        return self

    # what Stripe reports

    def event(self) -> FromEvent:
        """An event of a second of its own."""
        return FromEvent(self.now + timedelta(seconds=next(self.numbers) % 40))

    def card(self) -> str:
        """The customer gets a new card."""
        number = next(self.numbers)
        card = Card(id_of("pm", number), "visa", f"{number % 10000:04}", 12, self.now.year + 1)
        customer = Customer("cus_Q1w2E3r4T5y6U7", "ada@example.com", "Ada Byron", card.id)
        self.tell(CardSnapshot(card, self.now), CustomerSnapshot(customer, self.event()))
        return card.id

    def shows(self, subscription: Subscription) -> Subscription:
        self.tell(SubscriptionSnapshot(subscription, self.event()))
        return subscription

    def bills(self, subscription: Subscription, *states: Invoice) -> None:
        """An invoice goes through these states, a day apart; each is a change of the last."""
        for state in states:
            self.tell(InvoiceSnapshot(state, self.now))
            self.advance(self.now + DAY)

    def invoice(self, subscription: Subscription, amount: int = 4900) -> Invoice:
        return Invoice(
            id_of("in", next(self.numbers)),
            subscription.customer,
            "draft",
            self.now,
            subscription.id,
            "usd",
            amount_due=amount,
            amount_remaining=amount,
            reason="subscription_cycle",
        )


def signed_up(years: Years) -> Years:
    trial_end = years.now + 14 * DAY
    profile = Profile(
        "ada@example.com", "Ada Byron", "user-1234567", "Europe/Vienna", {"team": "5"}
    )
    years.tell(
        SignedUp(Signup("pro", trial_end, years.now, "front", identities=("a" * 40,)), profile)
    )
    done = replace(years.account.errands["trial"], done_at=years.now)
    return years.tell(OperationUpdated("trial", done), AddressProved(years.now))


def item(plan: str = "pro", interval: str = "month", quantity: int = 1) -> Item:
    return Item(
        id_of("price", 1),
        "prod_Q1w2E3r4T5y6U7",
        f"{plan}_{interval}ly",
        quantity,
        4900 if plan == "pro" else 19900,
        "usd",
        interval,
    )


def paid(invoice: Invoice, at: datetime) -> tuple[Invoice, Invoice]:
    """Finalized, then paid."""
    finalized = replace(
        invoice, status="open", finalized_at=at, hosted_invoice_url=page(invoice.id)
    )
    return finalized, replace(
        finalized,
        status="paid",
        attempted=True,
        attempt_count=1,
        amount_paid=invoice.amount_due,
        amount_remaining=0,
        paid_at=at + DAY,
    )


def buys(years: Years, interval: str = "month") -> Subscription:
    """A trial with a card, which is paid for."""
    years.card()
    period = MONTH if interval == "month" else YEAR
    trial = Subscription(
        id_of("sub", next(years.numbers)),
        "cus_Q1w2E3r4T5y6U7",
        "trialing",
        years.now,
        (item(interval=interval),),
        trial_start=years.now,
        trial_end=years.now + 14 * DAY,
        period_start=years.now,
        period_end=years.now + 14 * DAY,
    )
    years.shows(trial)
    years.advance(years.now + 14 * DAY)
    active = replace(trial, status="active", period_start=years.now, period_end=years.now + period)
    years.shows(active)
    years.bills(active, *paid(years.invoice(active), years.now))
    return active


def renews(years: Years, subscription: Subscription, period: timedelta) -> Subscription:
    end = subscription.period_end
    assert end
    years.advance(end)
    return years.shows(replace(subscription, period_start=end, period_end=end + period))


def monthly(years: Years) -> None:
    """Pays by card: now and then another plan, a payment that fails, a new card."""
    subscription = buys(signed_up(years))
    for month in range(1, 60):
        subscription = renews(years, subscription, MONTH)
        if month % 12 == 0:
            years.card()
        if month % 6 == 0:
            plan = "scale" if month % 12 else "pro"
            subscription = years.shows(replace(subscription, items=(item(plan, quantity=month),)))
            years.bills(subscription, *paid(years.invoice(subscription, 1234), years.now))
        bill = years.invoice(subscription)
        opened, settled = paid(bill, years.now)
        if month % 9 == 0:
            failed = replace(
                opened, attempted=True, attempt_count=1, next_payment_attempt=years.now + 3 * DAY
            )
            years.shows(replace(subscription, status="past_due"))
            again = replace(failed, attempt_count=2, next_payment_attempt=years.now + 6 * DAY)
            years.bills(subscription, opened, failed, again)
            years.shows(subscription)
            years.bills(subscription, replace(settled, attempt_count=3))
        else:
            years.bills(subscription, bill, opened, settled)


def yearly(years: Years) -> None:
    subscription = buys(signed_up(years), "year")
    for _ in range(4):
        subscription = renews(years, subscription, YEAR)
        years.bills(subscription, *paid(years.invoice(subscription, 49000), years.now))


def by_sent_invoices(years: Years) -> None:
    """Pays each invoice three weeks after it was sent."""
    subscription = buys(signed_up(years))
    for _ in range(59):
        subscription = renews(years, subscription, MONTH)
        due = years.now + 30 * DAY
        bill = replace(years.invoice(subscription), send_invoice=True, due_date=due)
        opened = replace(
            bill, status="open", finalized_at=years.now, hosted_invoice_url=page(bill.id)
        )
        years.bills(subscription, bill, opened)
        years.advance(years.now + 20 * DAY)
        settled = replace(opened, status="paid", amount_paid=4900, paid_at=years.now)
        years.bills(subscription, settled)


def by_debits(years: Years) -> None:
    """Each debit is under way for four days, and one in ten comes back."""
    subscription = buys(signed_up(years))
    for month in range(1, 60):
        subscription = renews(years, subscription, MONTH)
        opened, settled = paid(years.invoice(subscription), years.now)
        under_way = replace(opened, attempted=True, attempt_count=1)
        years.bills(subscription, opened)
        years.tell(PaymentSnapshot(opened.id, "processing", years.now, debit_since=years.now))
        years.bills(subscription, under_way)
        years.advance(years.now + 4 * DAY)
        if month % 10 == 0:
            failed = PaymentSnapshot(opened.id, "failed", years.now, "debit_not_authorized")
            years.tell(failed)
            again = replace(under_way, attempt_count=2, next_payment_attempt=years.now + 3 * DAY)
            years.bills(subscription, again)
        years.bills(subscription, replace(settled, attempt_count=2 if month % 10 == 0 else 1))


def with_many_subscriptions(years: Years) -> None:
    """Buys, leaves with an answer why, and comes back, every three months; beside it two
    subscriptions that stay.
    """
    signed_up(years)
    beside = [buys(years), buys(years)]
    for quarter in range(20):
        subscription = buys(years)
        canceled = replace(subscription, cancel_at_period_end=True, canceled_at=years.now)
        years.shows(canceled)
        years.advance(years.now + 30 * DAY)
        years.shows(replace(canceled, status="canceled", ended_at=years.now))
        occasion = f"canceled@{subscription.id}"
        years.tell(ExitFeedbackGiven(occasion, "too_expensive", "Too expensive for us.", years.now))
        beside = [renews(years, one, 3 * MONTH) for one in beside]
        years.tell(DisputeSnapshot(id_of("dp", quarter), "ch_1", "won", years.now))


def with_broadcasts_and_sign_ins(years: Years) -> None:
    """Pays by the year, signs in every day, reaches milestones, and gets a broadcast a month."""
    subscription = buys(signed_up(years), "year")
    for name in SHIPPED.milestones:
        years.tell(MilestoneReached(name, years.now))
    while years.now < FIVE_YEARS:
        end = years.now + MONTH
        years.tell(
            BroadcastRequested(
                f"news-{years.now:%Y-%m-%d}", Broadcast("news", "everyone", years.now)
            )
        )
        while years.now < end:
            years.tell(SignInRequested(years.now)).advance(years.now + DAY)
        if subscription.period_end and years.now >= subscription.period_end:
            subscription = renews(years, subscription, YEAR)


KINDS: dict[Callable[[Years], None], tuple[int, int]] = {
    monthly: (16_000, 2),
    yearly: (8_000, 2),
    by_sent_invoices: (16_000, 2),
    by_debits: (16_000, 2),
    with_broadcasts_and_sign_ins: (8_000, 1),
    # 22 subscriptions
    with_many_subscriptions: (20_000, 3),
}
"""Kind of customer → the bytes of JSON that must be enough for five years, and the write units of
each write in them.
"""


@pytest.mark.parametrize("kind", KINDS)
def test_five_years_fit_into_a_few_kilobytes(kind: Callable[[Years], None]) -> None:
    years = Years()
    kind(years)
    years.advance(FIVE_YEARS)
    largest, most_units = KINDS[kind]
    assert years.largest < largest, sizes(years.account)
    assert years.most_units <= most_units, sizes(years.account)
    assert {"welcome", "paid_plan"} <= years.sent


def text(of: object, number: int) -> str:
    """A text of so many letters of four bytes each, that nothing can compress well."""
    return "".join(chr(0x1D400 + byte) for byte in shake_128(repr(of).encode()).digest(number))


TEXT = text("comment", most("comment"))


def fills(years: Years, facts: Iterable[Fact]) -> int:
    """How many of the facts are taken before one is refused."""
    for taken, fact in enumerate(facts):
        try:
            years.tell(fact)
        except TooMany:
            return taken
    raise AssertionError("nothing is refused")


def charge(number: int, description: str) -> OperationUpdated:
    asked = Operation(
        "charge",
        "cus_Q1w2E3r4T5y6U7",
        id_of("sub", 1),
        charge=Charge(f"chg_{number:020}", 99_999_999, "usd", description, "now", id_of("pm", 1)),
        key=f"{number:0255}",
        asked=f"charges {number:032}",
    )
    return OperationUpdated(f"do:{number:020}", PendingOperation(START + YEAR, START, task=asked))


def grants(length: int) -> Iterator[GrantGiven]:
    """Grants with notes of this length."""
    for number in count():
        note = text(("note", number), length)
        yield GrantGiven(Grant(START + (10 + number) * DAY, "pro", note))


def filled_by_callers(years: Years) -> None:
    """Every text as long as it may be, then as many of everything as there may be."""
    attributes = {f"{number:064}": text(number, 125) for number in range(most("attributes"))}
    profile = Profile(
        "a" * 300 + "@example.com", text("name", 100), letters("id", 128), "Europe/Vienna"
    )
    years.tell(
        SignedUp(
            Signup("pro", START + 14 * DAY, START, identities=("a" * 40,)),
            replace(profile, attributes=attributes),
        )
    )
    for number in range(2 * most("pending signups")):
        typed = replace(profile, name=f"{number}", attributes=attributes)
        again = Signup("pro", START + 14 * DAY, START, identities=("a" * 40,))
        years.tell(SignedUpAgain(again, typed))
    years.tell(CancellationRequested(CancellationRequest("cancel_now", START, "other", TEXT)))
    assert fills(years, grants(most("note"))) < most("grants"), "the texts are bounded together"
    fills(years, grants(0))
    fills(years, (charge(number, "x") for number in count()))
    fills(years, (MilestoneReached(f"{number:064}", START) for number in count()))
    broadcast = Broadcast("m" * 64, "everyone", START)
    fills(years, (BroadcastRequested(f"{number:064}", broadcast) for number in count()))
    for number in range(100):
        years.tell(ExitFeedbackGiven(f"canceled@{number:040}", "other", "", START))


def in_parts(years: Years, facts: Iterable[Fact]) -> None:
    """Many facts, twenty in each version of the account."""
    left = iter(facts)
    while part := tuple(islice(left, 20)):
        years.tell(*part)


def filled_by_stripe(years: Years) -> None:
    """More of everything than is kept."""
    customers = [id_of("cus", number) for number in range(most("customers"))]
    states = [  # all in one second: they tie
        Customer(customer, "a" * 300 + "@example.com", f"{state}" + "n" * 250, "pm_1")
        for customer in customers
        for state in range(50)
    ]
    in_parts(years, (CustomerSnapshot(found, FromEvent(START)) for found in states))
    items = tuple(item(quantity=number) for number in range(5))
    details = CancellationDetails("cancellation_requested", "other", TEXT)
    ended = most("ended") + 50
    subscriptions = (
        Subscription(
            id_of("sub", number),
            customers[number % len(customers)],
            "canceled" if number < ended else "active",
            START,
            items,
            discounts=tuple(id_of("di", discount) for discount in range(5)),
            trial_start=START,
            trial_end=START,
            period_start=START,
            period_end=START + YEAR,
            ended_at=START + number * DAY if number < ended else None,
            canceled_at=START,
            cancellation_details=details,
        )
        for number in range(ended + 2 * most("subscriptions"))
    )
    in_parts(years, (SubscriptionSnapshot(one, FromEvent(START)) for one in subscriptions))
    of_another_product = (
        replace(item(), price=id_of("price", 9), product="prod_9", lookup_key="x"),
    )
    for number in range(20):
        years.shows(
            Subscription(id_of("other", number), customers[0], "active", START, of_another_product)
        )
    newest = max(years.account.subscriptions)
    billed = years.account.subscriptions[newest].value
    invoices = [paid(years.invoice(billed), START) for _ in range(600)]
    in_parts(years, (InvoiceSnapshot(paid_, START, fetched=True) for _, paid_ in invoices[:300]))
    tried = (
        replace(
            opened,
            attempted=True,
            attempt_count=3,
            next_payment_attempt=START,
            reason="subscription_update",
            changed_from=items[: most("changed items")],
        )
        for opened, _ in invoices[300:]
    )
    in_parts(years, (InvoiceSnapshot(one, START, fetched=True) for one in tried))
    unpaid = [opened.id for opened, _ in invoices[-60:]]
    in_parts(
        years,
        (PaymentSnapshot(one, "failed", START, "debit_not_authorized", START) for one in unpaid),
    )
    disputes = [
        DisputeSnapshot(id_of("dp", number), "ch_1", status, START, bill.id)
        for number, (bill, _) in enumerate(invoices[-30:])
        for status in ("needs_response", "lost")
    ]
    in_parts(years, disputes)
    cards = (Card(id_of("pm", number), "visa", "4242", 12, 2031) for number in range(100))
    in_parts(years, (CardSnapshot(card, START) for card in cards))


def filled_by_links(years: Years) -> None:
    """More links opened, and ended one by one, than are kept."""
    for number in range(100):
        mark = f"billing@{1772442000 + number}"
        years.tell(LinkOpened(LinkOpening(START, mark, "Samsung Internet, Android")))
    marks = (f"sign-in@{1772442000 + number}" for number in count())
    fills(years, (LinkEnded(mark, years.now) for mark in marks))


def test_an_account_with_everything_at_its_bound_is_far_from_what_dynamodb_takes() -> None:
    """Half of an item: nothing has to be dropped to have a write succeed, not even where two
    accounts at their bounds become one, as a restoration may make them.
    """
    years = Years(publishes=False)
    filled_by_callers(years)
    filled_by_stripe(years)
    filled_by_links(years)
    years.now = START + DAY
    record = MessageRecord("sent", years.now, "billing")
    keys = (f"sign_in@{1772442000 + number}" for number in range(1000))
    in_parts(years, (MessageRecorded(key, record) for key in keys))
    assert years.largest < LARGEST, sizes(years.account)
    assert 1024 * years.most_units < MOST_OF_AN_ITEM / 2
    assert len(years.account.outbox) == most("events")


def test_a_full_account_still_hears_that_its_subscription_was_canceled() -> None:
    years = Years()
    subscription = buys(signed_up(years))
    fills(years, grants(most("note")))
    fills(years, grants(0))
    years.shows(replace(subscription, status="canceled", ended_at=years.now))
    years.now += 100 * DAY
    assert standing(years.account, SHIPPED, years.now).reason == "canceled"


def sizes(account: Account) -> dict[str, int]:
    """The bytes of each field, for a failure's message."""
    return {name: len(json.dumps(value)) for name, value in json.loads(dump(account)).items()}
