"""When a milestone was reached."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.domain.account.facts import MilestoneReached, SignedUp
from chalicelib.domain.account.milestones import CLOCKS_APART, milestone_reached
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.queries import is_unclaimed
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.rules.joining import absorb
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.schedule.forgetting import forgotten_at
from tests.fakes.lifecycles import DAY, START
from tests.fakes.services import QUIET

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


def test_the_products_word_counts_for_more_than_an_earlier_one_of_a_people_system() -> None:
    reports = [
        MilestoneReached("m", START),
        MilestoneReached("m", START - SECOND, "segment"),
        MilestoneReached("m", START - 2 * SECOND, "intercom"),
    ]
    for order in permutations(reports):
        account = Account("acc_1")
        for one in order:
            account = apply(account, one)
        assert account.milestones == {"m": START - 2 * SECOND}
        assert (account.milestones_by, account.is_in_use) == ({}, True)


def test_of_two_accounts_the_products_word_is_kept() -> None:
    by_product = apply(Account("acc_1"), MilestoneReached("m", START))
    by_segment = apply(Account("acc_2"), MilestoneReached("m", START - SECOND, "segment"))
    for one, other in ((by_product, by_segment), (by_segment, by_product)):
        joined = absorb(one, other)
        assert (set(joined.milestones), joined.milestones_by) == ({"m"}, {})
    assert absorb(by_segment, by_segment).milestones_by == {"m": "segment"}


def test_what_a_people_system_reports_proves_no_address_and_holds_none() -> None:
    typed = SignedUp(Signup("pro", START + 14 * DAY, START), Profile(email="ada@example.com"))
    account = apply(Account("acc_1"), typed)
    by_segment = apply(account, MilestoneReached("m", START, "segment"))
    assert (by_segment.proved, is_unclaimed(by_segment)) == (False, True)
    by_product = apply(by_segment, MilestoneReached("m", START))
    assert (by_product.proved, is_unclaimed(by_product)) == (True, False)


def test_what_a_people_system_reports_keeps_an_account_from_being_forgotten() -> None:
    typed = SignedUp(Signup("pro", START + 14 * DAY, START), Profile(email="ada@example.com"))
    policy = replace(QUIET, signup=SignupPolicy("pro", "month"))
    over = replace(
        apply(Account("acc_1"), typed), standing=Standing("none", "none", "trial_expired")
    )
    assert forgotten_at(over, policy)
    used = apply(over, MilestoneReached("m", START, "segment"))
    assert forgotten_at(used, policy) is None
    superseded = replace(used, superseded_at=START)
    assert forgotten_at(superseded, policy), "its address was proved for another account"


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
