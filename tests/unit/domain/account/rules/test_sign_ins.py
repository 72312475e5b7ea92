"""How often a sign-in link is mailed, and which of them works: anybody can ask for one."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.account.facts import LinksEnded, SignedIn, SignInRequested
from chalicelib.domain.account.links import link_to, opens
from chalicelib.domain.account.profile import Profile, ProfileChange
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from tests.fakes.lifecycles import START

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ADA = Account("acc_1", profile=Profile("ada@example.com"))


def asked(account: Account, at: datetime) -> Account:
    return apply(account, SignInRequested(at))


def works(account: Account, at: datetime) -> bool:
    """Whether the link of the last mail works at that time."""
    mailed = account.sign_in_asked_at
    assert mailed
    link = link_to(account, "sign-in", mailed, f"{mailed.timestamp():.0f}")
    assert link.expires_at
    return opens(link, account) and at < link.expires_at


def test_who_asks_again_and_again_has_one_link_mailed_in_a_quarter_of_an_hour() -> None:
    account, mailed = ADA, []
    for minute in range(0, 60, 5):
        at = START + minute * MINUTE
        account = asked(account, at)
        if account.sign_in_asked_at == at:
            mailed.append(minute)
        assert works(account, at), "there is always one that works"
    assert mailed == [0, 15, 30, 45]


def test_a_link_works_for_a_quarter_of_an_hour() -> None:
    account = asked(ADA, START)
    assert works(account, START + 14 * MINUTE)
    assert not works(account, START + 15 * MINUTE)


def test_a_link_that_was_used_does_not_hold_the_next_one_back() -> None:
    account = asked(ADA, START)
    for number in range(1, 20):
        account = apply(account, SignedIn(START + (number - 1) * MINUTE))
        account = asked(account, START + number * MINUTE)
        assert account.sign_in_asked_at == START + number * MINUTE


def test_links_that_were_ended_do_not_hold_the_next_one_back() -> None:
    account = apply(asked(ADA, START), LinksEnded(START + MINUTE))
    assert not works(account, START + MINUTE)
    account = asked(account, START + 2 * MINUTE)
    assert works(account, START + 2 * MINUTE)


def test_another_address_gets_its_link_at_once() -> None:
    account = asked(asked(ADA, START), START + 20 * MINUTE)
    change = ProfileChange(START + 21 * MINUTE, "api")
    account = replace(account, profile_changes={"email": change})
    account = asked(account, START + 22 * MINUTE)
    assert account.sign_in_asked_at == START + 22 * MINUTE


def test_the_same_request_again_changes_nothing() -> None:
    account = asked(ADA, START)
    used = apply(account, SignedIn(START))
    for known in (account, used, apply(account, LinksEnded(START))):
        assert asked(known, START) == known


def test_of_two_ends_of_links_the_later_one_counts_in_either_order() -> None:
    ends = [LinksEnded(START), LinksEnded(START + DAY)]
    for order in (ends, ends[::-1]):
        account = ADA
        for end in order:
            account = apply(account, end)
        assert account.links_void_before == START + DAY
