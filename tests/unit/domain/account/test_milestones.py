"""When a milestone was reached."""

from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import MilestoneReached
from chalicelib.domain.account.milestones import CLOCKS_APART, milestone_reached
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
