"""What a deployed table holds is read, used and written again to the letter.

The files in `data` were written by the release that first had these tests. They are not generated
anew: a change that needs that would lose or misread what owners have stored.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.idempotency import StoredResponses
from chalicelib.aws.items import account_item, account_of, account_text, dump
from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.aws.jobs.replan_state import ReplanStates
from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.aws.rate_counters import Mailboxes, RateCounters
from chalicelib.aws.reconciliation import ReconciliationState
from chalicelib.aws.schema_versions import SHAPE
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.mailbox_limits import Mailbox
from chalicelib.domain.messaging.team import DigestState
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison
from chalicelib.domain.stripe_objects.objects import digest
from tests.adapters.aws.conftest import table_definition

DATA = Path(__file__).parent / "data"
BEGAN = datetime(2026, 3, 22, 3, tzinfo=UTC)
NOW = datetime(2026, 3, 22, 9, 30, tzinfo=UTC)


def stored(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def hash_key() -> str:
    return "golden-hash-key"


ITEMS = {(item["pk"]["S"], item["sk"]["S"]): item for item in stored("table")}
ACCOUNTS = {item["pk"]["S"]: item for item in stored("accounts")}


@pytest.fixture
def old(aws: None) -> Any:
    """DynamoDB with two tables: `old` holds what was stored, `new` is empty."""
    client: Any = boto3.client("dynamodb")
    for name in ("old", "new"):
        client.create_table(**table_definition(name))
    for item in (*ITEMS.values(), ACCOUNTS["ACCOUNT#acc_golden"]):
        client.put_item(TableName="old", Item=item)
    return client


def in_the_present_shape(item: Any) -> Any:
    """A stored account as this release writes it: later shapes only add fields, and have the outbox
    in the body, whose text is packed.
    """
    body = json.loads(item["body"]["S"])
    if "outbox" in item:
        events = json.loads(item["outbox"]["S"])
        body, item = body | {"outbox": events}, item | {"outbox": {"S": str(len(events))}}
    return {**item, "body": body, "shape": {"N": str(SHAPE)}}


LISTED = {
    "listed": {"S": "LIST#active"},
    "listed_at": {"S": "2026-03-02T09:00:00Z#acc_golden"},
    "plan": {"S": "pro"},
}
"""By which the stored account is listed on the dashboard, since there is one."""


def unpacked(item: Any) -> Any:
    """An item of an account with the values of its text in place of the packed bytes, and without
    what lists it.
    """
    rest = {name: value for name, value in item.items() if name not in ("packed", *LISTED)}
    return rest | ({"body": json.loads(account_text(item))} if "packed" in item else {})


def written(client: Any) -> dict[tuple[str, str], Any]:
    """What lies in the new table, but for the name of the writer, which differs each time."""
    items = client.scan(TableName="new")["Items"]
    return {
        (item["pk"]["S"], item["sk"]["S"]): {
            name: value for name, value in unpacked(item).items() if name != "taken_by"
        }
        for item in items
    }


@pytest.mark.parametrize("item", ACCOUNTS.values(), ids=ACCOUNTS)
def test_a_stored_account_is_written_again_to_the_letter(item: Any) -> None:
    assert unpacked(account_item(account_of(item))) == in_the_present_shape(item)


def test_a_stored_account_is_listed_on_the_dashboard_once_it_is_written_again() -> None:
    item = account_item(account_of(ACCOUNTS["ACCOUNT#acc_golden"]))
    assert {name: item[name] for name in LISTED} == LISTED


def test_a_stored_account_is_understood() -> None:
    account = account_of(ACCOUNTS["ACCOUNT#acc_golden"])
    assert account.due_at == datetime(2026, 3, 24, 9, 0, 0, 7, tzinfo=UTC)
    assert (account.version, account.epoch, account.policy) == (41, 2, "0123456789ab")
    assert [one.id for one in account.outbox] == [
        "acc_golden.2.41.account.created",
        "acc_golden.2.41.payment.failed.in_1",
    ]
    assert account.mark("sub_1") == (
        "1774256400 0a1b2c3d4e5f 4dfa54156c6a or 1774256400:0a1b2c3d4e5f>ffffffffffff"
    )


def test_the_digest_of_a_stored_state_stays_the_same() -> None:
    """A digest is compared with a stored one. Another one makes old events look new."""
    account = account_of(ACCOUNTS["ACCOUNT#acc_golden"])
    states = [known.value for known in account.customers.values()]
    assert [digest(one) for one in states] == ["5bfc7391d12d", "11c6f174d9f7"]
    subscriptions = [known.value for known in account.subscriptions.values()]
    assert [digest(one) for one in subscriptions] == ["4dfa54156c6a", "e3264b69a82d"]
    assert digest(None) == "c4ac1f3eb7c8"


def test_an_account_is_found_by_its_stored_pointers(old: Any) -> None:
    accounts = Accounts("old", hash_key, old)
    found = [
        *accounts.with_email("ADA@example.com "),
        accounts.with_external_id("user-1"),
        accounts.with_trial("email:ada@example.com"),
        accounts.with_trial("external:user-1"),
        *accounts.of_customers({"cus_1": "acc_other", "cus_2": "acc_other"}).values(),
    ]
    assert [account and account.id for account in found] == ["acc_golden"] * 6
    assert DueIndex("old", old).due(datetime(2026, 3, 25, tzinfo=UTC), 10) == [
        (datetime(2026, 3, 24, 9, 0, 0, 7, tzinfo=UTC), "acc_golden")
    ]


def test_the_pointers_of_an_account_are_written_as_stored(old: Any) -> None:
    account = account_of(ACCOUNTS["ACCOUNT#acc_golden"])
    Accounts("new", hash_key, old).save(Account("acc_golden"), account)
    kinds = {"CUSTOMER", "EMAIL", "EXTERNAL", "TRIAL"}
    expected = {key: item for key, item in ITEMS.items() if key[0].partition("#")[0] in kinds}
    assert len(expected) == 6
    places = {
        ("NAME#ada", "ada lovelace#acc_golden"),
    }
    assert written(old) == expected | {
        ("ACCOUNT#acc_golden", "ACCOUNT"): in_the_present_shape(ACCOUNTS["ACCOUNT#acc_golden"]),
        **{
            (pk, sk): {"pk": {"S": pk}, "sk": {"S": sk}, "account_id": {"S": "acc_golden"}}
            for pk, sk in places
        },
    }


def test_erasing_an_account_leaves_what_is_stored_of_erased_ones(old: Any) -> None:
    accounts = Accounts("new", hash_key, old)
    account = account_of(ACCOUNTS["ACCOUNT#acc_golden"])
    accounts.save(Account("acc_golden"), account)
    accounts.erase(account, NOW)
    left = written(old)
    tombstones = {key: item for key, item in ITEMS.items() if key[0].startswith("ERASED#")}
    assert len(tombstones) == 3
    assert {key: item for key, item in left.items() if key in tombstones} == tombstones
    trials = {key for key in ITEMS if key[0].startswith("TRIAL#")}
    assert left.keys() == tombstones.keys() | trials
    assert all(left[key]["account_id"] == {"S": "#erased"} for key in trials)
    names = {"account:acc_golden", "customer:cus_1", "customer:cus_2"}
    assert Accounts("old", hash_key, old).erased({*names, "customer:cus_3"}) == names


def test_job_states_are_read_and_written_as_stored(old: Any) -> None:
    read, new = JobStates("old", old), JobStates("new", old)
    for kind in (Comparison, DigestState, Undelivered):
        state: Any = read.load(kind)
        new.save(replace(state, version=0), state)
    assert written(old) == {key: item for key, item in ITEMS.items() if key[0] == "ROUND"}
    assert sorted(key[1] for key in written(old)) == ["COMPARISON", "DIGESTS", "UNDELIVERED"]


def test_the_walk_over_all_accounts_is_read_and_written_as_stored(old: Any) -> None:
    state: Any = ReplanStates("old", old).load()
    ReplanStates("new", old).save(replace(state, version=0), state)
    assert written(old) == {("WALK", "WALK"): ITEMS["WALK", "WALK"]}


def test_drifts_and_listed_pages_are_read_and_written_as_stored(old: Any) -> None:
    read, new = ReconciliationState("old", old), ReconciliationState("new", old)
    assert len(read.drifts_of(BEGAN)) == 2
    assert read.drifts_since(BEGAN) == read.drifts_of(BEGAN)
    for drift in read.drifts_of(BEGAN):
        new.put_drift(drift)
    assert read.listed(BEGAN) == {"sub_1", "sub_2", "sub_3"}
    new.keep_listed(BEGAN, 0, ["sub_1", "sub_2"])
    new.keep_listed(BEGAN, 12, ["sub_3"])
    kinds = {"DRIFT", "LISTED"}
    assert written(old) == {
        key: item for key, item in ITEMS.items() if key[0].partition("#")[0] in kinds
    }


def test_answers_under_an_idempotency_key_are_read_and_written_as_stored(old: Any) -> None:
    read, new = StoredResponses("old", old), StoredResponses("new", old)
    keys = [key[1].partition("#")[2] for key in ITEMS if key[1].startswith("CALL#")]
    assert len(keys) == 4
    for key in keys:
        answer = read.load("acc_golden", key)
        assert answer
        new.keep(answer)
    assert written(old) == {key: item for key, item in ITEMS.items() if key[1].startswith("CALL#")}


def test_send_claims_are_read_and_written_as_stored(old: Any) -> None:
    read, new = SendClaims("old", old), SendClaims("new", old)
    keys = [key for key in ITEMS if key[1].startswith("MESSAGE#")]
    assert [(owner, name.partition("#")[2]) for owner, name in keys] == [
        ("ACCOUNT##operators", "operators-1@2026-03-21"),
        ("ACCOUNT#acc_golden", "broadcast@spring"),
        ("ACCOUNT#acc_golden", "operators-0@acc_golden.2.41.trial.started"),
        ("ACCOUNT#acc_golden", "welcome@trial-sub_1"),
    ]
    for owner, name in keys:
        claim = read.load(owner.removeprefix("ACCOUNT#"), name.removeprefix("MESSAGE#"))
        assert claim
        new.take(claim, None)
    assert written(old) == {key: ITEMS[key] for key in keys}


def test_the_timeline_is_read_and_written_as_stored(old: Any) -> None:
    """What is read back has no time of its own to live: that alone is not written again."""
    read, new = Timelines("old", old), Timelines("new", old)
    owners = {key[0] for key in ITEMS if key[1].startswith("LOG#")}
    assert owners == {"ACCOUNT#acc_golden", "ACCOUNT##2026-03-21"}
    for owner in owners:
        entries, cursor = read.page(owner.removeprefix("ACCOUNT#"), None, NOW)
        assert cursor is None
        new.put(entries)
    expected = {
        key: {name: value for name, value in item.items() if name != "ttl"}
        for key, item in ITEMS.items()
        if key[1].startswith("LOG#")
    }
    assert written(old) == expected


@pytest.mark.parametrize(
    "count",
    [
        lambda limits: limits.count("signups-of", "ada@example.com", timedelta(hours=1), NOW),
        lambda limits: limits.count("signups", "all", timedelta(days=1), NOW),
    ],
)
def test_a_stored_rate_counter_goes_on(old: Any, count: Callable[[Any], int]) -> None:
    assert count(RateCounters("old", hash_key, old)) == 8


def test_a_stored_mailbox_counts_on_and_is_written_again_to_the_letter(old: Any) -> None:
    (item,) = stored("mailbox")
    old.put_item(TableName="old", Item=item)
    found = Mailboxes("old", hash_key, old).load("ada@example.com")
    assert [mail.key.split()[0] for mail in found.sent] == ["acc_golden"] * 2
    assert found.pressed == NOW - timedelta(days=1)
    Mailboxes("new", hash_key, old).save("ada@example.com", Mailbox(), found, NOW)
    assert list(written(old).values()) == [item]


def test_what_is_kept_of_addresses_and_api_keys_still_counts(old: Any) -> None:
    suppressions = Suppressions("old", hash_key, old)
    assert suppressions.holds("Bounced@Example.com")
    assert not suppressions.holds("ada@example.com")
    key = ApiKeys("old", old).load("0123456789ab")
    assert key
    assert key.opens("golden-secret")
    assert (key.name, key.scope, key.revoked_at) == ("site", "write", None)


def test_values_are_written_without_what_is_empty() -> None:
    assert dump({"none": None, "no": False, "zero": 0, "text": "", "list": [], "map": {}}) == (
        '{"zero":0,"text":""}'
    )
