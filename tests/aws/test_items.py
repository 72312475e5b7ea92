"""What is written is what is read back, in this shape and the older ones."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.aws.items import DUE_SHARDS, account_item, account_of, stamp
from chalicelib.domain.account import Account, Grant, Profile, Signup
from chalicelib.domain.facts import Ask
from chalicelib.usecases.take_in import take_in
from tests.usecases.test_take_in_recordings import messages
from tests.worlds import RECORDINGS, ROOT, Place, at

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
FULL = Account(
    "acc_1",
    7,
    2,
    Profile("ada@example.com", "Ada", "42", "Europe/Vienna", {"team": "blue"}),
    signup=Signup("pro", T, T),
    grants=(Grant(T, "scale", "demo"),),
    ended={"sub_0": T},
    asks=(Ask("customer", "cus_1"),),
    due_at=T + timedelta(microseconds=5),
    policy="abc",
    written_at=T,
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_account_comes_back_as_it_was(name: str) -> None:
    place, events = Place(), RECORDINGS[name].events
    place.stripe.truth, place.now.at = RECORDINGS[name].truth(), at(events[-1]["created"])
    take_in(messages(events), place.world)
    account = place.accounts.only()
    assert account_of(account_item(account)) == account
    assert len(json.dumps(account_item(account))) < 8000


def test_every_field_comes_back() -> None:
    assert account_of(account_item(FULL)) == FULL
    assert account_of(account_item(Account("acc_1", 1))) == Account("acc_1", 1)


def test_what_does_not_wait_is_not_in_the_due_index() -> None:
    assert not {"due_at", "due_shard", "outbox"} & set(account_item(replace(FULL, due_at=None)))
    assert account_item(FULL)["due_at"] == {"S": "2026-03-02T09:00:00.000005Z"}


def test_accounts_spread_over_the_shards() -> None:
    shards = {account_item(replace(FULL, id=f"acc_{number}"))["due_shard"]["S"] for number in range(200)}
    assert shards == {f"DUE#{number}" for number in range(DUE_SHARDS)}


def test_the_order_of_stamps_is_the_order_of_time() -> None:
    moments = [T + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000, 86_400_000_000)]
    assert sorted(map(stamp, moments)) == list(map(stamp, moments))


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "aws" / "written").glob("*.json")), ids=lambda path: path.stem)
def test_an_item_written_by_an_older_release_is_read(path: object) -> None:
    item = json.loads(path.read_text())  # type: ignore[attr-defined]
    account = account_of(item)
    assert account.subscriptions
    assert account.standing
    assert account_of(account_item(account)) == account
