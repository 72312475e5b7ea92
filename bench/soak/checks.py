"""What must be true of all customers once the system is idle. Each check gives a line for what is
wrong, and none if nothing is.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.soak.lifecycles import Customer
from bench.soak.system import SystemUnderTest
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.queries import is_deleted, zone_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.usecases.ingestion.answers import fetch
from chalicelib.usecases.ports.stripe import ReaderApi
from tests.fakes.services import SHIPPED as POLICY

UNPROVED = ["welcome"]
"""What the shipped policy sends to somebody who signs up and never comes back."""


def findings(system: SystemUnderTest, customers: list[Customer]) -> list[str]:
    """Everything that is wrong."""
    accounts = system.accounts()
    return [
        *compared(system, customers),
        *_left_over(system, accounts),
        *_mail(system, accounts),
        *_never_returned(system, customers),
    ]


def compared(system: SystemUnderTest, customers: list[Customer]) -> list[str]:
    """The customers whose subscriptions or access differ from what Stripe's objects say now."""
    accounts, reader, found = system.accounts(), system.reader(), []
    at_stripe = _customers_by_account(system)
    for one in customers:
        held = accounts.get(one.account_id)
        if held is None and _is_forgotten(one, system):
            continue
        if held is None:
            found.append(f"{one.kind} {one.number}: there is no account {one.account_id}")
            continue
        truth = _truth(one.account_id, at_stripe.get(one.account_id, []), reader, system.now)
        ours, theirs = (
            {id: known.value for id, known in account.subscriptions.items()}
            for account in (held, truth)
        )
        stands, should = standing(held, POLICY, system.now), standing(truth, POLICY, system.now)
        for id, known in held.subscriptions.items():
            # Its subscriptions ended with it, and are not fetched any more.
            if is_deleted(held, known.value.customer):
                ours.pop(id), theirs.pop(id, None)
        if ours != theirs or stands != should:
            found.append(
                f"{one.kind} {one.number}, {one.account_id}: {_told(stands)}, at Stripe"
                f" {_told(should)}; {ours} and {theirs}"
            )
    return found


def _is_forgotten(customer: Customer, system: SystemUnderTest) -> bool:
    """Whether the customer's account is to be gone: nobody proved or used it, and its time is over.
    The trial began at the signup, and the welcome followed at once. A card uses it; but if the
    events about the card were lost, and the owner deleted the customer at Stripe before it paid for
    anything, nothing that can be fetched tells of it.
    """
    did = {act.does for act in customer.acts} - {"signs_up", "unsubscribes"}
    if did and not (did == {"gives_card", "is_deleted"} and _is_deleted_unpaid(customer, system)):
        return False
    assert POLICY.signup
    lasts = timedelta(days=POLICY.trial.days + POLICY.signup.forget_unproved_days)
    began = min((sent.at for sent in system.mailer.of(customer.account_id)), default=None)
    return began is not None and system.now >= began + lasts


def _is_deleted_unpaid(customer: Customer, system: SystemUnderTest) -> bool:
    """Whether the customer is deleted at Stripe, and never paid."""
    objects = system.engine.store.objects
    held = objects.get("customer", {}).get(customer.stripe_id)
    invoices = objects.get("invoice", {}).values()
    paid = any(one["amount_paid"] for one in invoices if one["customer"] == customer.stripe_id)
    return bool(held and held.get("deleted")) and not paid


def standings(system: SystemUnderTest, customers: list[Customer]) -> Counter[str]:
    """How many accounts have which reason of access."""
    accounts = system.accounts()
    held = [accounts[one.account_id] for one in customers if one.account_id in accounts]
    return Counter(standing(account, POLICY, system.now).reason for account in held)


def _customers_by_account(system: SystemUnderTest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in list(system.engine.store.objects.get("customer", {}).values()):
        found.setdefault(one["metadata"].get("account_id", ""), []).append(one["id"])
    return found


def _truth(account_id: str, customers: list[str], reader: ReaderApi, now: datetime) -> Account:
    """The account as it would be if everything were fetched from Stripe now."""
    account = Account(account_id)
    for customer in customers:
        for ask in everything_of(customer):
            account = apply(account, fetch(reader, ask, account, now)[0])
    return account


def _told(one: Standing) -> str:
    return f"{one.access} ({one.reason}, {one.plan}, until {one.until})"


def _left_over(system: SystemUnderTest, accounts: dict[str, Account]) -> Iterator[str]:
    for queue, left in system.queues().items():
        if left:
            yield f"{left} left in {queue}"
    for due_at, id in system.due():
        if due_at <= system.now:
            yield f"{id} was due at {due_at}"
    for account in accounts.values():
        if account.outbox:
            yield f"{account.id} has {len(account.outbox)} in its outbox"
        if account.failures:
            yield f"{account.id} failed {account.failures} times"
        for what in (
            *account.asks,
            *(name for name, operation in account.errands.items() if not operation.done_at),
        ):
            yield f"{account.id} still waits for {what}"


def _mail(system: SystemUnderTest, accounts: dict[str, Account]) -> Iterator[str]:
    sent = system.mailer.all()
    for (id, key), times in Counter((one.account_id, one.key) for one in sent).items():
        if times > 1:
            yield f"{id} got {key} {times} times"
    for one in sent:
        if one.wrong:
            yield f"{one.account_id} got {one.key} at {one.at}, and {one.wrong}"
    for account in accounts.values():
        got = {one.key for one in system.mailer.of(account.id)}
        for key, mailed in account.mails.items():
            if mailed.outcome != ("sent" if key in got else "passed") and not is_given_up(
                key, mailed, got
            ):
                yield f"{account.id}: {key} is {mailed.outcome}"
        yield from _caps(system, account)


def is_given_up(key: str, mailed: MessageRecord, got: set[str]) -> bool:
    """Whether a worker was killed just before it gave the message to SES. Nobody can tell that from
    a kill just after it, so lifecycle mail stays unsent then: it is sent at most once.
    """
    return mailed.outcome == "unclear" and mailed.stream == "lifecycle" and key not in got


def _caps(system: SystemUnderTest, account: Account) -> Iterator[str]:
    """Whether the mailbox keeps to the hours and the caps of the policy, in the customer's time
    zone.
    """
    assert POLICY.mail
    zone, steps = zone_of(account, POLICY.mail), {step.id: step for step in POLICY.steps}
    days: Counter[Any] = Counter()
    for one in system.mailer.of(account.id):
        step, local = steps.get(one.key.partition("@")[0]), one.at.astimezone(ZoneInfo(zone.key))
        if step is None or step.at_any_hour:
            continue
        if not POLICY.mail.hours.first <= local.hour < POLICY.mail.hours.last:
            yield f"{account.id} got {one.key} at {local}"
        if step.stream == "lifecycle":
            days[local.date()] += 1
    yield from (
        f"{account.id} got {times} on {day}"
        for day, times in days.items()
        if times > POLICY.mail.a_day
    )


def _never_returned(system: SystemUnderTest, customers: list[Customer]) -> Iterator[str]:
    """Somebody who signs up and never comes back gets every mail of the policy, whatever was lost:
    those mails depend on no event of Stripe's.
    """
    accounts = system.accounts()
    for one in customers:
        if [act.does for act in one.acts] == ["signs_up"] and one.kind == "never returns":
            got = [sent.key.partition("@")[0] for sent in system.mailer.of(one.account_id)]
            mails = accounts[one.account_id].mails.items() if one.account_id in accounts else ()
            given_up = {
                key.partition("@")[0] for key, mailed in mails if mailed.outcome == "unclear"
            }
            if got != [step for step in UNPROVED if step not in given_up]:
                yield f"{one.kind} {one.number}, {one.account_id} got {got}"
