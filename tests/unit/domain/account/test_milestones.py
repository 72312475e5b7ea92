"""When a milestone was reached."""

from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.domain.account.facts import MilestoneReached
from chalicelib.domain.account.milestones import CLOCKS_APART, milestone_reached
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from tests.fakes.lifecycles import START

SECOND = timedelta(seconds=1)


def test_a_milestone_without_a_moment_was_reached_now() -> None:
    assert milestone_reached("m", None, START) == MilestoneReached("m", START)


def test_a_moment_in_the_past_is_kept() -> None:
    past = START - timedelta(days=300)
    assert milestone_reached("m", past, START) == MilestoneReached("m", past)


def test_a_product_whose_clock_is_a_little_ahead_reached_it_now() -> None:
    ahead = START + CLOCKS_APART
    assert milestone_reached("m", ahead, START) == MilestoneReached("m", START)


def test_a_moment_in_the_future_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        milestone_reached("m", START + CLOCKS_APART + SECOND, START)
    assert refused.value.field == "at"


def test_the_earliest_report_counts_whichever_comes_first() -> None:
    reports = [
        MilestoneReached("m", START, "intercom"),
        MilestoneReached("m", START - SECOND, "segment"),
        MilestoneReached("m", START - SECOND),
        MilestoneReached("n", START, "intercom"),
    ]
    for order in permutations(reports):
        account = Account("acc_1")
        for one in order:
            account = apply(account, one)
        assert account.milestones == {"m": START - SECOND, "n": START}
        assert account.milestones_by == {"n": "intercom"}, "of two at once it is the product"
