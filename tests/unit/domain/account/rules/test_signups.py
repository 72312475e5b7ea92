"""An address is signed up more than once before anybody has proved it: what is kept, and what the
first press of a mailed link makes of it.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import (
    AddressProved,
    CustomerSnapshot,
    Fact,
    GrantGiven,
    MessageRecorded,
    MilestoneReached,
    SignedUp,
    SignedUpAgain,
    SignInRequested,
    SignupConfirmed,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.links import (
    link_to,
    opens,
    sign_in_mark,
    signup_behind,
    signups_behind,
)
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import CustomerCreated, Profile, ProfileChanged
from chalicelib.domain.account.queries import is_unclaimed, restarts_trial
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Customer, Item, Subscription
from tests.fakes.lifecycles import DAY, START
from tests.fakes.services import POLICY

TRIAL = 14 * DAY
MAILBOX = "ada@example.com"
FIRST = SignedUp(
    Signup("scale", START + TRIAL, START, identities=("email:ada@example.com",)),
    Profile(MAILBOX, "Eve", "user-666", "Asia/Tokyo", {"team": "Mine"}, "de"),
)
ADA = Profile(MAILBOX, "Ada", None, "Europe/Vienna", {"team": "Engine"}, "en")


BOB = replace(ADA, name="Bob")


def again(at: timedelta = DAY, profile: Profile = ADA, plan: str = "pro") -> SignedUpAgain:
    signed_up = START + at
    identities = ("email:ada@example.com",)
    signup = Signup(plan, signed_up + TRIAL, signed_up, identities=identities)
    return SignedUpAgain(signup, profile)


def told(*facts: Fact, account: Account | None = None) -> Account:
    account = account or Account("acc_1")
    for fact in facts:
        account = apply(account, fact)
    return account


def pressed(number: int, at: timedelta, account: Account) -> Account:
    moment = START + at
    return told(SignupConfirmed(number, moment), AddressProved(moment), account=account)


def at_stripe(status: str = "trialing", card: str | None = None) -> tuple[Fact, ...]:
    """The first signup's customer and trial, as Stripe has them."""
    customer = Customer("cus_1", MAILBOX, "Eve", card)
    items = (Item("price_1", "prod_1", "scale_monthly"),)
    trial = Subscription(
        "sub_1", "cus_1", status, START, items, trial_start=START, trial_end=START + TRIAL
    )
    source = FromEvent(START)
    return (
        CustomerCreated("cus_1"),
        CustomerSnapshot(customer, source),
        SubscriptionSnapshot(trial, source),
    )


def test_a_later_signup_waits_beside_the_first_and_the_same_words_are_no_second_one() -> None:
    account = told(FIRST, again(), again(2 * DAY, BOB), again(3 * DAY))
    assert [one.signup.number for one in account.pending_signups] == [3, 2], "the newest last"
    assert account.profile == FIRST.profile
    click = SignedUpAgain(replace(FIRST.signup, at=START + timedelta(minutes=59)), FIRST.profile)
    assert apply(account, click) == account
    late = SignedUpAgain(replace(FIRST.signup, at=START + DAY), FIRST.profile)
    assert apply(account, late).pending_signups[-1].signup.number == 4


@pytest.mark.parametrize(
    "fact",
    [
        AddressProved(START),
        MilestoneReached("connected_data", START),
        GrantGiven(Grant(START + DAY)),
        CustomerSnapshot(Customer("cus_1", MAILBOX, "Eve", "pm_1"), FromEvent(START)),
    ],
)
def test_nothing_waits_beside_what_was_proved_or_used(fact: Fact) -> None:
    account = told(FIRST, fact)
    assert not is_unclaimed(account)
    assert apply(account, again()) == account


def test_the_signup_that_is_confirmed_counts_whole_and_the_others_are_dropped() -> None:
    account = told(FIRST, again(), again(2 * DAY, BOB))
    after = pressed(2, 30 * DAY, account)
    assert after.profile == ADA
    assert after.pending_signups == ()
    assert after.signup
    assert (after.signup.plan, after.signup.trial_ends_at) == ("pro", START + 44 * DAY)
    known = standing(after, POLICY, START + 30 * DAY)
    assert (known.access, known.reason) == ("full", "trial_starting")
    assert pressed(3, 31 * DAY, after) == after, "the first press decides"


def test_a_press_for_a_signup_that_is_no_longer_kept_is_one_for_the_first() -> None:
    account = told(FIRST, again())
    assert pressed(9, 3 * DAY, account) == pressed(1, 3 * DAY, account)


@pytest.mark.parametrize(
    ("late", "ends"), [(timedelta(minutes=59), TRIAL), (3 * DAY, 3 * DAY + TRIAL)]
)
def test_the_first_signups_trial_is_begun_anew_if_others_signed_up_and_some_of_it_was_lost(
    late: timedelta, ends: timedelta
) -> None:
    account = pressed(1, late, told(FIRST, *at_stripe(), again()))
    assert account.signup
    assert account.signup.trial_ends_at == START + ends
    assert restarts_trial(account) is (ends != TRIAL)
    assert account.profile == FIRST.profile


def test_a_link_of_the_only_signup_opens_what_it_promised() -> None:
    account = told(FIRST, *at_stripe())
    assert pressed(1, 20 * DAY, account) == told(AddressProved(START + 20 * DAY), account=account)


@pytest.mark.parametrize("card", [None, "pm_1"])
def test_a_trial_that_is_used_stays_as_it_is(card: str | None) -> None:
    used = () if card else (MilestoneReached("connected_data", START),)
    account = told(FIRST, *at_stripe(card=card), *used)
    assert pressed(1, 3 * DAY, account) == told(AddressProved(START + 3 * DAY), account=account)


def test_what_somebody_pays_for_keeps_its_words_whatever_is_pressed() -> None:
    account = told(FIRST, again(), *at_stripe(card="pm_1"))
    after = pressed(2, 3 * DAY, account)
    assert (after.profile, after.pending_signups) == (FIRST.profile, ())
    assert not restarts_trial(after)


def test_an_end_that_the_product_has_moved_beyond_a_whole_trial_stays() -> None:
    account = told(FIRST, again(), *at_stripe())
    trial = replace(account.subscriptions["sub_1"].value, trial_end=START + 90 * DAY)
    account = told(SubscriptionSnapshot(trial, FromEvent(START + DAY)), account=account)
    after = pressed(2, 3 * DAY, account)
    assert after.signup
    assert after.signup.trial_ends_at == START + 90 * DAY


def test_what_stripes_customer_has_otherwise_is_changed_there() -> None:
    nameless = replace(ADA, name=None)
    after = pressed(2, DAY, told(FIRST, *at_stripe(), again(profile=nameless)))
    assert (after.name, after.email) == (None, MAILBOX)
    assert after.profile_changes.keys() == {"name"}
    assert after.email_proved


def test_what_the_product_has_changed_since_stays() -> None:
    changed = ProfileChanged({"name": "Ada B.", "external_id": "user-311"}, START, "api")
    after = pressed(2, DAY, told(FIRST, *at_stripe(), changed, again()))
    assert (after.profile.name, after.profile.external_id) == ("Ada B.", "user-311")
    assert after.profile.timezone == "Europe/Vienna"


def test_a_call_that_may_have_created_the_first_customer_is_repeated_as_it_was() -> None:
    after = pressed(2, DAY, told(FIRST, again()))
    assert after.signup
    assert after.signup.name == "Eve", "Stripe may have been asked with this name"
    assert after.errands["trial"].done_at
    assert after.errands["trial:2"].not_before > START + DAY + timedelta(minutes=1)


def test_the_newest_signup_and_that_of_the_newest_link_stay_however_many_come() -> None:
    attributes = {str(number): "x" * 500 for number in range(50)}
    account = told(FIRST, again(), SignInRequested(START + DAY, MAILBOX))
    for number in range(3, 30):
        large = replace(ADA, name=f"Eve {number}", attributes=attributes)
        account = told(again(DAY, large), account=account)
        kept = [one.signup.number for one in account.pending_signups]
        assert (kept[0], kept[-1]) == (2, number)
        assert len(kept) <= most("pending signups")


def test_a_link_belongs_to_the_newest_signup_of_its_address() -> None:
    other = replace(ADA, email="ada+eve@example.com")
    account = told(FIRST, again(), again(profile=other))
    asked = told(SignInRequested(START + DAY, "ADA@example.com"), account=account)
    assert sign_in_mark(asked).endswith("-2")
    link = link_to(asked, "sign-in", START + DAY, sign_in_mark(asked))
    assert opens(link, asked)
    assert signup_behind(link, asked) == 2
    assert [one.number for one in signups_behind(link, asked)] == [2, None]
    assert signup_behind(link, asked, "3") == 2, "of another address"
    assert signup_behind(link, asked, "1") == 1


def test_each_signup_has_a_link_of_its_own_mailed_and_the_same_words_have_one() -> None:
    account, marks = told(FIRST), []
    for number in (2, 3, 3, 4):
        typed = again(DAY, replace(ADA, name=f"Eve {number}"))
        asked = SignInRequested(START + DAY, MAILBOX, typed)
        account = told(typed, asked, account=account)
        marks.append(sign_in_mark(account).partition("-")[2])
    assert marks == ["2", "3", "3", "4"]
    later = told(SignInRequested(START + 2 * DAY, MAILBOX), account=account)
    assert sign_in_mark(later).endswith("-4"), "a link that nobody typed a signup for"


def test_signups_to_which_a_link_was_mailed_make_room_last() -> None:
    account = told(FIRST)
    for number in range(2, 30):
        typed = again(DAY, replace(ADA, name=f"Eve {number}"))
        account = told(typed, SignInRequested(START + DAY, MAILBOX, typed), account=account)
        if number < 5:
            sent = MessageRecord("sent", START + number * DAY, "billing")
            account = told(
                MessageRecorded(f"sign_in@{sign_in_mark(account)}", sent), account=account
            )
    kept = [one.signup.number for one in account.pending_signups]
    assert kept == [2, 3, 4, 28, 29]


def test_a_link_whose_signup_is_gone_confirms_none_by_itself() -> None:
    account = told(FIRST, again())
    asked = told(SignInRequested(START + DAY, MAILBOX), account=account)
    link = replace(link_to(asked, "sign-in", START + DAY, sign_in_mark(asked)), about="1-9")
    assert signup_behind(link, asked) is None
    assert signup_behind(link, asked, "2") == 2


def test_the_link_of_a_signup_signs_in_once_the_account_was_used_and_keeps_none() -> None:
    account = told(FIRST, again())
    asked = told(SignInRequested(START + DAY, MAILBOX), account=account)
    link = link_to(asked, "sign-in", START + DAY, sign_in_mark(asked))
    used = replace(asked, pending_signups=())
    assert opens(link, used)
    assert signup_behind(link, used) == 1


PEOPLE = {"ada": ADA, "eve": FIRST.profile}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(PEOPLE)), st.integers(0, 40)), min_size=1, max_size=6)
)
def test_who_presses_ends_with_the_own_words_and_a_whole_trial(
    signups: list[tuple[str, int]],
) -> None:
    """In whatever order two people sign the same address up, and however long they wait."""
    at, account, by = timedelta(0), Account("acc_1"), []
    for who, days in signups:
        at += days * DAY
        by.append(who)
        typed = again(at, PEOPLE[who])
        first = SignedUp(typed.signup, typed.profile)
        account = told(typed if account.signup else first, account=account)
    for who in set(by):
        waiting = {one.profile.name: one.signup.number for one in account.pending_signups}
        after = pressed(waiting.get(PEOPLE[who].name) or 1, at + DAY, account)
        assert after.profile == PEOPLE[who]
        known = standing(after, POLICY, START + at + DAY)
        if account.pending_signups:
            assert (known.access, known.until) == ("full", START + at + DAY + TRIAL)
        late = told(again(at + 20 * DAY, BOB), account=pressed(2, at + 5 * DAY, after))
        assert (late.signup, late.pending_signups) == (after.signup, ()), "one trial a mailbox"
