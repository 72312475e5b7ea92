"""What the billing page lists of the links that opened it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.browsers import browser_of
from chalicelib.domain.security.links import Link
from chalicelib.domain.security.openings import LinkOpening
from chalicelib.pages.openings import openings_view
from tests.fakes.services import POLICY

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
MAILED = f"billing@{datetime(2026, 2, 20, 9, tzinfo=UTC).timestamp():.0f}"
SIGNED_IN = f"sign-in@{AT.timestamp():.0f}"
ADA = Account(
    "acc_1",
    profile=Profile("ada@example.com", timezone="Europe/Vienna"),
    openings=(
        LinkOpening(AT, MAILED, "Safari, iPhone"),
        LinkOpening(AT.replace(hour=10), SIGNED_IN),
    ),
)
SESSION = Link("billing-visit", "acc_1", SIGNED_IN)


def test_each_opening_says_when_by_which_mail_and_by_what_kind_of_browser() -> None:
    newest, oldest = openings_view(ADA, SESSION, POLICY, "en")
    assert (newest["own"], newest["by"], newest["browser"]) == (True, "a sign-in link", "Unknown")
    assert oldest["by"] == "a link in our mail of Friday, 20 February 2026"
    assert (oldest["own"], oldest["browser"], oldest["ended"]) == (False, "Safari, iPhone", False)
    assert "10:00" in oldest["at"]


def test_what_was_ended_by_itself_or_with_all_others_is_marked() -> None:
    one = replace(ADA, ended_links={MAILED: AT})
    assert [each["ended"] for each in openings_view(one, SESSION, POLICY, "en")] == [False, True]
    everything = replace(ADA, links_void_before=AT)
    assert all(each["ended"] for each in openings_view(everything, SESSION, POLICY, "en"))


AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0": (
        "Firefox, Windows"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge, Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "Safari, iPhone",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36": "Chrome, Android",
    "curl/8.5.0": "",
    "": "",
    "<script>alert(1)</script> Firefox/1 Windows": "Firefox, Windows",
}


@pytest.mark.parametrize("user_agent", AGENTS)
def test_a_browser_is_known_by_its_kind_and_nothing_it_sends_is_kept(user_agent: str) -> None:
    assert browser_of(user_agent) == AGENTS[user_agent]
