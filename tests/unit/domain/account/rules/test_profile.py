"""Whose address an account has: the newest of what was given here and of what changed at Stripe, in
whatever order and however often it is told.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import AddressProved, CustomerSnapshot, Fact, SignedUp
from chalicelib.domain.account.operations import pending
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.pointers import Pointer, pointers
from chalicelib.domain.account.profile import (
    AddressChange,
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
    CustomerCreated,
    Profile,
    ProfileChanged,
)
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.rules.profile import (
    differs_at_stripe,
    previous_emails,
    unlapsed_addresses,
    with_profile_operation,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Customer, digest

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
TYPED, NEW, OTHER = "ada@example.com", "ada@new.example", "ada@other.example"
SIGNED_UP = SignedUp(Signup("pro", T + timedelta(days=14), T), Profile(TYPED, "Ada"))


def account(*facts: Fact) -> Account:
    found = Account("acc_1")
    for fact in (SIGNED_UP, CustomerCreated("cus_1"), created(), *facts):
        found = apply(found, fact)
    return found


def created(email: str = TYPED, customer: str = "cus_1") -> CustomerSnapshot:
    """The answer to the call that created the customer."""
    return CustomerSnapshot(Customer(customer, email, "Ada"), FromFetch(T, ""))


def changed(email: str, at: datetime, was: str = TYPED, customer: str = "cus_1") -> Fact:
    """The event of a change at Stripe."""
    before = digest(Customer(customer, was, "Ada"))
    source = FromEvent(at, before)
    return CustomerSnapshot(Customer(customer, email, "Ada"), source, frozenset({"email"}))


def patched(email: str, at: datetime) -> Fact:
    return ProfileChanged({"email": email}, at, "api")


def test_a_change_at_stripe_is_newer_than_what_was_typed() -> None:
    found = account(changed(NEW, T + MINUTE))
    assert found.email == NEW
    assert {pointer for pointer in pointers(found) if pointer.kind == "EMAIL"} == {
        Pointer("EMAIL", NEW)
    }


def test_a_change_at_stripe_unproves_but_where_every_address_came_from_there() -> None:
    """Stripe may tell of the first address as of a change."""
    adopted = apply(Account("acc_1", origin="cus_1"), created())
    corrected = apply(adopted, changed(NEW, T + MINUTE))
    assert (corrected.email, corrected.proved, corrected.moved_at_stripe) == (NEW, True, False)
    pressed = apply(apply(adopted, AddressProved(T)), changed(NEW, T + MINUTE))
    assert (pressed.email, pressed.proved, pressed.moved_at_stripe) == (NEW, False, True)
    (told,) = pressed.address_changes
    assert (told.before, told.confirmed_at) == (TYPED, T + MINUTE)


def test_a_restored_account_tells_nobody_of_a_change_that_may_be_older() -> None:
    pressed = apply(apply(Account("acc_1", origin="cus_1"), created()), AddressProved(T))
    restored = replace(pressed, restored_at=T + 5 * MINUTE)
    assert apply(restored, changed(NEW, T + 9 * MINUTE)).address_changes == ()


def test_a_change_that_no_event_proves_is_newer_than_what_was_typed_too() -> None:
    told_nothing = CustomerSnapshot(Customer("cus_1", NEW, "Ada"), FromEvent(T + MINUTE))
    fetched = CustomerSnapshot(Customer("cus_1", NEW, "Ada"), FromFetch(T + MINUTE, ""))
    assert [account(one).email for one in (told_nothing, fetched)] == [NEW, NEW]


def test_an_old_event_does_not_undo_a_newer_change_here() -> None:
    old, patch = changed(OTHER, T + MINUTE), patched(NEW, T + 2 * MINUTE)
    assert account(patch, old).email == account(old, patch).email == NEW
    later = changed(OTHER, T + 3 * MINUTE)
    assert account(patch, later).email == account(later, patch).email == OTHER


def test_of_one_second_what_was_changed_here_counts() -> None:
    at = T + MINUTE
    facts = (changed(OTHER, at), patched(NEW, at + timedelta(microseconds=1)))
    assert account(*facts).email == account(*reversed(facts)).email == NEW


def test_the_echo_of_our_own_call_is_no_news() -> None:
    slow = replace_echo(changed(NEW, T + 3 * MINUTE))
    found = account(patched(NEW, T + MINUTE), patched(OTHER, T + 2 * MINUTE), slow)
    assert found.email == OTHER
    assert found.profile_changes["email"].by == "api"


def replace_echo(fact: Fact) -> Fact:
    assert isinstance(fact, CustomerSnapshot)
    return replace(fact, echo=True)


def test_a_report_that_only_repeats_the_address_is_no_news() -> None:
    """The customer's card changes before Stripe has the new address."""
    card = replace(Customer("cus_1", TYPED, "Ada"), card="pm_1")
    report = CustomerSnapshot(card, FromEvent(T + 2 * MINUTE, digest(Customer("cus_1", TYPED))))
    assert account(patched(NEW, T + MINUTE), report).email == NEW


def test_a_customer_that_joined_later_never_gives_its_address() -> None:
    joined = created(OTHER, "cus_9")
    found = account(joined, changed("x@other.example", T + MINUTE, OTHER, "cus_9"))
    assert (found.email, found.profile_changes) == (TYPED, {})
    adopted = apply(apply(Account("acc_1", origin="cus_5"), created(customer="cus_5")), joined)
    assert (adopted.email, adopted.name) == (TYPED, "Ada")
    gone = CustomerSnapshot(Customer("cus_5", deleted=True), FromEvent(T + MINUTE))
    assert apply(adopted, gone).email is None


def test_a_customer_that_billhook_creates_anew_is_followed_from_then_on() -> None:
    gone = CustomerSnapshot(Customer("cus_1", deleted=True), FromEvent(T + MINUTE))
    second = (CustomerCreated("cus_2"), created(customer="cus_2"))
    found = account(gone, *second, changed(NEW, T + 2 * MINUTE, TYPED, "cus_2"))
    assert found.email == NEW


def test_an_adopted_customers_deletion_leaves_the_address_that_was_given_here() -> None:
    gone = CustomerSnapshot(Customer("cus_1", deleted=True), FromEvent(T + MINUTE))
    adopted = apply(Account("acc_1", origin="cus_1"), created())
    assert apply(apply(adopted, patched(NEW, T)), gone).email == NEW


@dataclass(frozen=True)
class Told:
    """One thing that happened: its facts, and the address that the account has from then on."""

    facts: tuple[Fact, ...]
    email: str


def histories() -> st.SearchStrategy[list[Told]]:
    """Changes at Stripe, here with and without an echo, and reports that repeat the address."""
    kinds = st.sampled_from(["stripe", "here", "echoed", "card"])
    return st.lists(st.tuples(kinds, st.integers(1, 3)), min_size=1, max_size=6).map(happened)


def happened(script: list[tuple[str, int]]) -> list[Told]:
    at, present, at_stripe, card, told = T, TYPED, TYPED, 0, []
    for kind, number in script:
        at += number * MINUTE
        state = Customer("cus_1", at_stripe, "Ada", f"pm_{card}" if card else None)
        if kind == "card":
            card += 1
            source = FromEvent(at, digest(state))
            report = CustomerSnapshot(replace(state, card=f"pm_{card}"), source)
            told.append(Told((report,), present))
            continue
        present = f"ada{len(told)}@{kind}.example"
        facts: list[Fact] = []
        if kind != "stripe":
            facts.append(patched(present, at + timedelta(seconds=number)))
        if kind != "here":
            at += timedelta(seconds=30)
            at_stripe = present
            source = FromEvent(at, digest(state))
            news = replace(state, email=present)
            facts.append(CustomerSnapshot(news, source, frozenset({"email"}), kind == "echoed"))
        told.append(Told(tuple(facts), present))
    return told


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_reports_do_not_matter(
    history: list[Told], chance: Random
) -> None:
    facts = [fact for one in history for fact in one.facts]
    shuffled = [*facts, *chance.choices(facts, k=3)]
    chance.shuffle(shuffled)
    found, straight = account(*shuffled), account(*facts)
    assert found.email == straight.email == history[-1].email
    assert found.profile_changes == straight.profile_changes
    assert found.profile == straight.profile
    assert pointers(found) == pointers(straight)


def test_stripe_is_given_what_was_changed_here_and_once() -> None:
    now = T + 2 * MINUTE
    found = with_profile_operation(account(patched(NEW, T + MINUTE)), now)
    assert differs_at_stripe(found) == {"email": NEW}
    assert list(pending(found.errands)) == ["trial", f"profile:{(T + MINUTE).timestamp():.6f}"]
    assert with_profile_operation(found, now) == found
    later = account(patched(NEW, T + MINUTE), changed(OTHER, T + 2 * MINUTE))
    assert with_profile_operation(later, now) == later
    long_ago = account(patched(NEW, T + MINUTE))
    assert with_profile_operation(long_ago, T + timedelta(days=2)) == long_ago


def test_a_customer_that_does_not_exist_yet_is_given_it_once_it_does() -> None:
    signed_up = apply(apply(Account("acc_1"), SIGNED_UP), patched(NEW, T + MINUTE))
    assert with_profile_operation(signed_up, T + MINUTE) == signed_up
    known = apply(apply(signed_up, CustomerCreated("cus_1")), created())
    assert (known.email, differs_at_stripe(known)) == (NEW, {"email": NEW})
    assert known.signup
    assert known.signup.email == TYPED


CHANGE = AddressChange(NEW, TYPED, T + MINUTE)
ASKED = AddressChangeRequested(CHANGE)
CONFIRMED = AddressChangeConfirmed(CHANGE.id, T + 2 * MINUTE)


def test_a_requested_address_holds_once_it_was_confirmed() -> None:
    assert account(ASKED).email == TYPED
    found = account(ASKED, CONFIRMED)
    assert found.email == NEW
    again = apply(apply(found, AddressChangeConfirmed(CHANGE.id, T + 3 * MINUTE)), ASKED)
    assert again == found


@pytest.mark.parametrize("id", [CHANGE.id, "0", ""])
def test_a_request_that_lapsed_or_was_replaced_cannot_be_confirmed(id: str) -> None:
    late = AddressChangeConfirmed(id, T + MINUTE + timedelta(hours=24))
    assert account(ASKED, late).email == TYPED
    newer = AddressChangeRequested(AddressChange(OTHER, TYPED, T + 2 * MINUTE))
    assert account(ASKED, newer, AddressChangeConfirmed(id, T + 3 * MINUTE)).email == TYPED


def test_undoing_a_change_undoes_all_that_came_after_it() -> None:
    third = AddressChange("eve@evil.example", NEW, T + 3 * MINUTE)
    taken = account(
        ASKED,
        CONFIRMED,
        AddressChangeRequested(third),
        AddressChangeConfirmed(third.id, T + 4 * MINUTE),
    )
    assert taken.email == "eve@evil.example"
    undone = apply(taken, AddressChangeUndone(CHANGE.id, T + 5 * MINUTE))
    assert (undone.email, undone.address_changes) == (TYPED, ())
    assert apply(undone, AddressChangeUndone(third.id, T + 6 * MINUTE)) == undone


def test_the_address_of_before_is_kept_for_copies_until_a_month_later() -> None:
    found = account(ASKED, CONFIRMED)
    previous = found.previous_email
    assert previous
    assert (previous.address, previous.changed_at) == (TYPED, T + 2 * MINUTE)
    end = previous.until()
    assert unlapsed_addresses(found, end - timedelta(seconds=1)).previous_email == previous
    assert unlapsed_addresses(found, end).previous_email is None


def test_changing_on_does_not_push_the_first_address_out_and_undoing_ends_its_copies() -> None:
    third = AddressChange("eve@evil.example", NEW, T + 3 * MINUTE)
    on = (AddressChangeRequested(third), AddressChangeConfirmed(third.id, T + 4 * MINUTE))
    taken = account(ASKED, CONFIRMED, *on)
    assert taken.previous_email
    assert taken.previous_email.address == TYPED
    back = apply(taken, AddressChangeUndone(third.id, T + 5 * MINUTE))
    assert back.previous_email == taken.previous_email, "the first change still stands"
    assert apply(taken, AddressChangeUndone(CHANGE.id, T + 5 * MINUTE)).previous_email is None


def test_the_first_three_addresses_of_before_get_copies_each_for_its_own_month() -> None:
    found = account(ASKED, CONFIRMED)
    for number in range(3, 8):
        next_one = AddressChange(f"eve-{number}@evil.example", found.email or "", T + number * DAY)
        found = apply(found, AddressChangeRequested(next_one))
        found = apply(found, AddressChangeConfirmed(next_one.id, T + number * DAY))
    copied = previous_emails(found)
    assert [one.address for one in copied] == [TYPED, NEW, "eve-3@evil.example"]
    left = unlapsed_addresses(found, copied[0].until())
    assert previous_emails(left) == copied[1:]
    back = AddressChangeUndone(found.address_changes[1].id, T + 8 * DAY)
    assert previous_emails(apply(found, back)) == copied[:1]


def test_an_address_that_nobody_proved_or_that_the_product_changed_gets_no_copies() -> None:
    assert account(changed(NEW, T + MINUTE)).previous_email is None
    assert apply(account(), patched(NEW, T + MINUTE)).previous_email is None


def test_a_proved_address_that_changes_at_stripe_gets_copies() -> None:
    pressed = apply(apply(Account("acc_1", origin="cus_1"), created()), AddressProved(T))
    moved = apply(pressed, changed(NEW, T + MINUTE)).previous_email
    assert moved
    assert (moved.address, moved.changed_at) == (TYPED, T + MINUTE)


def test_a_change_can_be_undone_for_seven_days() -> None:
    found, week = account(ASKED, CONFIRMED), timedelta(days=7)
    in_time = T + 2 * MINUTE + week - timedelta(seconds=1)
    assert apply(found, AddressChangeUndone(CHANGE.id, in_time)).email == TYPED
    assert apply(found, AddressChangeUndone(CHANGE.id, T + 2 * MINUTE + week)) == found
    assert unlapsed_addresses(found, in_time) == found
    assert unlapsed_addresses(found, T + 2 * MINUTE + week).address_changes == ()


def test_the_language_is_that_of_the_customer_at_stripe_where_nobody_told_another() -> None:
    state = Customer("cus_1", TYPED, "Ada", locale="de-AT")
    at_stripe = CustomerSnapshot(state, FromFetch(T + MINUTE, ""))
    assert account(at_stripe).language == "de"
    assert (
        account(at_stripe, ProfileChanged({"language": "en"}, T + MINUTE, "api")).language == "en"
    )
    typed = replace(SIGNED_UP, profile=Profile(TYPED, attributes={"locale": "en"}))
    found = apply(apply(Account("acc_1"), typed), at_stripe)
    assert found.language == "en"
