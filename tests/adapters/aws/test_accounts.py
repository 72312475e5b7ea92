"""Accounts and their pointers in the table, on moto. What moto gets wrong is tested on ministack
(test_writers_at_once.py).
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.directory import Directory
from chalicelib.aws.items import account_item, keyed_hash
from chalicelib.domain.account.joins import RefusedJoin
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate, Unavailable
from chalicelib.domain.stripe_objects.objects import Customer
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


def account(
    id: str,
    *customers: str,
    email: str | None = "ada@example.com",
    external_id: str | None = None,
    version: int = 1,
) -> Account:
    known = {customer: Tracked(Customer(customer, email), T) for customer in customers}
    return Account(id, version, profile=Profile(external_id=external_id), customers=known)


@pytest.fixture
def accounts(dynamodb: Any) -> Accounts:
    return Accounts(TABLE, lambda: "key", dynamodb)


def keep(accounts: Accounts, one: Account) -> Account:
    accounts.save(Account(one.id), one)
    return one


def test_an_account_is_written_and_read(accounts: Accounts) -> None:
    one = keep(accounts, account("acc_1", "cus_1"))
    assert accounts.load("acc_1") == one
    assert accounts.load("acc_2") is None


def test_a_write_to_an_account_that_is_gone_is_a_lost_race(accounts: Accounts) -> None:
    one = keep(accounts, account("acc_1", "cus_1"))
    with pytest.raises(ConcurrentUpdate):
        keep(accounts, one)
    accounts.save(one, replace(one, version=2))
    with pytest.raises(ConcurrentUpdate):
        accounts.save(one, replace(one, version=2))
    with pytest.raises(ConcurrentUpdate):
        accounts.save(one, replace(account("acc_1", "cus_1", "cus_2"), version=2))
    assert accounts.of_customers({"cus_2": "acc_1"}) == {}, (
        "the pointer of a lost race is not written either"
    )


def test_a_customer_has_one_account(accounts: Accounts) -> None:
    keep(accounts, account("acc_1", "cus_1"))
    with pytest.raises(AccountTaken):
        keep(accounts, account("acc_2", "cus_1"))
    assert accounts.load("acc_2") is None


def test_a_customer_is_found_by_a_right_guess_by_a_wrong_one_and_without_one(
    accounts: Accounts,
) -> None:
    one, other = (
        keep(accounts, account("acc_1", "cus_1", "cus_2")),
        keep(accounts, account("acc_9", "cus_9")),
    )
    guesses = {"cus_1": "acc_1", "cus_2": "acc_9", "cus_9": "acc_none", "cus_x": "acc_1"}
    assert accounts.of_customers(guesses) == {"cus_1": one, "cus_2": one, "cus_9": other}


def test_a_hundred_and_more_customers_are_found_in_a_batch(accounts: Accounts) -> None:
    for number in range(130):
        keep(accounts, account(f"acc_{number}", f"cus_{number}", email=None))
    found = accounts.of_customers(
        {f"cus_{number}": f"acc_{number if number % 2 else 'wrong'}" for number in range(130)}
    )
    assert {customer: one.id for customer, one in found.items()} == {
        f"cus_{number}": f"acc_{number}" for number in range(130)
    }


def test_customers_may_share_an_address_and_it_finds_them_all(accounts: Accounts) -> None:
    for id, email in (
        ("acc_1", "Ada@Example.com"),
        ("acc_2", "ada@example.com "),
        ("acc_3", "eve@example.com"),
    ):
        keep(accounts, account(id, f"cus_{id}", email=email))
    assert [one.id for one in accounts.with_email("ADA@example.com")] == ["acc_1", "acc_2"]
    assert accounts.with_email("nobody@example.com") == []


def test_a_changed_address_finds_the_account_and_the_old_one_does_not(accounts: Accounts) -> None:
    one = keep(accounts, account("acc_1", "cus_1"))
    accounts.save(one, account("acc_1", "cus_1", email="ada@home.example", version=2))
    assert accounts.with_email("ada@example.com") == []
    assert [found.id for found in accounts.with_email("ada@home.example")] == ["acc_1"]


def test_no_address_stands_in_a_key(accounts: Accounts, dynamodb: Any) -> None:
    keep(accounts, account("acc_1", "cus_1"))
    keys = str([(item["pk"], item["sk"]) for item in dynamodb.scan(TableName=TABLE)["Items"]])
    assert "EMAIL#" in keys
    assert "ada" not in keys
    assert hashlib.sha256(b"ada@example.com").hexdigest()[:40] not in keys, (
        "nor a hash that anyone can make"
    )


def test_an_external_id_finds_its_one_account(accounts: Accounts) -> None:
    one = keep(accounts, account("acc_1", "cus_1", external_id="42"))
    assert accounts.with_external_id("42") == one
    assert accounts.with_external_id("43") is None
    with pytest.raises(AccountTaken):
        keep(accounts, account("acc_2", "cus_2", external_id="42"))


def test_a_table_that_does_not_answer_is_said_to_be_unavailable(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError, EndpointConnectionError

    def failing(error: Exception) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise error

        return fail

    throttled = ClientError(
        {
            "Error": {"Code": "ThrottlingException", "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        },
        "GetItem",
    )
    accounts = Accounts(TABLE, lambda: "key", dynamodb)
    for error in (throttled, EndpointConnectionError(endpoint_url="http://127.0.0.1:9")):
        monkeypatch.setattr(dynamodb, "get_item", failing(error))
        with pytest.raises(Unavailable):
            accounts.load("acc_1")


def test_items_that_are_never_returned_count_as_no_answer(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        dynamodb,
        "batch_get_item",
        lambda RequestItems: {"Responses": {}, "UnprocessedKeys": RequestItems},
    )
    with pytest.raises(Unavailable):
        Accounts(TABLE, lambda: "key", dynamodb).of_customers({"cus_1": "acc_1"})


def refused(id: str, customer: str, names: str = "acc_ada") -> Account:
    """An account apart from the one that its customer names."""
    one = account(id, customer, email="eve@example.com", external_id="user-9")
    return replace(one, refused_join=RefusedJoin(names, T))


def test_accounts_whose_join_waits_are_listed_until_an_operator_decides(
    accounts: Accounts, dynamodb: Any
) -> None:
    keep(accounts, account("acc_ada", "cus_ada"))
    first = keep(accounts, replace(refused("acc_2", "cus_2"), profile=Profile()))
    second = keep(accounts, replace(refused("acc_1", "cus_1"), profile=Profile()))
    assert accounts.with_waiting_join() == [second, first]
    dismissed = replace(second, version=2, refused_join=RefusedJoin("acc_ada", T, T))
    accounts.save(second, dismissed)
    assert accounts.with_waiting_join() == [first]
    accounts.rewrite(replace(dismissed, version=2), replace(second, version=3))
    pointer = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"JOIN#{keyed_hash('waits', 'key')}"}},
    )["Items"][0]
    accounts.save(replace(second, version=3), replace(dismissed, version=4))
    dynamodb.put_item(TableName=TABLE, Item=pointer)  # as a restored table brings it back
    assert accounts.with_waiting_join() == [first]
    accounts.erase(first, T)
    assert accounts.with_waiting_join() == []


def test_an_account_of_a_release_without_lists_is_listed_and_found_by_its_name_once_planned_anew(
    accounts: Accounts, dynamodb: Any
) -> None:
    directory = Directory(TABLE, dynamodb)
    standing = Standing("active", "full", "active", "pro")
    ada = Account("acc_ada", 1, profile=Profile(name="Ada Byron"), standing=standing)
    keep(accounts, ada)
    item = account_item(ada)
    for name in ("listed", "listed_at", "plan"):
        item.pop(name)
    dynamodb.put_item(TableName=TABLE, Item=item)
    dynamodb.delete_item(
        TableName=TABLE, Key={"pk": {"S": "NAME#ada"}, "sk": {"S": "ada byron#acc_ada"}}
    )
    written = replace(ada, version=2)
    accounts.save(ada, written)
    assert directory.named("ada", "ada", None, 9) == [], "a write changes what changes only"
    accounts.save_listed(written, replace(ada, version=3))
    assert [one.account_id for one in directory.named("ada", "ada", None, 9)] == ["acc_ada"]
    assert [one.account_id for one in directory.places("active", None, 9)] == ["acc_ada"]


def test_an_absorbed_account_is_gone_and_its_pointers_lead_to_the_other(
    accounts: Accounts, dynamodb: Any
) -> None:
    ada, eve = keep(accounts, account("acc_ada", "cus_ada")), keep(accounts, refused("acc_1", "c1"))
    both = replace(account("acc_ada", "cus_ada", "c1", external_id="user-9"), version=2)
    accounts.absorb(eve, ada, both)
    assert accounts.load("acc_1") is None
    assert accounts.of_customers({"c1": "acc_1"}) == {"c1": both}
    assert accounts.with_external_id("user-9") == both
    assert (accounts.with_email("eve@example.com"), accounts.with_waiting_join()) == ([], [])
    assert "acc_1" not in str(dynamodb.scan(TableName=TABLE)["Items"])


@pytest.mark.parametrize("stale", ["acc_ada", "acc_1"])
def test_a_join_that_loses_a_race_changes_nothing(
    accounts: Accounts, dynamodb: Any, stale: str
) -> None:
    ada, eve = keep(accounts, account("acc_ada", "cus_ada")), keep(accounts, refused("acc_1", "c1"))
    other = ada if stale == "acc_ada" else eve
    accounts.save(other, replace(other, version=2))
    before = dynamodb.scan(TableName=TABLE)["Items"]
    with pytest.raises(ConcurrentUpdate):
        accounts.absorb(eve, ada, replace(account("acc_ada", "cus_ada", "c1"), version=2))
    assert dynamodb.scan(TableName=TABLE)["Items"] == before


def test_a_customer_of_a_third_account_is_not_taken_by_a_join(accounts: Accounts) -> None:
    ada, eve = keep(accounts, account("acc_ada", "cus_ada")), keep(accounts, refused("acc_1", "c1"))
    third = keep(accounts, account("acc_3", "cus_3"))
    with pytest.raises(AccountTaken):
        accounts.absorb(eve, ada, replace(account("acc_ada", "cus_ada", "cus_3"), version=2))
    assert accounts.of_customers({"cus_3": "acc_ada", "c1": ""}) == {"cus_3": third, "c1": eve}
