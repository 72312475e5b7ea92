"""What erasure leaves in the table: keyed hashes, and nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.aws.partition import Partition
from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.pointers import tombstone_of_account, tombstone_of_customer
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.stripe_objects.objects import Customer
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA = apply(
    replace(
        Account(
            "acc_ada",
            1,
            profile=Profile("ada@example.com", "Ada", "42"),
            signup=Signup("pro", T, T, identities=("email:ada@example.com",)),
        ),
        due_at=T,
    ),
    CustomerSnapshot(Customer("cus_ada", "ada@work.example"), FromFetch(T, "")),
)


def table(dynamodb: Any) -> list[Any]:
    return list(dynamodb.scan(TableName=TABLE)["Items"])


@pytest.fixture
def accounts(dynamodb: Any) -> Accounts:
    """A table with Ada's account, eighty notes, a claim, and her address suppressed."""
    accounts = Accounts(TABLE, lambda: "key", dynamodb)
    accounts.save(Account("acc_ada"), ADA)
    Timelines(TABLE, dynamodb).put(
        Entry(
            "acc_ada",
            T + timedelta(seconds=n),
            "stripe",
            f"evt_{n}",
            "x",
            {"email": "ada@example.com"},
        )
        for n in range(80)
    )
    SendClaims(TABLE, dynamodb).take(SendClaim("acc_ada", "welcome@signup", "sent", T), None)
    Suppressions(TABLE, lambda: "key", dynamodb).add("ada@example.com", "bounce", T)
    return accounts


def test_nothing_but_hashes_is_left(accounts: Accounts, dynamodb: Any) -> None:
    accounts.erase(ADA, T)
    assert Partition(TABLE, dynamodb).clear("acc_ada") == 81
    assert Partition(TABLE, dynamodb).clear("acc_ada") == 0
    left = table(dynamodb)
    assert sorted(item["sk"]["S"] for item in left) == ["ERASED", "ERASED", "SUPPRESSED", "TRIAL"]
    for word in ("ada@", "Ada", "acc_ada", "cus_ada"):
        assert word not in json.dumps(left), word
    assert accounts.erased(
        {
            tombstone_of_account("acc_ada"),
            tombstone_of_customer("cus_ada"),
            tombstone_of_account("acc_eve"),
        }
    ) == {
        tombstone_of_account("acc_ada"),
        tombstone_of_customer("cus_ada"),
    }
    assert accounts.with_email("ada@example.com") == accounts.with_email("ada@work.example") == []
    assert (
        accounts.with_external_id("42")
        is accounts.with_trial("email:ada@example.com")
        is accounts.load("acc_ada")
        is None
    )
    assert accounts.of_customers({"cus_ada": "acc_ada"}) == {}


def test_the_trial_of_who_was_erased_is_not_given_again(accounts: Accounts) -> None:
    accounts.erase(ADA, T)
    again = Account("acc_new", 1, profile=Profile("ada@example.com"), signup=ADA.signup)
    with pytest.raises(AccountTaken):
        accounts.save(Account("acc_new"), again)


def test_the_trial_of_an_account_that_nobody_proved_is_free_again(
    accounts: Accounts, dynamodb: Any
) -> None:
    accounts.erase(ADA, T, frees_trials=True)
    assert "TRIAL" not in {item["sk"]["S"] for item in table(dynamodb)}
    again = Account("acc_new", 1, profile=Profile("ada@example.com"), signup=ADA.signup)
    accounts.save(Account("acc_new"), again)
    assert accounts.with_trial("email:ada@example.com") == again


def test_an_account_that_was_written_meanwhile_is_not_erased_by_what_was_known_before(
    accounts: Accounts, dynamodb: Any
) -> None:
    accounts.save(ADA, replace(ADA, version=2))
    before = table(dynamodb)
    with pytest.raises(ConcurrentUpdate):
        accounts.erase(ADA, T)
    assert table(dynamodb) == before


def test_a_partition_is_read_without_its_account(accounts: Accounts, dynamodb: Any) -> None:
    items = list(Partition(TABLE, dynamodb).items("acc_ada"))
    assert [item["sk"]["S"].partition("#")[0] for item in items] == ["LOG"] * 80 + ["MESSAGE"]
    assert list(Partition(TABLE, dynamodb).items("acc_none")) == []


def test_rewriting_puts_every_pointer_anew(accounts: Accounts, dynamodb: Any) -> None:
    for item in table(dynamodb):
        if item["pk"]["S"].partition("#")[0] in {"CUSTOMER", "EXTERNAL", "EMAIL", "TRIAL"}:
            dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    assert accounts.with_email("ada@example.com") == []
    again = replace(ADA, version=2)
    accounts.rewrite(ADA, again)
    assert (
        accounts.with_email("ada@example.com") == accounts.with_email("ada@work.example") == [again]
    )
    assert accounts.with_external_id("42") == accounts.with_trial("email:ada@example.com") == again
    with pytest.raises(ConcurrentUpdate):
        accounts.rewrite(ADA, replace(ADA, version=2))


def test_a_timeline_moves_whole_and_nothing_else_does(accounts: Accounts, dynamodb: Any) -> None:
    beside = Partition(TABLE, dynamodb)
    own = Entry("acc_eve", T, "stripe", "evt_own", "x", {})
    Timelines(TABLE, dynamodb).put([own])
    moved = {item["sk"]["S"]: item.get("body") for item in beside.items("acc_ada")}
    for _ in range(2):
        beside.move_timeline("acc_ada", "acc_eve")
    found = {item["sk"]["S"]: item.get("body") for item in beside.items("acc_eve")}
    notes = {key: body for key, body in moved.items() if key.startswith("LOG#")}
    assert len(notes) == 80
    assert notes.items() < found.items()
    assert len(found) == 81, "claims stay"
