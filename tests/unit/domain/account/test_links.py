"""Which signed links still open something for an account."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.links import (
    FRESH,
    NOT_MAILED,
    cancellation_of,
    is_fresh,
    issued_at,
    link_to,
    opens,
)
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import Profile, ProfileChange
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import MAILED, PURPOSES, TO_ONE_ADDRESS, Link, sign, verify
from tests.fakes.lifecycles import START

LATER = START + timedelta(minutes=20)
ASKED = Account("acc_1", sign_in_asked_at=START)
SIGN_IN = Link("sign-in", "acc_1", f"{START.timestamp():.0f}")


def test_the_newest_sign_in_link_opens_once() -> None:
    assert opens(SIGN_IN, ASKED)
    assert not opens(SIGN_IN, replace(ASKED, signed_in_by=START))
    assert opens(SIGN_IN, replace(ASKED, signed_in_by=START - timedelta(days=1)))


def test_a_sign_in_link_opens_nothing_once_another_was_asked_for_or_if_none_was() -> None:
    assert not opens(SIGN_IN, replace(ASKED, sign_in_asked_at=LATER))
    assert not opens(SIGN_IN, Account("acc_1"))
    assert not opens(replace(SIGN_IN, about=""), ASKED)


@pytest.mark.parametrize("outcome", sorted(NOT_MAILED))
def test_a_sign_in_link_works_on_if_the_message_with_the_newer_one_was_not_sent(
    outcome: str,
) -> None:
    newer = f"sign_in@{LATER.timestamp():.0f}"
    again = replace(ASKED, sign_in_asked_at=LATER)
    for known in (outcome, "queued", "sent", "unclear"):
        account = replace(again, mails={newer: MessageRecord(known, LATER, "billing")})
        assert opens(SIGN_IN, account) is (known == outcome)
        used = replace(account, signed_in_by=START)
        assert not opens(SIGN_IN, used)
        assert not opens(SIGN_IN, replace(account, links_void_before=START))


def test_the_last_link_that_may_be_mailed_works_until_the_next_may_be() -> None:
    until = START + timedelta(days=7)
    last = link_to(ASKED, "sign-in", START, SIGN_IN.about, until)
    assert (last.expires_at, issued_at(last)) == (until, START)
    longer = link_to(ASKED, "billing", START, "", until)
    assert (longer.expires_at, issued_at(longer)) == (START + timedelta(days=30), START)
    assert link_to(ASKED, "unsubscribe", START, "lifecycle", until).expires_at is None
    assert issued_at(replace(SIGN_IN, about="x")) is None


@pytest.mark.parametrize("purpose", sorted(PURPOSES.keys() - {"sign-in"}))
def test_the_proof_of_the_address_closes_the_links_of_who_only_typed_it(purpose: str) -> None:
    link = Link(purpose, "acc_1")
    assert opens(link, Account("acc_1"))
    lasts_for_ever = PURPOSES[purpose][0] is None
    assert opens(link, Account("acc_1", link_epoch=1)) is (purpose in MAILED or lasts_for_ever)
    assert opens(replace(link, epoch=1), Account("acc_1", link_epoch=1))


def test_a_leave_link_confirms_the_last_wish_alone_before_and_after_its_confirmation() -> None:
    wish = CancellationRequest("cancel_now", START)
    link, account = Link("leave", "acc_1", wish.id), Account("acc_1", leave=wish)
    assert cancellation_of(link, account) == wish
    assert cancellation_of(link, replace(account, left_by=START)) == wish
    assert cancellation_of(link, Account("acc_1")) is None
    other = CancellationRequest("withdraw", START)
    assert cancellation_of(link, replace(account, leave=other)) is None
    assert cancellation_of(link, replace(account, leave=replace(wish, at=LATER))) is None


BEFORE = Account("acc_1", profile=Profile("Ada@example.com"), sign_in_asked_at=START)
CHANGED = {"email": ProfileChange(LATER, "api")}
AFTER = replace(BEFORE, profile=Profile("ada@new.example"), profile_changes=CHANGED)


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_another_address_ends_the_links_that_the_one_before_was_mailed(purpose: str) -> None:
    about = SIGN_IN.about if purpose == "sign-in" else ""
    mailed = verify(sign(link_to(BEFORE, purpose, START, about), ["key"]), purpose, ["key"], START)
    in_capitals = replace(BEFORE, profile=Profile("ADA@EXAMPLE.COM"))
    assert opens(mailed, BEFORE)
    assert opens(mailed, in_capitals)
    assert opens(mailed, AFTER) is (purpose not in TO_ONE_ADDRESS)
    assert opens(link_to(AFTER, purpose, LATER, about), AFTER)
    assert opens(mailed, replace(AFTER, profile=BEFORE.profile)), "after an undo"


@pytest.mark.parametrize("purpose", sorted(TO_ONE_ADDRESS - {"sign-in"}))
def test_a_link_of_an_older_release_works_until_the_address_changes(purpose: str) -> None:
    link = Link(purpose, "acc_1")
    assert opens(link, BEFORE)
    assert not opens(link, AFTER)


def test_only_a_session_that_a_sign_in_link_began_is_fresh_and_for_a_quarter_of_an_hour() -> None:
    visit = link_to(BEFORE, "billing-visit", START, "sign-in")
    assert is_fresh(visit, START + FRESH - timedelta(seconds=1))
    assert not is_fresh(visit, START + FRESH)
    assert not is_fresh(link_to(BEFORE, "billing-visit", START), START)
