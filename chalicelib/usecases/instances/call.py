"""Call the provisioner for an account's instance.

The call is claimed first, in a write that reads the account again: what it shows then decides
whether anything is asked, so nothing is deleted whose access came back a second before. A crash
after the claim leaves the next call on the agenda, with the same request id.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.instance import (
    InstanceCalled,
    InstanceHeld,
    InstanceRequest,
)
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.answers import call_body, read_answer
from chalicelib.domain.instances.call_times import TRIED_FOR, deadline_of, lost_answer_at
from chalicelib.domain.instances.deletions import HELD_FOR
from chalicelib.domain.instances.lifecycle import is_by_itself, request_to_call
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.instances.deletions import count_change, take_one
from chalicelib.usecases.instances.turns import take_turn
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import update
from chalicelib.values import frozen


class Provisioner(Protocol):
    """What makes the instances: an endpoint, an event bus or a state machine of the owner's."""

    def ask(self, request: InstanceRequest, body: bytes, at: datetime) -> CallAnswer:
        """What came of one call, made at a time; a failure is an answer too."""


@frozen
class MadeCall:
    """One call that was made, for the log of the function, and when it is made again."""

    request: InstanceRequest
    answer: CallAnswer
    outcome: str
    again_at: datetime | None


STAYS_FOR = timedelta(seconds=10)
"""A run waits for the retry that is due within this time, after five seconds: the sweep comes only
once a minute.
"""


def call_provisioner(
    account_id: str,
    provisioner: Provisioner,
    services: Services,
    has_time: Callable[[], bool],
    loopback: bool = False,
) -> list[MadeCall]:
    """Make the call that is due for an account, and the retry that is due at once; returns them.
    `loopback` is true in the local system alone. Raises Unavailable; then the agenda has the call
    again.
    """
    made: list[MadeCall] = []
    while has_time() and (one := _call(account_id, provisioner, services, loopback)):
        made.append(one)
        now = services.clock.now()
        if one.again_at is None or one.again_at - now > STAYS_FOR:
            break
        services.clock.pause(max(0.0, (one.again_at - now).total_seconds()))
    return made


def _call(
    account_id: str, provisioner: Provisioner, services: Services, loopback: bool
) -> MadeCall | None:
    policy = services.policy.instance
    if policy is None:
        return None
    claimed = _claimed(account_id, policy, services)
    if claimed is None:
        return None
    account, request = claimed
    at = services.clock.now()
    told = call_body(account, request, standing(account, services.policy, at))
    answer = provisioner.ask(request, json.dumps(told, separators=(",", ":")).encode(), at)
    fact = read_answer(account, request, answer, policy.hosts, services.clock.now(), loopback)
    after = apply_facts(account, [fact], services, None)
    count_change(account.instance, after.instance, services)
    return MadeCall(request, answer, fact.outcome, fact.call_at)


def _claimed(
    account_id: str, policy: InstancePolicy, services: Services
) -> tuple[Account, InstanceRequest] | None:
    """The account and its request, once this run alone may call for it."""
    found: list[InstanceRequest] = []

    def claim(account: Account) -> Account | None:
        found.clear()
        now = services.clock.now()
        request = request_to_call(account, services.policy, now)
        if request is None:
            return None
        if is_by_itself(account, request) and not take_one(services):
            services.metrics.count("InstanceDeletionsHeld", 1)
            until = now + HELD_FOR
            held = apply(account, InstanceHeld(request.id, until, until + TRIED_FOR))
            return next_version(account, held, services.policy, now)
        if request.turn == "waits":
            turn = take_turn(policy.existing_a_minute, services)
            deadline = deadline_of(request.action, policy, turn)
            in_turn = apply(account, InstanceHeld(request.id, turn, deadline))
            if turn > now:
                return next_version(account, in_turn, services.policy, now)
            account = in_turn
        number = request.calls + 1
        called = InstanceCalled(request.id, number, now, lost_answer_at(request, now))
        claimed = apply(account, called)
        new = next_version(account, claimed, services.policy, now)
        if new.instance and new.instance.open_request:
            found.append(new.instance.open_request)
        return new

    account = update(account_id, claim, services)
    return (account, found[0]) if account and found else None
