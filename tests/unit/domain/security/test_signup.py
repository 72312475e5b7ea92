"""Who counts as the same person, what an unproved address gets, and errands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import (
    AddressProved,
    CheckoutCompleted,
    DisputeSnapshot,
    MilestoneReached,
    SignedIn,
    SignedUp,
    SignInRequested,
)
from chalicelib.domain.account.operations import (
    ACTIONS_KEPT_FOR,
    KEPT_FOR,
    KEY_TRUSTED,
    KINDS,
    PendingOperation,
    kind_of,
    merge_operation,
    pending,
    unexpired,
)
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import wait_after
from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.security.signup import (
    identity,
    network_of,
    own_domain,
    with_ascii_domain,
)
from chalicelib.outreach.variables import variables
from tests.fakes.services import POLICY
from tests.unit.domain.messaging.test_due_messages import LINKS

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNUP = Signup("pro", START + 14 * DAY, START)


def signed_up(signup: Signup = SIGNUP, name: str | None = "Ada Byron") -> Account:
    return apply(Account("acc_1"), SignedUp(signup, Profile("ada@example.com", name)))


def steps(account: Account) -> set[str]:
    """The steps that wait, as things stand."""
    planned = next_version(Account("acc_1"), account, POLICY, START)
    return {mail.step.id for mail in due_messages(planned, POLICY, START)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@Example.com", "ada@example.com ", True),
        ("ada+trial@example.com", "ada@example.com", True),
        ("a.d.a@gmail.com", "ada@googlemail.com", True),
        ("jane.doe@proton.me", "janedoe@protonmail.com", True),
        ("jane-doe@pm.me", "Jane_Doe+x@protonmail.ch", True),
        ("jane.doe@proton.me", "jan.doe@proton.me", False),
        ("jane-doe@gmail.com", "janedoe@gmail.com", False),
        ("ada@me.com", "ada@icloud.com", True),
        ("a.da@icloud.com", "ada@icloud.com", False),
        ("ada@ya.ru", "ada@yandex.com", True),
        ("shop@ada.fastmail.com", "ada@fastmail.com", True),
        ("shop@ada.fastmail.example", "ada@fastmail.example", False),
        ("a.da@example.com", "ada@example.com", False),
        ("ada@example.com", "ada@example.org", False),
        ("+tag@example.com", "+other@example.com", False),
        ("ada@MÜLLER.example", "ada@xn--mller-kva.example", True),
        ("ada@müller.example", "ada@muller.example", False),
    ],
)
def test_one_mailbox_is_one_person_however_it_is_written(one: str, other: str, same: bool) -> None:
    assert (identity(one) == identity(other)) is same


@pytest.mark.parametrize(
    "domain",
    [
        "müller.example",
        "MU\N{COMBINING DIAERESIS}LLER.example",
        "faß.example",
        "βόλος.example",
        "例え.jp",
        "ｅｘａｍｐｌｅ．ｃｏｍ",
        "例え。jp",
        "пример.испытание",
        "مثال.إختبار",
    ],
)
def test_a_domain_becomes_the_ascii_that_mail_servers_know(domain: str) -> None:
    known = validate_email(f"ada@{domain}", check_deliverability=False)
    assert with_ascii_domain(f"ada@{domain}") == f"ada@{known.ascii_domain}"


@pytest.mark.parametrize("email", ["", "ada", "Ada@Example.COM", "josé@example.com", "not an é"])
def test_what_has_no_domain_in_other_letters_stays_as_it_is(email: str) -> None:
    assert with_ascii_domain(email) == email


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("a@corp.example", "corp.example"),
        ("A+x@Corp.Example", "corp.example"),
        ("ada@gmail.com", None),
        ("ada@googlemail.com", None),
        ("ada@mail.corp.example", "mail.corp.example"),
    ],
)
def test_a_domain_is_somebodys_own_unless_anybody_has_an_address_there(
    email: str, domain: str | None
) -> None:
    assert own_domain(email) == domain


@given(st.emails())
def test_an_identity_is_the_identity_of_itself(email: str) -> None:
    assert identity(identity(email)) == identity(email)


def test_an_address_that_nobody_proved_gets_what_the_policy_allows_and_no_more() -> None:
    assert steps(signed_up()) == {"welcome"}
    assert steps(apply(signed_up(), AddressProved(START))) == {
        "welcome",
        "note",
        "three_days",
        "one_day",
    }
    assert steps(apply(signed_up(), MilestoneReached("connected_data", START))) == {
        "welcome",
        "three_days",
        "one_day",
    }


def test_a_signup_to_be_confirmed_gets_the_confirmation_alone() -> None:
    assert steps(signed_up(replace(SIGNUP, confirm=True))) == {"confirm"}


def test_a_dispute_leaves_billing_notices_and_nothing_else() -> None:
    proved = apply(signed_up(), AddressProved(START))
    disputed = apply(proved, DisputeSnapshot("du_1", "ch_1", "needs_response", START))
    assert steps(disputed) == set()
    assert steps(apply(disputed, DisputeSnapshot("du_1", "ch_1", "won", START))) == steps(proved)
    lost = apply(disputed, DisputeSnapshot("du_1", "ch_1", "lost", START))
    assert apply(lost, DisputeSnapshot("du_1", "ch_1", "under_review", START)) == lost


@given(
    st.permutations(
        [
            AddressProved(START),
            AddressProved(START + DAY),
            SignedIn(START),
            SignedIn(START + DAY),
            SignInRequested(START),
        ]
    )
)
def test_what_links_told_is_the_same_in_every_order_but_for_when(
    facts: list[AddressProved | SignedIn | SignInRequested],
) -> None:
    account = signed_up()
    for fact in (*facts, *facts):
        account = apply(account, fact)
    assert account.link_epoch == 1
    assert account.signed_in_by == START + DAY
    assert account.proved


def test_a_checkout_completed_twice_gives_one_errand_and_a_done_one_stays_done() -> None:
    news = CheckoutCompleted("cs_1", "setup", "cus_1", START)
    account = apply(signed_up(), news)
    assert apply(account, replace(news, at=START + DAY)) == account
    done = replace(account.errands["card:cs_1"], done_at=START)
    account = replace(account, errands={**account.errands, "card:cs_1": done})
    assert apply(account, news).errands["card:cs_1"] == done


def test_a_purchase_expires_what_would_buy_a_second_one() -> None:
    assert set(
        apply(signed_up(), CheckoutCompleted("cs_1", "subscription", "cus_1", START)).errands
    ) == {"trial", "sessions:cs_1"}


def test_an_errand_is_tried_ever_more_slowly_and_never_given_up() -> None:
    operation = PendingOperation(START, START)
    for number in range(20):
        now = operation.next_try()
        operation = operation.after_failure(now, key_is_used_up=False)
        assert operation.next_try() - now == wait_after(number + 1)


def test_a_key_is_not_relied_on_when_it_is_old_or_in_doubt() -> None:
    operation = PendingOperation(START, START)
    assert not operation.needs_lookup(START + KEY_TRUSTED)
    assert operation.needs_lookup(START + KEY_TRUSTED + timedelta(seconds=1))
    doubtful = operation.after_failure(START, key_is_used_up=True)
    assert doubtful.needs_lookup(START)
    assert doubtful.after_failure(START, key_is_used_up=False).doubtful, (
        "a later time-out takes no doubt away"
    )
    assert (doubtful.with_new_key(START).generation, doubtful.with_new_key(START).doubtful) == (
        1,
        False,
    )


def test_done_errands_are_forgotten_once_nothing_can_ask_for_them_again_but_for_the_trial() -> None:
    done = PendingOperation(START, START, done_at=START)
    errands = {
        "trial": done,
        "card:cs_1": done,
        "card:cs_2": PendingOperation(START, START),
        "sessions:cs_3": done,
        "do:1": done,
        "profile:1.5": done,
    }
    assert set(unexpired(errands, START + ACTIONS_KEPT_FOR + DAY)) == {
        "trial",
        "card:cs_1",
        "card:cs_2",
        "sessions:cs_3",
    }
    assert set(unexpired(errands, START + KEPT_FOR + DAY)) == {"trial", "card:cs_2"}
    assert set(pending(errands)) == {"card:cs_2"}
    assert {kind_of(name)[0] for name in errands} == set(KINDS)


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Ada Byron", "Hello Ada,"),
        ("J. R. Tolkien", "Hello J.,"),
        (None, "Hello,"),
        ("evil.com", "Hello,"),
    ],
)
def test_nobody_is_greeted_by_name_before_the_address_is_proved(
    name: str | None, greeting: str
) -> None:
    unproved = next_version(Account("acc_1"), signed_up(name=name), POLICY, START)
    (welcome,) = [
        mail for mail in due_messages(unproved, POLICY, START) if mail.step.id == "welcome"
    ]
    said = variables(unproved, welcome, POLICY, START, LINKS)
    assert (said["greeting"], said["name"]) == ("Hello,", "")
    used = replace(unproved, milestones={"connected_data": START})
    assert variables(used, welcome, POLICY, START, LINKS)["greeting"] == "Hello,", (
        "a stranger who uses the product proves no address"
    )
    proved = apply(unproved, AddressProved(START))
    assert variables(proved, welcome, POLICY, START, LINKS)["greeting"] == greeting


@given(st.permutations(range(5)))
def test_what_is_known_of_an_errand_is_the_same_in_every_order(order: list[int]) -> None:
    first = PendingOperation(START, START)
    doubtful = first.after_failure(START + DAY, key_is_used_up=True)
    again = doubtful.with_new_key(START + DAY)
    news = [
        first,
        first.after_failure(START, key_is_used_up=False),
        doubtful,
        again,
        again.after_failure(START + 2 * DAY, key_is_used_up=False),
    ]
    known: PendingOperation | None = None
    for place in order:
        known = merge_operation(known, news[place])
    assert known == news[-1]
    assert known
    done = replace(first, done_at=START + 3 * DAY)
    assert merge_operation(known, done).done_at
    assert merge_operation(merge_operation(known, done), again).done_at


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_who_has_a_whole_network_of_addresses_is_counted_once(address: str, counted: str) -> None:
    assert network_of(address) == counted
