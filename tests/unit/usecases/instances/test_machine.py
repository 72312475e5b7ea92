"""Whatever customers, the provisioner and the machines do, in whatever order: what must always hold
holds, and in the end each instance is as it is wanted.

BILLHOOK_MACHINE=examples×steps, such as 300x60, looks longer than CI does.
"""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.errors import BillhookError
from chalicelib.domain.instances.lifecycle import wanted
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.instances.order import order_instance
from tests.fakes.faults import Crash, OutsideCalls
from tests.unit.usecases.instances.owner import (
    ACCEPTED,
    ACCOUNT,
    DAY,
    DONE,
    DOWN,
    HOUR,
    INSTANCES,
    URL,
    Owner,
    answered,
)

WAITS = (timedelta(seconds=4), timedelta(minutes=3), 40 * timedelta(minutes=1), 5 * HOUR, 26 * HOUR)
LONG = (3 * DAY + HOUR, 8 * DAY, 31 * DAY)
ANSWERS = ("does", "lost", "down", "later", "never", "broken", "foreign")
"""What becomes of a call: it is done; done, and the answer lost; not done; done later and reported;
accepted and never done; refused with nonsense; done, with a URL of another host.
"""


class Machine(RuleBasedStateMachine):
    """One account, and a provisioner that answers each call as it is drawn."""

    @initialize(stays=st.booleans())
    def begin(self, stays: bool) -> None:
        self.owner = Owner()
        self.stays = stays
        self.owner.provisioner.answer = self.answer
        self.mood = "does"
        self.later: list[Mapping[str, Any]] = []
        self.open: dict[str, datetime] = {}
        self.erasing = False

    def answer(self, told: Mapping[str, Any]) -> CallAnswer:
        """The provisioner's. Its own rules are looked at here, as it sees them."""
        owner, action = self.owner, told["action"]
        if action == "delete" and not self.erasing:
            assert owner.access == "none", "never deleted while there is access"
        if action == "suspend" and owner.instance.order is None:
            assert owner.access == "none", "never suspended while there is access"
        if action == "resume":
            assert self.is_wanted_open(), "never resumed once it is to be suspended"
        request = owner.instance.open_request
        assert request
        assert request.id == told["request_id"], "one request at a time"
        assert told["request_id"] not in self.done, "nothing is asked for that is done"
        match self.mood:
            case "lost":
                owner.provisioner.does(told)
                return DOWN
            case "down":
                return DOWN
            case "later":
                self.later.append(told)
                return ACCEPTED
            case "never":
                return ACCEPTED
            case "broken":
                return CallAnswer(200, body=b"<html>")
            case "foreign":
                done = owner.provisioner.does(told)
                is_ready = done.code == 200 and DONE[action] == "ready"
                return answered("ready", "https://evil.example") if is_ready else done
        return owner.provisioner.does(told)

    def is_wanted_open(self) -> bool:
        """Whether there is access, or its end is so near that the instance stays open. A suspension
        in doubt is undone then too.
        """
        left, now = self.owner.account.departed_at, self.owner.place.now.at
        is_near = left is None or now < left + INSTANCES.suspend_after
        return self.owner.access != "none" or is_near

    @property
    def done(self) -> set[str]:
        instance = self.instance
        request = instance.request if instance else None
        return {request.id} if request and request.done_at else set()

    @property
    def instance(self) -> Instance | None:
        account = self.owner.place.accounts.load(ACCOUNT)
        return account.instance if account else None

    @property
    def is_there(self) -> bool:
        return self.owner.place.accounts.load(ACCOUNT) is not None

    def runs(self, time: timedelta, crash_at: int | None = None, lost: bool = True) -> None:
        """Time passes; Billhook may end at one of its calls, and goes on later."""
        calls = OutsideCalls(crash_at=crash_at, reply_lost=lost)
        try:
            self.owner.passes(time, calls.watch(self.owner.services))
        except Crash:
            self.owner.settle()

    @precondition(lambda self: not self.erasing)
    @rule(lasts=st.sampled_from([*WAITS, *LONG]))
    def gets_access(self, lasts: timedelta) -> None:
        self.owner.grant(lasts)

    @rule(time=st.sampled_from([*WAITS, *LONG]))
    def waits(self, time: timedelta) -> None:
        self.runs(time)

    @rule(time=st.sampled_from(WAITS), at=st.integers(1, 30), lost=st.booleans())
    def ends_at_a_call(self, time: timedelta, at: int, lost: bool) -> None:
        self.runs(time, at, lost)

    @rule(mood=st.sampled_from(ANSWERS))
    def the_provisioner_changes(self, mood: str) -> None:
        self.mood = mood

    @precondition(lambda self: self.later)
    @rule(index=st.integers(0, 3), named=st.booleans())
    def does_it_later(self, index: int, named: bool) -> None:
        """It may be an old request: then it is refused, or does not matter any more."""
        told = self.later.pop(index % len(self.later))
        if self.instance is None:
            return
        request = self.instance.request
        if request is None or request.id != told["request_id"]:
            return  # a provisioner that sees that it was asked for something else since
        self.owner.provisioner.does(told)
        self.reports(DONE[told["action"]], told["request_id"] if named else None)

    @precondition(lambda self: self.is_there)
    @rule()
    def an_old_report_comes(self) -> None:
        self.reports("ready", f"{ACCOUNT}.0.0.create")

    def reports(self, status: str, request_id: str | None) -> None:
        try:
            self.owner.reports(status, URL, request_id)
        except BillhookError:
            assert request_id, "only what names an old request is refused"

    @precondition(lambda self: self.is_there)
    @rule(order=st.sampled_from(["retry", "suspend", "resume", "delete"]))
    def an_operator_orders(self, order: str) -> None:
        try:
            order_instance(ACCOUNT, order, self.owner.services)
        except BillhookError:  # nothing to order
            return

    @precondition(lambda self: self.is_there and not self.erasing)
    @rule(really=st.integers(0, 5))
    def is_erased(self, really: int) -> None:
        if really == 0:
            self.erasing = True
            erase_now(ACCOUNT, True, self.owner.services)

    @invariant()
    def one_creation_is_alive(self) -> None:
        if hasattr(self, "owner"):
            has = self.owner.provisioner.has
            assert len(has) <= 1

    @invariant()
    def what_waits_is_on_the_agenda(self) -> None:
        instance = self.instance if hasattr(self, "owner") else None
        request = instance.open_request if instance else None
        if request and request.trouble != "stalled":
            account = self.owner.account
            assert account.due_at
            assert account.due_at <= request.deadline

    def teardown(self) -> None:
        """The provisioner works again, operators retry what stalled: all ends as it is wanted."""
        if not hasattr(self, "owner"):
            return
        self.mood = "does"
        if self.stays and self.is_there and not self.erasing:
            self.owner.grant(90 * DAY)
        for _ in range(4):
            self.owner.passes(4 * DAY)
            if self.is_there and self.instance:
                self.an_operator_orders("retry")
                self.owner.settle()
        self.owner.passes(DAY)
        self.assert_at_rest()

    def assert_at_rest(self) -> None:
        has = self.owner.provisioner.has.get(ACCOUNT)
        instance = self.instance
        if instance is None:
            # An erased one that was told to be deleted for three days may have been given up.
            assert has is None or self.erasing
            return
        account = self.owner.account
        want = wanted(account, self.owner.place.policy, self.owner.place.now.at)
        assert instance.open_request is None
        is_none = instance.state == "none" and want != "ready"
        # Ordered to be suspended when it turned out that it had been deleted: none until a resume.
        is_held = instance.state == "deleted" and instance.order == "suspended"
        assert instance.state == want or is_none or is_held
        assert has == (None if instance.state in {"deleted", "none"} else instance.state)


def _size() -> tuple[int, int]:
    examples, steps = os.environ.get("BILLHOOK_MACHINE", "40x30").split("x")
    return int(examples), int(steps)


EXAMPLES, STEPS = _size()
TestMachine: Callable[[], Any] = Machine.TestCase
TestMachine.settings = settings(  # type: ignore[attr-defined]
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
)
