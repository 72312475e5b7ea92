"""Somebody signs up hundreds of times. The flood gets what the limits leave it, and everybody else
is served as before. `python -m bench.flood` does the same in the local system, ten thousand times.
"""

from collections.abc import Callable

import pytest

from app import app
from bench.flood import FLOODS, LET_IN, OTHERS, PAGE, REFUSED, TO_CONFIRM, Seen, flood, page
from chalicelib.domain.policy.policy import SignupPolicy
from local.aws.api_gateway import ApiGateway
from tests.fakes.services import SHIPPED
from tests.http.conftest import SECRET
from tests.http.signups.test_signups import Front, under

AN_HOUR, A_DAY = 10, 20
ROUNDS = 6


@pytest.fixture
def flooded(front: Front, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Seen]:
    """What is answered to a flood of that name and of so many signups, and to the others
    meanwhile.
    """
    under(SignupPolicy("pro", "month", an_hour=AN_HOUR, a_day=A_DAY), monkeypatch)
    key = front.office.stage.key("access")

    def run(name: str, signups: int) -> Seen:
        addresses = [FLOODS[name](number) for number in range(signups)]
        return flood(ApiGateway(app), addresses, SECRET, key, every=signups // ROUNDS, at_once=1)

    return run


def everybody_else(seen: Seen) -> dict[str, dict[int, int]]:
    """The answers to those who are no part of the flood, but for the signups from elsewhere."""
    return {name: dict(seen.others[name]) for name in OTHERS[1:]}


SERVED = {OTHERS[1]: {303: ROUNDS}, OTHERS[2]: {200: ROUNDS}, OTHERS[3]: {200: ROUNDS}}


@pytest.mark.parametrize("name", ["one IPv4 address", "one IPv6 network (/64)"])
def test_a_flood_from_one_network_gets_its_share_and_the_others_theirs(
    flooded: Callable[[str, int], Seen], name: str
) -> None:
    seen = flooded(name, 300)
    assert seen.flood == {LET_IN: AN_HOUR, REFUSED: 300 - AN_HOUR}
    assert seen.others[OTHERS[0]] == {LET_IN: ROUNDS}
    assert everybody_else(seen) == SERVED


def test_a_flood_from_many_networks_must_confirm_its_addresses_and_refuses_nobody(
    flooded: Callable[[str, int], Seen],
) -> None:
    seen = flooded("a network for each signup", 36)
    others = seen.others[OTHERS[0]]
    assert seen.flood[LET_IN] + others[LET_IN] == A_DAY - 1, "and the customer of before"
    assert seen.flood.keys() == others.keys() == {LET_IN, TO_CONFIRM}
    assert sum(others.values()) == ROUNDS
    assert everybody_else(seen) == SERVED


def test_the_page_says_what_was_seen() -> None:
    served = {name: {200: 2} for name in OTHERS}
    one, many = Seen({LET_IN: 1000, REFUSED: 2}, served), Seen({TO_CONFIRM: 7}, served)
    lines = page({"one": one, "many": many}, 1002).splitlines()
    assert "| one | 1,000 | 0 | 2 |" in lines
    assert "| many | 0 | 7 | 0 |" in lines
    assert f"| {OTHERS[3]} | 2 × 200 | 2 × 200 |" in lines


def test_the_page_of_floods_was_measured_under_the_limits_that_are_shipped() -> None:
    policy = SHIPPED.signup
    assert policy
    assert f"`an_hour = {policy.an_hour}` for each network, `a_day = {policy.a_day}` for all" in (
        PAGE.read_text()
    )
