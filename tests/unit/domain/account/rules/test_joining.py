"""One account takes in another one, as an operator decided."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.parts.figures import Ending, FigureRecord, HoldoutRecord
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.rules.joining import absorb, before_joining
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import NotPossible, TooMany
from chalicelib.domain.stripe_objects.objects import Customer

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
SENT = MessageRecord("sent", T, "billing")
OTHER = MessageRecord("passed", T, "billing")


def of(id: str, *customers: str, **more: Any) -> Account:
    account = Account(id, **more)
    for customer in customers:
        known = Customer(customer, f"{customer}@example.com")
        account = apply(account, CustomerSnapshot(known, FromFetch(T, "")))
    return account


ADA = of("acc_ada", "cus_9", origin="cus_9", profile=Profile(name="Ada"))


def test_what_was_known_granted_and_sent_goes_along_and_the_profile_stays() -> None:
    grant = Grant(T + timedelta(days=9), "pro", "sorry")
    apart = of(
        "acc_1",
        "cus_1",
        grants=(grant,),
        milestones={"a": T},
        mails={"step@1": SENT, "step@2": OTHER},
        profile=Profile("eve@example.com", "Eve", "user-1"),
        asks=(FetchRequest("invoices", "cus_1"),),
        origin="cus_1",
    )
    found = absorb(replace(ADA, mails={"step@2": SENT}), apart)
    assert (list(found.customers), found.origin_id) == (["cus_9", "cus_1"], "cus_9")
    assert (found.email, found.name) == ("cus_9@example.com", "Ada")
    assert found.profile.external_id == "user-1"
    assert (found.grants, found.milestones) == ((grant,), {"a": T})
    assert found.mails == {"step@2": SENT, "step@1": SENT}
    assert found.asks == apart.asks


@pytest.mark.parametrize("earlier", ["mine", "theirs"])
def test_both_are_one_customer_since_the_earlier_first_day(earlier: str) -> None:
    old = FigureRecord(T.date(), "11111", {"sub_1": Ending(T)}, {"a": HoldoutRecord(T)})
    new = FigureRecord(
        T.date() + timedelta(days=1), "00000", {"sub_2": Ending(T)}, {"b": HoldoutRecord(T)}
    )
    mine, theirs = (old, new) if earlier == "mine" else (new, old)
    apart = of("acc_1", "cus_1", figures=theirs, origin="cus_1")
    found = absorb(replace(ADA, figures=mine), apart).figures
    assert found
    assert (found.since, found.kept) == (old.since, old.kept)
    assert (set(found.endings), set(found.messages)) == ({"sub_1", "sub_2"}, {"a", "b"})
    assert absorb(ADA, apart).figures == theirs


def test_the_later_withdrawal_counts() -> None:
    refund = Refund(4900, "usd")
    gave_back = of("acc_1", withdrawn_at=T, withdrawn_refund=refund)
    found = absorb(ADA, gave_back)
    assert (found.withdrawn_at, found.withdrawn_refund) == (T, refund)
    later = replace(ADA, withdrawn_at=T + timedelta(days=1))
    assert absorb(later, gave_back) == later


def test_of_an_account_that_holds_nothing_nothing_changes() -> None:
    assert absorb(ADA, Account("acc_1")) == ADA


def test_what_an_account_has_itself_is_never_replaced() -> None:
    theirs = of("acc_1", "cus_9", "cus_1")
    theirs = apply(theirs, CustomerSnapshot(Customer("cus_9", deleted=True), FromFetch(T, "")))
    assert absorb(ADA, theirs).customers["cus_9"] == ADA.customers["cus_9"]


@pytest.mark.parametrize(
    ("apart", "error"),
    [
        (of("acc_1", signup=Signup("pro", T, T)), NotPossible),
        (of("acc_1", profile=Profile(external_id="user-2")), NotPossible),
        (of("acc_1", errands={"do:1": PendingOperation(T, T)}), NotPossible),
        (of("acc_1", *(f"cus_x{number}" for number in range(most("customers")))), TooMany),
    ],
    ids=["a signup", "another id", "a pending operation", "too many customers"],
)
def test_nothing_is_taken_in_that_would_be_lost(apart: Account, error: type[Exception]) -> None:
    with pytest.raises(error):
        absorb(replace(ADA, profile=Profile(external_id="user-1")), apart)


STAYS = {
    "id", "version", "epoch", "signup", "unsubscribed", "proved_at", "link_epoch",
    "sign_in_asked_at", "signed_in_by", "sign_in_unused", "checkout", "card_given_at",
    "plan_change", "owed_asked_at", "history_until", "restored_at", "broadcasts", "leave",
    "left_by", "departed_at", "failures", "asked_in_vain", "notice_complaint", "resting_until",
    "standing", "written_at", "policy", "due_at", "profile_changes", "address_changes",
    "origin", "pending_signups", "sign_in_signup", "links_void_before", "refused_join",
    "openings", "ended_links", "events", "superseded_at",
    "figures_due",
    "previous_email", "also_copied",
}  # fmt: skip
"""The fields that stay as the account has them, because they are about its own address, links,
clock or last version."""


@pytest.mark.parametrize(
    ("account", "address", "origin"),
    [
        (of("acc_1", "cus_9", "cus_1"), "x@example.com", "cus_9"),
        (of("acc_1", "cus_9", "cus_1", origin="cus_1"), "x@example.com", "cus_1"),
        (Account("acc_1", profile=Profile("ada@example.com")), "x@example.com", ""),
        (Account("acc_1", profile=Profile("ada@example.com")), None, ""),
        (Account("acc_1"), None, ""),
        (Account("acc_1", profile=Profile("ada@example.com")), "ada@example.com", None),
    ],
)
def test_an_account_remembers_the_customer_that_it_came_from_before_another_one_joins(
    account: Account, address: str | None, origin: str | None
) -> None:
    assert before_joining(account, address).origin == origin


def test_the_address_of_an_account_without_a_customer_is_not_that_of_the_one_that_it_takes_in() -> (
    None
):
    signed_up = Account("acc_1", profile=Profile("ada@example.com"), signup=Signup("pro", T, T))
    found = absorb(signed_up, of("acc_2", "cus_2"))
    assert (found.email, list(found.customers)) == ("ada@example.com", ["cus_2"])
    changed = Customer("cus_2", "eve@other.example")
    assert apply(found, CustomerSnapshot(changed, FromFetch(T, found.mark("cus_2")))).email == (
        "ada@example.com"
    )


def test_every_field_is_decided_on() -> None:
    read = set()

    class Spy:
        def __getattr__(self, name: str) -> Any:
            read.add(name)
            return getattr(Account("acc_1", withdrawn_at=T), name)

    spy: Any = Spy()
    absorb(ADA, spy)
    assert {one.name for one in fields(Account)} == STAYS | (read - {"signup", "id"})
