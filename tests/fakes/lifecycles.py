"""Customers' lives in memory: what they do and what happens to them, the clock moved from one due
moment to the next, and the mail they get.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import CustomerSnapshot, MessageRecorded, SubscriptionSnapshot
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.stripe_objects.objects import Customer, Item, Subscription
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import MailServices
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.services import POLICY, FakeServices, Moment

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
ACCOUNT = "acc_1"
TRIAL = Subscription(
    "sub_1",
    "cus_1",
    "trialing",
    START,
    (Item("price_pro", "prod_1", "pro_monthly", 1, 4900, "usd", "month"),),
    trial_start=START,
    trial_end=START + 14 * DAY,
    period_start=START,
    period_end=START + 14 * DAY,
)


@dataclass
class MemoryClaims:
    kept: dict[tuple[str, str], SendClaim] = field(default_factory=dict)

    def load(self, account_id: str, key: str) -> SendClaim | None:
        return self.kept.get((account_id, key))

    def take(self, claim: SendClaim, before: SendClaim | None) -> None:
        if self.kept.get((claim.account_id, claim.key)) != before:
            raise ConcurrentUpdate("claimed by another")
        self.kept[claim.account_id, claim.key] = claim

    def confirm(self, claim: SendClaim, message_id: str) -> None:
        self.kept[claim.account_id, claim.key] = replace(claim, state="sent", message_id=message_id)

    def drop(self, claim: SendClaim) -> None:
        self.kept.pop((claim.account_id, claim.key), None)


@dataclass
class Sent:
    """A letter that SES took, and what the account was at that moment."""

    at: datetime
    letter: EmailMessage
    account: Account
    standing: Standing

    @property
    def step(self) -> str:
        return self.letter.tags["step"]

    @property
    def key(self) -> str:
        return f"{self.step}@{self.letter.tags['occasion']}"


class Addressees(Protocol):
    """Those who are written to."""

    place: FakeServices

    def addressee(self, account_id: str) -> Account:
        """The account of a letter, as it is now."""


@dataclass
class MemoryMailer:
    """SES: takes letters, or does what the next of `faults` says."""

    life: Addressees
    sent: list[Sent] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    room: bool = True

    def send(self, message: EmailMessage) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "throttled":
            raise Unavailable("Maximum sending rate exceeded")
        if fault == "rejected":
            raise MailRefused("rejected")
        if fault == "lost before":
            raise MailOutcomeUnknown("no reply")
        account, now = self.life.addressee(message.tags["account"]), self.life.place.now.at
        self.sent.append(
            Sent(now, message, account, standing(account, self.life.place.policy, now))
        )
        if fault == "lost after":
            raise MailOutcomeUnknown("no reply")
        return f"ses-{len(self.sent)}"

    def wait_for_capacity(self) -> None:
        if not self.room:
            raise Unavailable("Daily message quota exceeded")


@dataclass
class Life:
    """One customer. `tell` what happens, `advance` the clock, look at `mails`."""

    place: FakeServices = field(default_factory=lambda: FakeServices(policy=POLICY))
    calls: OutsideCalls = field(default_factory=OutsideCalls)
    suppressed: set[str] = field(default_factory=set)
    zone: str | None = None
    sends_events: bool = True

    def __post_init__(self) -> None:
        self.now: Moment = self.place.now
        self.now.at = START
        self.mailer = MemoryMailer(self)
        self.claims = MemoryClaims()
        self.seconds = 0

    @property
    def services(self) -> Any:
        return self.calls.watch(self.place.services)

    @property
    def post(self) -> MailServices:
        office = MailServices(
            self.mailer,
            self.claims,
            lambda email, stream: email in self.suppressed,
            lambda link: f"https://b.example/{link.purpose}",
            lambda email: email,
            sign_in_form="https://b.example/sign-in",
        )
        return self.calls.watch_parts(office, "mailer", "claims")

    @property
    def account(self) -> Account:
        found: Account | None = self.place.accounts.load(ACCOUNT)
        assert found
        return found

    def addressee(self, account_id: str) -> Account:
        assert account_id == ACCOUNT
        return self.account

    @property
    def mails(self) -> list[Sent]:
        return self.mailer.sent

    @property
    def steps(self) -> list[str]:
        return [one.step for one in self.mails]

    def tell(self, *facts: Any) -> "Life":
        account = self.place.accounts.load(ACCOUNT) or Account(ACCOUNT)
        if self.zone and not account.version:
            account = replace(account, profile=replace(account.profile, timezone=self.zone))
        apply_facts(account, facts, self.place.services, StripeFetcher(self.place.services))
        return self

    def begins(self, card: str | None = None, **trial: Any) -> "Life":
        self.trial = replace(TRIAL, **trial)
        return self.tell(self.customer(card), SubscriptionSnapshot(self.trial, self.event()))

    def event(self) -> FromEvent:
        """News of now; of later each time, for two of one second would be for Stripe to settle."""
        self.seconds += 1
        return FromEvent(self.now.at.replace(microsecond=0) + timedelta(seconds=self.seconds))

    def customer(self, card: str | None) -> CustomerSnapshot:
        return CustomerSnapshot(
            Customer("cus_1", "ada@example.com", "Ada Byron", card), self.event()
        )

    def changes(self, **subscription: Any) -> "Life":
        self.trial = replace(self.trial, **subscription)
        return self.tell(SubscriptionSnapshot(self.trial, self.event()))

    def advance(self, to: datetime) -> "Life":
        """Play everything that falls due until `to`, a crashed step again."""
        for _ in range(2000):
            due_at = self.account.due_at
            if due_at is None or due_at > to:
                break
            self.now.at = max(self.now.at, due_at)
            self.work()
            if self.account.due_at == due_at:
                self.now.at += timedelta(minutes=1)
        else:
            raise AssertionError("the account is due for ever")
        self.now.at = max(self.now.at, to)
        return self

    def days(self, number: float) -> "Life":
        return self.advance(START + number * DAY)

    def work(self) -> None:
        """One sweep and all that follows from it; the queues bring again what failed."""
        self._again(lambda: sweep(self.services))
        while self.place.act_queue.waiting:
            work = self.place.act_queue.waiting.pop(0)
            self._again(partial(process_due_account, work["account_id"], self.services))
        for work in list(self.place.mail_queue.waiting):
            self.place.mail_queue.waiting.remove(work)
            try:
                self._again(
                    partial(send_message, work["account_id"], work["key"], self.services, self.post)
                )
            except Unavailable:
                self.place.mail_queue.waiting.append(work)
        if self.sends_events:
            self.settle()

    def settle(self) -> None:
        """SES's own events say what it took."""
        for one in self.mails:
            claim = self.claims.load(ACCOUNT, one.key)
            if claim and claim.state != "sent":
                self.claims.confirm(claim, "by event")
            mailed = self.account.mails.get(one.key)
            if mailed and mailed.outcome in {"queued", "unclear"}:
                self.tell(MessageRecorded(one.key, MessageRecord("sent", one.at, mailed.stream)))

    def _again(self, step: Callable[[], Any]) -> None:
        try:
            step()
        except Crash:
            step()
