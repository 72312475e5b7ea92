"""A changed policy: every account is planned anew, once, wherever the walk is interrupted; nothing
goes out twice or late.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.aws.schema_versions import SHAPE
from chalicelib.domain.account.state import Account
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.schedule.replan import SECONDS, replan
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.lifecycles import START, Life
from tests.fakes.services import POLICY, QUIET, FakeServices

CHANGED = replace(QUIET, hash="changed")


def peopled(number: int) -> FakeServices:
    place = FakeServices(policy=QUIET)
    place.now.at = START
    for n in range(number):
        one = Account(f"acc_{n}")
        place.accounts.save(one, next_version(one, one, QUIET, START))
    place.policy = CHANGED
    return place


def walk(place: FakeServices, calls: OutsideCalls) -> int:
    planned = 0
    for _ in range(100):
        if (
            place.replan_states.walk
            and place.replan_states.walk.done
            and place.replan_states.walk.hash == place.policy.hash
        ):
            return planned
        try:
            planned += replan(calls.watch(place.services))
        except Crash:
            continue
    raise AssertionError("the walk has no end")


def test_every_account_is_planned_once() -> None:
    place = peopled(23)
    assert walk(place, OutsideCalls()) == 23
    accounts = [place.accounts.load(f"acc_{n}") for n in range(23)]
    assert {account and account.policy for account in accounts} == {CHANGED.hash}
    assert replan(place.services) == 0
    calls = OutsideCalls()
    replan(calls.watch(place.services))
    assert calls.made == ["replan_states.load"], "a policy that was seen costs one read"


def test_every_account_that_is_planned_anew_is_listed_anew() -> None:
    """A release without lists may have written it last."""
    calls = OutsideCalls()
    walk(peopled(7), calls)
    assert calls.made.count("accounts.save_listed") == 7


def test_a_rollback_skips_an_account_that_only_the_newer_release_reads_and_ends() -> None:
    place = peopled(5)
    place.accounts.items["acc_3"]["shape"] = {"N": str(SHAPE + 1)}
    assert walk(place, OutsideCalls()) == 4
    assert place.accounts.items["acc_3"]["version"] == {"N": "1"}


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_walk_interrupted_after_any_call_goes_on_and_does_nothing_twice(reply_lost: bool) -> None:
    """14: what was not done is never recorded as done."""
    counted = OutsideCalls()
    walk(peopled(9), counted)
    for n in range(1, len(counted.made) + 1):
        place = peopled(9)
        walk(place, crashing_after(n, reply_lost=reply_lost))
        found = [place.accounts.load(f"acc_{n}") for n in range(9)]
        assert {(one.policy, one.version) for one in found if one} == {(CHANGED.hash, 2)}


def test_two_thousand_accounts_are_walked_over_a_crash() -> None:
    place = peopled(2_000)
    place.replan_states.a_page = 100
    walk(place, crashing_after(1_555, reply_lost=True))
    assert {
        (item["policy"]["S"], item["version"]["N"]) for item in place.accounts.items.values()
    } == {(CHANGED.hash, "2")}


def test_a_step_added_under_running_trials_goes_to_those_for_whom_it_is_not_too_late() -> None:
    before = replace(
        POLICY, hash="before", steps=tuple(step for step in POLICY.steps if step.id != "three_days")
    )
    life = Life(place=FakeServices(policy=before)).begins().days(9)
    assert "three_days" not in life.steps
    life.place.policy = POLICY
    walk(life.place, OutsideCalls())
    assert life.days(13).steps.count("three_days") == 1
    late = Life(place=FakeServices(policy=before)).begins().days(13.5)
    late.place.policy = POLICY
    walk(late.place, OutsideCalls())
    assert "three_days" not in late.days(20).steps, "nothing stale"


def test_a_policy_that_changes_nothing_for_an_account_sends_it_nothing_again() -> None:
    life = Life().begins().days(12)
    sent = list(life.steps)
    life.place.policy = replace(POLICY, hash="another")
    walk(life.place, OutsideCalls())
    life.advance(life.now.at + timedelta(minutes=5))
    assert life.steps == sent


def test_a_run_begins_no_page_after_its_time() -> None:
    place = peopled(20)
    place.replan_states.a_page = 5
    page = place.replan_states.page

    def slow(state: ReplanState) -> tuple[list[str], str | None]:
        place.now.at += timedelta(seconds=SECONDS - 5)
        return page(state)

    place.replan_states.page = slow  # type: ignore[method-assign]
    assert replan(place.services) == 10, "the second page began in time, the third would not"
    assert replan(place.services) == 10
