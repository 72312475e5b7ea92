"""Events that never arrive: two days later what an account may use is what Stripe says, at no more
questions than are needed.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison
from chalicelib.usecases.schedule.process_due import process_due_account
from local.stripe_sim.api.api import Fault
from tests.fakes.faults import OutsideCalls, crashing_after
from tests.fakes.grids import examples, few, grid
from tests.fakes.healing import HEARD, LOST, UNDELIVERED, Fate, Healing, all_but_the_first, some
from tests.fakes.services import updated
from tests.fakes.simulated_lifecycles import BEGIN, SimLife, crashes
from tests.system.local.stripe_sim.test_replay import SCRIPTS

FATES: dict[str, Callable[[], Fate]] = {
    **{f"half are lost, {seed}": partial(some, seed) for seed in range(4)},
    **{
        f"half cannot be delivered, {seed}": partial(some, seed, how=UNDELIVERED)
        for seed in range(2)
    },
    **{f"most are lost, {seed}": partial(some, seed, 0.9) for seed in range(2)},
    "all but the first are lost": all_but_the_first,
    "all but the first cannot be delivered": lambda: all_but_the_first(UNDELIVERED),
}


@pytest.mark.parametrize(("name", "fate"), grid(SCRIPTS, FATES))
def test_two_days_after_events_were_lost_an_account_is_as_stripe_has_it(
    name: str, fate: str
) -> None:
    """12, 13."""
    life = Healing(name, FATES[fate]())
    life.play()
    life.two_days().assert_true()


@examples(120)
@given(
    data=st.data(),
    name=st.sampled_from(sorted(SCRIPTS)),
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.2, 0.5, 0.8, 1.0]),
)
def test_whatever_part_of_a_history_is_lost_it_heals_within_two_days_and_asks_come_to_an_end(
    data: st.DataObject, name: str, seed: int, share: float
) -> None:
    """Any part of the events from any moment to any other, some acknowledged and lost, some never
    delivered; ended after any step.
    """
    steps = SCRIPTS[name]["script"]
    last = data.draw(st.integers(1, len(steps)), "steps lived")
    first_lost, lost = (
        data.draw(st.integers(0, 20), "first lost"),
        data.draw(st.integers(1, 60), "lost"),
    )
    chance, number = Random(seed), iter(range(100_000))

    def fate(event: Any) -> str:
        in_cut = first_lost <= next(number) < first_lost + lost
        return chance.choice([LOST, UNDELIVERED]) if in_cut and chance.random() < share else HEARD

    life = Healing(name, fate)
    for step in steps[:last]:
        life.step(step)
    life.two_days()
    if not life.stage.engine.store.objects.get("subscription"):
        return  # a customer without a subscription may use nothing, known or not
    life.assert_true()
    life.fate = lambda event: HEARD
    asked = life.place.metrics["OwedNewsAsked"]
    life.advance(life.now + timedelta(days=20))
    life.assert_true()
    assert life.place.metrics["OwedNewsAsked"] == asked, "once all is heard again, nothing is owed"


@pytest.mark.parametrize("name", SCRIPTS)
def test_where_every_event_arrives_nothing_is_asked_for_and_nothing_is_found(name: str) -> None:
    life = Healing(name, lambda event: HEARD, every=24)
    life.play()
    life.advance(life.now + timedelta(days=70))  # two renewals more
    assert (
        life.place.metrics["OwedNewsAsked"]
        == life.place.metrics["DriftsHealed"]
        == life.place.metrics["EventsFetched"]
        == 0
    )
    deaf = Healing(name, lambda event: HEARD, looks=False)
    deaf.play()
    before = len(deaf.stage.api.calls)
    deaf.advance(deaf.now + timedelta(days=70))
    assert len(deaf.stage.api.calls) == before, "a renewing customer costs no call"


@pytest.mark.parametrize("seed", few(range(4), 2))
def test_an_hour_of_429_records_nothing_as_done_that_was_not(seed: int) -> None:
    """14."""
    life = Healing(
        "renewal_fails_then_recovers",
        some(seed, 0.7, UNDELIVERED if seed % 2 else LOST),
        looks=False,
    )
    life.play()
    life.stage.api.faults.append(Fault("429", 100_000, method="GET"))
    before = life.place.accounts.items.copy()
    for _ in range(6):
        life.place.now.at += timedelta(minutes=10)
        life.look()
        assert life.place.reconciliation.drifts_of(life.now) == []
        assert life.place.job_states.kept == {}, "not even begun"
    assert life.place.metrics["ListsUnanswered"] == 12
    assert {id: item["packed"] for id, item in life.place.accounts.items.items()} == {
        id: item["packed"] for id, item in before.items()
    }
    life.stage.api.faults.clear()
    life.looks = True
    life.two_days().assert_true()


@pytest.mark.parametrize("times", few(range(1, 16), 5))
def test_a_429_after_so_many_calls_stops_the_run_and_the_next_one_goes_on_there(times: int) -> None:
    """14: the page on which it happened is done again."""
    life = Healing("upgrades_then_downgrades", all_but_the_first(), looks=False)
    life.play()
    life.place.now.at += timedelta(hours=1)
    whole = Healing("upgrades_then_downgrades", all_but_the_first(), looks=False)
    whole.play()
    whole.place.now.at += timedelta(hours=1)
    whole.look()
    calls = len(life.stage.api.calls)
    refuse_after(life, calls + times)
    life.look()
    life.stage.api.faults.clear()
    life.place.now.at += timedelta(hours=1)
    life.look()
    comparison = life.place.job_states.load(Comparison)
    assert comparison.ended_at
    assert (comparison.healed, comparison.left, comparison.listed) == (
        1,
        0,
        whole.place.job_states.load(Comparison).listed,
    )
    life.assert_true()


def refuse_after(life: Healing, calls: int) -> None:
    """Stripe says 429 to all but the first so many calls."""
    answer = life.stage.api._fault

    def fault(asked: Any) -> str | None:
        return (
            "429" if len(life.stage.api.calls) > calls and life.stage.api.faults else answer(asked)
        )

    life.stage.api.faults.append(Fault("429", 0))
    life.stage.api._fault = fault  # type: ignore[method-assign]


def broken_off(name: str, how: str, calls: OutsideCalls) -> Healing:
    """A history of which half was lost, healed by processes that end after a call and are begun
    again.
    """
    life = Healing(name, some(3, 0.5, how), looks=False)
    life.play()
    life.place.now.at += timedelta(hours=2)
    life.calls = calls
    life.look()
    for id in list(life.place.accounts.items):
        life.again(lambda id=id: process_due_account(id, life.services))  # type: ignore[misc]
    return life


@pytest.mark.parametrize(
    ("name", "how", "reply_lost"),
    grid(
        ["trial_converts", "canceled_at_once", "renewal_fails_then_recovers"],
        [LOST, UNDELIVERED],
        [True, False],
    ),
)
def test_healing_interrupted_after_each_of_its_calls_ends_the_same(
    name: str, how: str, reply_lost: bool
) -> None:
    counted = OutsideCalls()
    whole = broken_off(name, how, counted)
    assert len(counted.made) > 12
    for n in range(1, len(counted.made) + 1):
        life = broken_off(name, how, crashing_after(n, reply_lost=reply_lost))
        assert essence(life) == essence(whole), n
        assert [
            finished(life.place.job_states.load(kind)) for kind in (Undelivered, Comparison)
        ] == [
            True,
            True,
        ]


def essence(life: Healing) -> Any:
    """What is left of it, by the names that the simulated Stripe gives to things this time."""
    names = {
        id: f"{kind} {place}"
        for kind, held in life.stage.engine.store.objects.items()
        for place, id in enumerate(held)
    }
    account = updated(life.account)
    text = repr(
        {part: sorted(repr(one) for one in known.values()) for part, known in account.items()}
        | {"standing": life.stands}
    )
    drifts = sorted(
        repr((one.what, one.became, one.subscription, one.since))
        for one in life.place.reconciliation.drifts.values()
    )
    for id, name in names.items():
        text, drifts = text.replace(id, name), [one.replace(id, name) for one in drifts]
    return "".join(sorted(text)), drifts


def finished(round: Any) -> bool:
    return (
        round.ended_at is not None
        if isinstance(round, Comparison)
        else round.until is None and round.reached is not None
    )


@pytest.mark.parametrize("reply_lost", [True, False])
def test_asking_for_owed_news_interrupted_after_each_of_its_calls_ends_the_same(
    reply_lost: bool,
) -> None:
    def asked(calls: OutsideCalls) -> SimLife:
        life = SimLife()
        life.sign_up()
        life.hear()
        life.completes(session := life.opens())
        life.returns(session)
        life.calls = calls
        for _ in range(2):
            if not crashes(lambda: life.advance(BEGIN + timedelta(days=14, hours=3), deaf=True)):
                return life
        raise AssertionError("it crashed twice")

    counted = OutsideCalls()
    assert asked(counted).stands() == ("full", "active")
    for n in range(1, len(counted.made) + 1):
        assert asked(crashing_after(n, reply_lost=reply_lost)).stands() == ("full", "active"), n
