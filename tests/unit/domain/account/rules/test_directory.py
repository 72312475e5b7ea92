"""Where an account is listed on the dashboard, and by what its name is found."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.directory import (
    LONGEST_NAME,
    STATUSES,
    listed_names,
    place_of,
    searchable,
)
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import FINAL_STATUSES
from chalicelib.values import replace

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENDS = T + timedelta(days=14)
SIGNED_UP = Account("acc_1", signup=Signup("pro", ENDS, T))


def listed(status: str, reason: str) -> tuple[str, str, str]:
    standing = Standing(status, "full", reason, "pro")
    place = place_of(replace(SIGNED_UP, standing=standing))
    assert place
    return place.status, place.at, place.plan


def test_who_is_on_trial_is_listed_by_its_end_and_everybody_else_by_the_day_they_came() -> None:
    ends, came = "2026-03-16T09:00:00Z#acc_1", "2026-03-02T09:00:00Z#acc_1"
    assert listed("trialing", "trialing") == ("trialing", ends, "pro")
    assert listed("trial_starting", "trial_starting") == ("trial_starting", ends, "pro")
    assert listed("trialing", "trial_expired") == ("trialing", came, "pro")
    assert listed("active", "active") == ("active", came, "pro")


def test_an_account_without_a_standing_is_in_no_list() -> None:
    assert place_of(SIGNED_UP) is None


def test_every_status_that_ends_a_subscription_is_a_list() -> None:
    assert set(FINAL_STATUSES) <= set(STATUSES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Ada Byron", ["ada|ada byron"]),
        ("  ADA\t\nByron ", ["ada|ada byron"]),
        ("Straße", ["str|strasse"]),
        ("a|d#a|x", ["a d|a d a x"]),
        ("Al", []),
        ("", []),
        ("\x00\x1b[31m", ["[31|[31m"]),
    ],
)
def test_a_name_is_found_by_its_first_letters_whatever_its_case(
    name: str, place: list[str]
) -> None:
    assert list(listed_names(Account("acc_1", profile=Profile(name=name)))) == place


def test_a_long_name_is_cut() -> None:
    assert len(searchable("x" * 500)) == LONGEST_NAME
