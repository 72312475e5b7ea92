"""Checkout clicked in parallel: one session can be paid, whatever the order of the requests, and
one subscription comes of it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.errors import AlreadySubscribed
from tests.fakes.faults import OutsideCalls
from tests.fakes.grids import grid
from tests.fakes.simulated_lifecycles import SimLife, crashes
from tests.unit.usecases.billing.test_checkout import alive, gone
from tests.unit.usecases.billing.test_start_trial import CALLS

MADE_WHILE_OPENING = [
    "accounts.load",
    "accounts.save",
    "stripe.checkout.create",
    "stripe.checkout.expire",
]


class Interrupted(OutsideCalls):
    """Outside calls beside the first of which called `name` something else `happens`, before it is
    made or before its reply arrives.
    """

    def __init__(self, name: str, happens: Callable[[], Any], is_made: bool) -> None:
        super().__init__()
        self._name, self._is_made = name, is_made
        self._happens: list[Callable[[], Any]] = [happens]

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        happens = self._happens.pop() if name == self._name and self._happens else None
        if happens and not self._is_made:
            happens()
        result = super().call(name, function, *args, **kwargs)
        if happens and self._is_made:
            happens()
        return result


def meanwhile(life: SimLife, call: str, happens: Callable[[], Any], is_made: bool) -> OutsideCalls:
    """The calls of a request during whose `call` another request runs."""

    def another() -> None:
        ours, life.calls = life.calls, OutsideCalls()
        happens()
        life.calls = ours

    return Interrupted(call, another, is_made)


def calls_before(name: str) -> int:
    """How many calls a click makes before the one called `name`."""
    life = gone()
    life.calls = OutsideCalls()
    life.opens("pro")
    return life.calls.made.index(name)


def buyable(life: SimLife) -> list[str]:
    return [one["id"] for one in life.objects("checkout.session") if one["status"] == "open"]


@pytest.mark.parametrize(
    ("call", "is_made", "others"),
    grid(MADE_WHILE_OPENING, [True, False], [["scale"], ["scale", "pro"], ["pro", "scale"]]),
)
def test_of_clicks_at_once_on_different_plans_one_session_can_be_paid(
    call: str, is_made: bool, others: list[str]
) -> None:
    life = gone()
    life.opens("scale")
    life.calls = meanwhile(life, call, lambda: [life.opens(one) for one in others], is_made)
    last = life.opens("pro")
    assert buyable(life) == [last]
    life.completes(last).returns(last)
    assert alive(life) == ["active"]


def test_who_was_overtaken_is_given_the_newest_session() -> None:
    life = gone()
    newest: list[str] = []
    life.calls = meanwhile(
        life, "stripe.checkout.create", lambda: newest.append(life.opens("scale")), False
    )
    assert [life.opens("pro")] == newest == buyable(life)


def test_who_was_overtaken_by_a_purchase_is_sold_nothing() -> None:
    life = gone()

    def buys() -> None:
        session = life.opens("scale")
        life.completes(session).returns(session)

    life.calls = meanwhile(life, "stripe.checkout.create", buys, False)
    with pytest.raises(AlreadySubscribed):
        life.opens("pro")
    assert buyable(life) == []
    assert alive(life) == ["active"]


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_an_overtaken_click_ends_one_session_can_be_paid_after_the_next(
    reply_lost: bool,
) -> None:
    for n in range(1, CALLS):
        life = gone()
        life.calls = meanwhile(
            life, "stripe.checkout.create", lambda life=life: life.opens("scale"), False
        )
        life.calls.crash_at, life.calls.reply_lost = n, reply_lost
        if not crashes(lambda life=life: life.opens("pro")):  # type: ignore[misc]
            assert n > 4
            return
        life.calls = OutsideCalls()
        session = life.opens("pro")
        life.completes(session).returns(session)
        life.minutes(5)
        assert buyable(life) == []
        assert alive(life) == ["active"]
    raise AssertionError("opening makes more calls than that")


def with_an_unknown_session() -> tuple[SimLife, str]:
    """A customer and their session, beside which Stripe has another that was never saved: the click
    that created it was overtaken, and ended there.
    """
    life, sessions = gone(), list[str]()
    life.calls = meanwhile(
        life, "stripe.checkout.create", lambda: sessions.append(life.opens("scale")), False
    )
    life.calls.crash_at = 1 + calls_before("stripe.checkout.create")
    assert crashes(lambda: life.opens("pro"))
    life.calls = OutsideCalls()
    assert len(buyable(life)) == 2
    return life, sessions[0]


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_purchase_expires_a_session_that_nobody_knows_of(comes_back: bool) -> None:
    life, known = with_an_unknown_session()
    life.completes(known)
    if comes_back:
        life.returns(known)
    else:
        life.minutes(5)
    assert buyable(life) == []
    assert alive(life) == ["active"]


def test_two_sessions_that_are_paid_in_the_same_second_are_told_to_the_team_once() -> None:
    life, _ = with_an_unknown_session()
    for session in buyable(life):
        life.completes(session)
    life.minutes(5)
    life.days(60)
    assert alive(life) == ["active", "active"]
    told = [
        entry
        for entry in life.place.timeline.entries.values()
        if entry.type == "subscription.duplicated"
    ]
    assert len(told) == 1
