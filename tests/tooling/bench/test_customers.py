"""The invented customers with which measurements fill a table."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from bench.customers import SHARES, figures_of, invented_customers
from chalicelib.domain.account.pointers import pointers
from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.closing import day_in
from chalicelib.domain.figures.contributions import REVENUE, moves_in
from chalicelib.domain.figures.history import mrr_at
from chalicelib.domain.figures.movements import after_moves
from tests.fakes.services import QUIET

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def accounts() -> list[Account]:
    return invented_customers(120, QUIET, NOW)


def test_they_have_every_usual_standing_and_nothing_is_due(accounts: list[Account]) -> None:
    found = Counter(one.standing.status for one in accounts if one.standing)
    assert SHARES.keys() <= found.keys()
    assert {one.due_at for one in accounts} == {None}


def test_no_two_of_them_are_the_same_customer_at_stripe(accounts: list[Account]) -> None:
    unique = Counter(
        pointer for one in accounts for pointer in pointers(one) if pointer.kind != "NAME"
    )
    assert set(unique.values()) == {1}


def test_their_figures_come_to_what_their_subscriptions_do(accounts: list[Account]) -> None:
    rows, open_ones = figures_of(accounts, QUIET, NOW)
    day, text = max(rows[REVENUE].items())
    mrr = day_in(day, text).mrr
    for key, of in open_ones.items():
        if key.kind == REVENUE:
            for one in of.values():
                mrr = after_moves(mrr, moves_in(one))
    right: Counter[str] = Counter()
    for account in accounts:
        right.update(mrr_at(account, NOW, metered=False))
    assert mrr == dict(right)
