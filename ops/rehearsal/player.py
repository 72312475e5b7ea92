"""Plays a customer's life without any service: the same account, the same schedule, the same
messages. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.facts import FetchResult, MessageRecorded, OperationUpdated
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.operations import pending
from chalicelib.domain.account.parts.instance import InstanceAnswered, InstanceCalled
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.lifecycle import request_to_call
from chalicelib.domain.messaging.due_messages import DueMessage, dispatch
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import expected_updates
from chalicelib.domain.schedule.forgetting import forgotten_at
from chalicelib.domain.schedule.versions import next_version
from ops.rehearsal.script import Heard

AT_MOST = 20_000
"""The most steps of one life; more would be a defect of the schedule."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent at `at`, and the account for which it was rendered."""

    at: datetime
    mail: DueMessage
    account: Account


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a life: messages and domain events in order, the customer's actions with their
    times, and the account at the end.
    """

    sent: tuple[Sent, ...]
    happened: tuple[DomainEvent, ...]
    deeds: tuple[tuple[datetime, str], ...]
    account: Account


def play(account: Account, script: Sequence[Heard], policy: Policy, until: datetime) -> Played:
    """The life of an account that receives the facts of the script, and is processed whenever it is
    due. Every message is accepted and delivered at once.
    """
    sent: list[Sent] = []
    happened: list[DomainEvent] = []
    ahead = list(script)
    for _ in range(AT_MOST):
        due_at = account.due_at
        if ahead and (due_at is None or ahead[0].at <= due_at):
            heard, ahead = ahead[0], ahead[1:]
            new = _written(account, reduce(apply, heard.facts, account), policy, heard.at)
        elif due_at is None or due_at > until or _is_forgotten(account, policy, due_at):
            break
        else:
            new, ready = _acted(account, policy, due_at)
            sent += [Sent(due_at, mail, account) for mail in ready]
            if new.due_at == due_at:
                # As the next sweep would find it.
                new = replace(new, due_at=due_at + timedelta(minutes=1))
        happened += new.outbox
        account = replace(new, outbox=())  # carried out
    else:
        raise AssertionError("an account is due for ever")
    return Played(
        tuple(sent),
        tuple(happened),
        tuple((heard.at, deed) for heard in script for deed in heard.deeds),
        account,
    )


def _is_forgotten(account: Account, policy: Policy, now: datetime) -> bool:
    at = forgotten_at(account, policy)
    return at is not None and at <= now


def _written(account: Account, updated: Account, policy: Policy, now: datetime) -> Account:
    return account if updated == account else next_version(account, updated, policy, now)


def _acted(account: Account, policy: Policy, now: datetime) -> tuple[Account, list[DueMessage]]:
    """As usecases/schedule/process_due.py does, with nothing left to fetch or to do at Stripe: each
    fetch returns nothing, and each pending operation is done. The provisioner does at once what it
    is asked.
    """
    updated = reduce(lambda known, ask: apply(known, FetchResult(ask)), account.asks, account)
    if any(update.fetch_at <= now for update in expected_updates(updated)):
        updated = replace(updated, owed_asked_at=now)
    for name, operation in pending(updated.errands).items():
        updated = apply(updated, OperationUpdated(name, replace(operation, done_at=now)))
    updated = _with_instance(updated, policy, now)
    updated = replace(updated, standing=standing(updated, policy, now))
    passed, ready = dispatch(updated, policy, now)
    for outcome, some in (("passed", passed), ("sent", ready)):
        for mail in some:
            updated = apply(
                updated, MessageRecorded(mail.key, MessageRecord(outcome, now, mail.step.stream))
            )
    return next_version(account, updated, policy, now), ready


def _with_instance(account: Account, policy: Policy, now: datetime) -> Account:
    request = request_to_call(account, policy, now)
    if request is None or policy.instance is None:
        return account
    number = request.calls + 1
    url = f"https://{policy.instance.hosts[0]}"
    called = apply(account, InstanceCalled(request.id, number, now, now))
    return apply(called, InstanceAnswered(request.id, number, "done", now, url=url))
