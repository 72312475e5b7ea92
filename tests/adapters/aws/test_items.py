"""Accounts are read as they were written, in this schema version and older ones."""

import json
from base64 import b64encode
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.costs.metering import size_of
from chalicelib.aws.accounts import Accounts
from chalicelib.aws.items import (
    DUE_SHARDS,
    account_item,
    account_of,
    account_text,
    dump,
    stamp,
)
from chalicelib.aws.schema_versions import SHAPE, UPGRADES, Texts, refuse_newer, upgraded
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.errors import ConcurrentUpdate, NewerSchemaVersion, Unavailable
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.ingestion.ingest import ingest
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.written import BESIDE, CURRENT, KEPT, account, beside, filled
from tests.fakes.services import RECORDINGS, FakeServices, at
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
FULL = Account(
    "acc_1",
    7,
    2,
    Profile("ada@example.com", "Ada", "42", "Europe/Vienna", {"team": "blue"}),
    signup=Signup("pro", T, T),
    grants=(Grant(T, "scale", "demo"),),
    ended={"sub_0": T},
    asks=(FetchRequest("customer", "cus_1"),),
    due_at=T + timedelta(microseconds=5),
    policy="abc",
    written_at=T,
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_account_comes_back_as_it_was(name: str) -> None:
    place, events = FakeServices(), RECORDINGS[name].events
    place.stripe.reader.truth, place.now.at = RECORDINGS[name].truth(), at(events[-1]["created"])
    ingest(messages(events), place.services)
    account = place.accounts.only()
    assert account_of(account_item(account)) == account
    assert size_of(account_item(account)) < 1024


def test_every_field_comes_back() -> None:
    assert account_of(account_item(FULL)) == FULL
    assert account_of(account_item(Account("acc_1", 1))) == Account("acc_1", 1)


def test_an_account_without_due_work_is_not_in_the_due_index() -> None:
    assert not {"due_at", "due_shard", "outbox"} & set(account_item(replace(FULL, due_at=None)))
    assert account_item(FULL)["due_at"] == {"S": "2026-03-02T09:00:00.000005Z"}


def test_accounts_spread_over_the_shards() -> None:
    shards = {
        account_item(replace(FULL, id=f"acc_{number}"))["due_shard"]["S"] for number in range(200)
    }
    assert shards == {f"DUE#{number}" for number in range(DUE_SHARDS)}


def test_the_order_of_stamps_is_the_order_of_time() -> None:
    moments = [
        T + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000, 86_400_000_000)
    ]
    assert sorted(map(stamp, moments)) == list(map(stamp, moments))


@pytest.mark.parametrize("path", sorted(KEPT.glob("shape_*.json")), ids=lambda path: path.stem)
def test_an_item_of_every_shape_is_read_and_written_as_the_newest(path: Path) -> None:
    item = json.loads(path.read_text())
    account = account_of(item)
    assert account.subscriptions
    assert account.standing
    again = account_item(account)
    assert again["shape"] == {"N": str(SHAPE)}
    assert account_of(again) == account
    listed = {"listed", "listed_at", "plan"}
    assert again.keys() - listed == item.keys() - {"body"} - listed | {"packed"}


def test_every_older_schema_version_has_an_upgrade_and_a_sample() -> None:
    assert list(UPGRADES) == list(range(1, SHAPE))
    assert {path.stem.split("_")[1] for path in KEPT.glob("shape_*_every_field.json")} == {
        str(number) for number in range(1, SHAPE + 1)
    }


def test_what_is_written_does_not_change_within_a_shape() -> None:
    """A change needs a new schema version: see chalicelib/aws/schema_versions.py. Only a version
    that no release has written yet may be stored again.
    """
    kept, now = json.loads(CURRENT.read_text()), account()
    assert json.loads(account_text(now)) == json.loads(account_text(kept))
    assert account_text(now) == account_text(kept)
    assert now | {"packed": kept["packed"]} == kept


def test_other_items_do_not_change_their_form_unnoticed(dynamodb: Any) -> None:
    """These items have no schema version. If one changes, both forms must be readable before
    the sample is written again with `python -m tests.adapters.aws.written`.
    """
    assert beside(dynamodb) == json.loads(BESIDE.read_text())


def test_a_field_added_anywhere_would_be_noticed() -> None:
    """The sample sets every field of everything that an account contains."""
    everything = filled(Account)
    assert {
        one.name
        for one in fields(Account)
        if getattr(everything, one.name) in (None, (), {}, False, 0)
    } == set()
    assert set(json.loads(account_text(account()))["subscriptions"]["text"]["value"]) == {
        one.name for one in fields(Subscription)
    }


def test_an_old_item_is_upgraded_step_by_step() -> None:
    def renamed(texts: Texts) -> Texts:
        return {"body": {"mail": texts["body"]["email"]}}

    def split(texts: Texts) -> Texts:
        user, _, host = texts["body"]["mail"].partition("@")
        return {"body": {"user": user, "host": host}}

    steps = {1: renamed, 2: split}
    assert upgraded({"body": {"email": "ada@example.com"}}, 1, steps, 3) == {
        "body": {"user": "ada", "host": "example.com"}
    }
    assert upgraded({"body": {"mail": "ada@example.com"}}, 2, steps, 3) == {
        "body": {"user": "ada", "host": "example.com"}
    }
    assert upgraded({"body": {"user": "ada"}}, 3, steps, 3) == {"body": {"user": "ada"}}


def as_version_4_reads(item: Any) -> dict[str, Any]:
    """The texts of an item, by the lines of the last release that wrote schema version 4."""
    texts = {name: item[name]["S"] for name in ("body", "outbox") if name in item}
    refuse_newer(int(item["shape"]["N"]), 4)
    return texts


@pytest.mark.parametrize("outbox", [(), (DomainEvent("acc_1.0.7.x", "trial.started", T, {}),)])
def test_the_release_before_refuses_a_packed_item_as_newer(outbox: tuple[DomainEvent, ...]) -> None:
    """It looks for texts before it looks at the version: none of them may be of another type."""
    with pytest.raises(NewerSchemaVersion, match="version 5 by a newer release"):
        as_version_4_reads(account_item(replace(FULL, outbox=outbox)))


def test_the_outbox_of_an_item_of_version_4_is_found_in_the_body_of_version_5() -> None:
    item = json.loads((KEPT / "shape_4_every_field.json").read_text())
    assert dump(account_of(item).outbox) == item["outbox"]["S"]
    assert account_item(account_of(item))["outbox"] == {"S": "1"}


def test_an_item_is_read_as_boto3_and_as_the_stream_bring_it() -> None:
    item = account_item(FULL)
    streamed = item | {"packed": {"B": b64encode(item["packed"]["B"]).decode()}}
    assert account_of(streamed) == account_of(item) == FULL


def test_an_item_of_a_newer_release_is_neither_read_nor_overwritten(dynamodb: Any) -> None:
    """After a rollback, what the newer release wrote waits for it."""
    accounts = Accounts(TABLE, lambda: "key", dynamodb)
    younger = account_item(FULL) | {"shape": {"N": str(SHAPE + 1)}}
    dynamodb.put_item(TableName=TABLE, Item=younger)
    for read in (lambda: accounts.load("acc_1"), lambda: accounts.of_customers({"cus_1": "acc_1"})):
        with pytest.raises(NewerSchemaVersion, match=f"version {SHAPE + 1} by a newer release"):
            read()
    with pytest.raises(ConcurrentUpdate):
        accounts.save(Account("acc_1"), Account("acc_1", 1))
    assert dynamodb.scan(TableName=TABLE)["Items"] == [younger]
    assert issubclass(NewerSchemaVersion, Unavailable), (
        "events come again, a call is a 503, and no act counts as the account's failure"
    )
