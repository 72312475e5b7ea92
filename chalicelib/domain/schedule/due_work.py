"""The due work of an account: what it waits for, and when. The earliest item is its `due_at`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.account.operations import pending as undone
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import BACKOFF, wait_after
from chalicelib.domain.instances.lifecycle import is_leaving, keeps_from_erasure, next_moment
from chalicelib.domain.messaging.due_messages import QUEUED_PATIENCE, due_messages
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import expected_updates
from chalicelib.domain.schedule.forgetting import forgotten_at

OUTBOX_PATIENCE = timedelta(minutes=1)
"""How long the table's stream has to publish an outbox before the schedule does."""


@dataclass(frozen=True, slots=True, order=True)
class DueItem:
    """One item of due work: when it is due, and what has to be done."""

    at: datetime
    what: str


def due_work(account: Account, policy: Policy, now: datetime) -> tuple[DueItem, ...]:
    """The due work of the account, the earliest first."""
    written_at = account.written_at or now
    waiting = [
        DueItem(written_at + wait_after(account.asked_in_vain + 1), f"fetch {request}")
        for request in account.asks
    ]
    if account.outbox:
        waiting.append(DueItem(written_at + OUTBOX_PATIENCE, "publish the outbox"))
    if account.standing and account.standing.until:
        waiting.append(DueItem(account.standing.until, "change the standing"))
    waiting += [
        DueItem(max(mail.until, now) if mail.missed else mail.at, f"send {mail.key}")
        for mail in due_messages(account, policy, now)
    ]
    waiting += [
        DueItem(update.fetch_at, f"fetch {update.customer} unless Stripe reports: {update.what}")
        for update in expected_updates(account)
    ]
    waiting += [
        DueItem(operation.next_try(), f"run {name}")
        for name, operation in undone(account.errands).items()
    ]
    waiting += [
        DueItem(mailed.at + QUEUED_PATIENCE, f"queue {key} again")
        for key, mailed in account.mails.items()
        if mailed.outcome == "queued"
    ]
    if instance_at := next_moment(account, policy, now):
        waiting.append(DueItem(instance_at, "look after the instance"))
    forgotten = forgotten_at(account, policy)
    if forgotten and not (is_leaving(account) and keeps_from_erasure(account, policy, now)):
        waiting.append(DueItem(forgotten, "forget what nobody proved or used"))
    return tuple(sorted(waiting))


def is_dead(account: Account) -> bool:
    """Whether processing failed so often in a row that nothing more is tried until a fact arrives,
    the policy changes, or an operator requests it.
    """
    return account.failures > len(BACKOFF)
