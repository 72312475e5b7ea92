"""A message that is held out: not sent, now or later, counted once, and nothing else is changed by
it.
"""

from dataclasses import replace

import pytest

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.policy.holdout import is_held_out
from chalicelib.usecases.schedule.replan import replan
from tests.fakes.faults import crashing_after
from tests.fakes.lifecycles import ACCOUNT, Life
from tests.fakes.services import POLICY, FakeServices

HALF = replace(
    POLICY,
    hash="half",
    steps=tuple(
        replace(step, hold_out=0.5 if step.stream == "lifecycle" else 0.0) for step in POLICY.steps
    ),
)
OUT = {step.id for step in HALF.steps if is_held_out(ACCOUNT, step)}
WHOLE = Life().begins().days(60).steps


def life(**known: object) -> Life:
    return Life(place=FakeServices(policy=HALF), **known)  # type: ignore[arg-type]


def told(lived: Life) -> list[str]:
    return [
        entry.id.partition("@")[0]
        for entry in lived.place.timeline.entries.values()
        if entry.type == "mail.held_out"
    ]


def test_the_lot_holds_out_some_and_not_all() -> None:
    assert OUT
    assert {step.id for step in HALF.steps if step.stream == "lifecycle"} > OUT


def test_who_is_held_out_gets_all_but_that() -> None:
    lived = life().begins().days(60)
    assert lived.steps == [step for step in WHOLE if step not in OUT]
    assert {
        key.partition("@")[0]
        for key, mailed in lived.account.mails.items()
        if mailed.outcome == "held_out"
    } == OUT
    assert sorted(told(lived)) == sorted(OUT)
    assert not any(key.partition("@")[0] in OUT for _, key in lived.claims.kept)


def test_nobody_sends_it_later_whatever_the_policy_says_then() -> None:
    lived = life().begins().days(11.5)
    assert "three_days" in told(lived), "the story is about a step of which acc_1 was held out"
    lived.place.policy = POLICY
    replan(lived.services)
    assert lived.days(60).steps[-1] == "ended"
    assert "three_days" not in lived.steps


def test_a_suppressed_address_is_no_member_of_the_held_out() -> None:
    lived = life(suppressed={"ada@example.com"}).begins().days(60)
    assert told(lived) == []


def test_who_has_unsubscribed_is_none_either() -> None:
    lived = life().begins().days(1)
    before = len(told(lived))
    lived.tell(ConsentGiven("lifecycle", False, lived.now.at)).days(60)
    assert len(told(lived)) == before


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_crash_anywhere_holds_it_out_once_all_the_same(reply_lost: bool) -> None:
    total = len(life().begins().days(60).calls.made)
    for n in range(1, total + 1):
        lived = life(calls=crashing_after(n, reply_lost=reply_lost)).begins().days(60)
        assert not OUT & set(lived.steps)
        assert sorted(told(lived)) == sorted(OUT)
