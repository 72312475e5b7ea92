"""A stage taken back to a point in time: whole, once, wherever it is interrupted; and nobody gets a mail twice by it."""

import copy
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.api_keys import ApiKeys
from chalicelib.aws.claims import Claims
from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.items import Item, account_of
from chalicelib.aws.suppressions import Suppressions
from chalicelib.domain.account import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import Customer, CustomerSeen, Event, MilestoneReached
from chalicelib.domain.post import Claim
from chalicelib.usecases.act import act_on_due
from ops.restore import tables as tables_module
from ops.restore.restore import restore
from ops.restore.tables import Run, Tables
from tests.aws.conftest import TABLE
from tests.faults import Crash, OutsideCalls, crashing_after
from tests.ops.conftest import HASH_KEY, Deployed, T
from tests.usecases.lives import DAY, START, Life
from tests.usecases.sim_lives import SimLife
from tests.worlds import POLICY, Place

RESTORED = "billing-restored"


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.reach.time.sleep", lambda seconds: None)


def point_in_time(deployed: Deployed) -> None:
    """The table as it is now, restored by AWS into another one."""
    enabled: Any = {"PointInTimeRecoveryEnabled": True}
    deployed.dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=enabled)
    deployed.dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=RESTORED, UseLatestRestorableTime=True)


def restores(ops: Any, *more: str) -> Any:
    return ops("restore", "--stage", "dev", "--from", RESTORED, "--yes", *more)


def empty(deployed: Deployed) -> None:
    for item in deployed.items():
        deployed.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def wreck(deployed: Deployed, id: str, **attributes: Any) -> None:
    (item,) = [one for one in deployed.items() if one["pk"]["S"] == f"ACCOUNT#{id}" and one["sk"]["S"] == "ACCOUNT"]
    deployed.dynamodb.put_item(TableName=TABLE, Item=item | attributes)


def test_an_emptied_stage_is_whole_again_under_a_new_epoch(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    before = deployed.items()
    point_in_time(deployed)
    empty(deployed)
    said = restores(ops)
    assert (said.status, "2 accounts" in said.out) == (0, True)
    after = deployed.items()
    assert [item["pk"]["S"] for item in after if item["pk"]["S"] != "RESTORE"] == [item["pk"]["S"] for item in before]
    for item in before:
        if item["sk"]["S"] != "ACCOUNT":
            assert item in after
    for id in ("acc_1", "acc_2"):
        account = deployed.accounts.load(id)
        assert account
        assert (account.epoch, account.version, account.profile.name) == (1, 1, "Ada Byron")
    assert [one.id for one in deployed.accounts.with_email("ada@example.com")] == ["acc_1"]
    assert deployed.accounts.with_trial("email:eve@example.com")
    assert set(DueIndex(TABLE, deployed.dynamodb).due(datetime.now(T.tzinfo) + timedelta(minutes=2), 10)) == {"acc_1", "acc_2"}, "due again"


def test_wrecked_accounts_are_what_they_were_and_what_is_younger_stays(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    point_in_time(deployed)
    wreck(deployed, "acc_1", body={"S": '{"nothing": '}, version={"N": "12"}, epoch={"N": "4"})
    wreck(deployed, "acc_2", body={"S": '{"id": "acc_2"}'}, version={"N": "9"})
    deployed.signs_up("acc_3", "new@example.com")
    born_since = deployed.accounts.load("acc_3")
    Claims(TABLE, deployed.dynamodb).take(Claim("acc_2", "three_days@1", "sent", T, 1, "ses-7"), None)
    Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb).add("cy@example.com", "bounce", T)
    (key,) = ApiKeys(TABLE, deployed.dynamodb).all()
    ApiKeys(TABLE, deployed.dynamodb).revoke(key.id, T)
    assert restores(ops).status == 0
    one, two = deployed.accounts.load("acc_1"), deployed.accounts.load("acc_2")
    assert one
    assert two
    assert (one.epoch, one.version, one.email) == (5, 13, "ada@example.com")
    assert (two.epoch, two.version, two.email) == (1, 10, "eve@example.com")
    assert deployed.accounts.load("acc_3") == born_since
    assert Claims(TABLE, deployed.dynamodb).load("acc_2", "three_days@1")
    assert Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb).holds("cy@example.com")
    assert [one.revoked_at for one in ApiKeys(TABLE, deployed.dynamodb).all()] == [T], "a key that was revoked since opens nothing"


def test_who_was_erased_since_stays_erased(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    point_in_time(deployed)
    assert ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes").status == 0
    before = deployed.items()
    said = restores(ops)
    assert (said.status, "1 accounts" in said.out) == (0, True)
    assert "acc_1" not in json.dumps(deployed.items())
    assert [item for item in deployed.items() if item["sk"]["S"] in {"ERASED", "TRIAL"}] == [
        item for item in before if item["sk"]["S"] in {"ERASED", "TRIAL"}
    ]


def test_a_restored_table_that_was_put_in_the_stages_place_is_restored_in_place(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    point_in_time(deployed)
    deployed.outputs["TableName"] = RESTORED
    said = ops("restore", "--stage", "dev", "--yes")
    assert (said.status, said.err.strip()) == (0, "2 accounts restored")
    found = [account_of(item) for item in deployed.items(RESTORED) if item["sk"]["S"] == "ACCOUNT"]
    assert [(one.epoch, one.version, one.restored_at is not None) for one in found] == [(1, 2, True)] * 2
    assert ops("restore", "--stage", "dev", "--yes").status == 0
    assert [account_of(item) for item in deployed.items(RESTORED) if item["sk"]["S"] == "ACCOUNT"] == found, "once"


@pytest.mark.parametrize("broken_at", range(1, 8))
def test_a_restoration_that_was_interrupted_goes_on_and_restores_each_account_once(
    deployed: Deployed, ops: Any, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    deployed.fill()
    point_in_time(deployed)
    monkeypatch.setattr(tables_module, "A_PAGE", 3)
    save, saved = Tables.save_run, [0]

    def break_off(self: Tables, run: Run) -> None:
        saved[0] += 1
        if saved[0] == broken_at:
            raise Unavailable("DynamoDB cannot be reached.")
        save(self, run)

    monkeypatch.setattr(Tables, "save_run", break_off)
    if restores(ops).status:
        assert saved[0] == broken_at
        assert restores(ops).status == 0
    found = [account_of(item) for item in deployed.items() if item["sk"]["S"] == "ACCOUNT"]
    assert [(one.epoch, one.version) for one in found] == [(1, 2)] * 2
    before = deployed.items()
    assert restores(ops).status == 0
    assert deployed.items() == before, "a restoration that is done does nothing any more"


def test_an_account_whose_customer_is_anothers_by_now_is_named_and_the_others_are_restored(deployed: Deployed, ops: Any) -> None:
    def known(id: str, version: int) -> Account:
        return replace(Account(id, version), subscriptions={}).learn(CustomerSeen(Customer("cus_1"), Event(T)))

    deployed.accounts.save(Account("acc_1"), known("acc_1", 1))
    deployed.signs_up("acc_2", "eve@example.com")
    point_in_time(deployed)
    deployed.accounts.erase(known("acc_1", 1), T)
    for item in deployed.items():
        if item["sk"]["S"] == "ERASED":
            deployed.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    deployed.accounts.save(Account("acc_9"), known("acc_9", 1))
    said = restores(ops)
    assert said.status == 1
    assert "Not restored: acc_1: its customer, its external id or its trial belongs to another account by now.\n" in said.err
    assert deployed.accounts.load("acc_2").epoch == 1  # type: ignore[union-attr]
    assert deployed.accounts.load("acc_9").epoch == 0  # type: ignore[union-attr]


def test_what_cannot_be_restored_from_is_an_error(deployed: Deployed, ops: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.fill()
    point_in_time(deployed)
    before = deployed.items()
    wrong = {
        ("--stage", "dev", "--yes"): "is not a restored table: name the one that AWS restored by --from",
        ("--stage", "dev", "--yes", "--from", "none"): "The table none cannot be read: there is none here",
        ("--stage", "prod", "--yes", "--from", RESTORED): "Stage prod is not deployed here",
        ("--stage", "dev", "--yes", "--from", RESTORED, "--rate", "0"): "more than 0 accounts a second",
    }
    for arguments, error in wrong.items():
        said = ops("restore", *arguments)
        assert said.status == 1
        assert error in said.err
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert ops("restore", "--stage", "dev", "--from", RESTORED).status == 1
    assert f"Take every account of {TABLE} back to what {RESTORED} holds, as {TABLE} was at 20" in asked[0]
    assert deployed.items() == before
    Tables("another", TABLE, deployed.dynamodb).save_run(Run("another", T))
    assert "A restoration from another is not done yet" in restores(ops).err


@dataclass
class MemoryTables:
    """A restored table as it was taken from a world in memory, and the run."""

    place: Place
    held: dict[str, Item]
    run: Run | None = None
    source: str = RESTORED

    def load_run(self) -> Run | None:
        return self.run

    def save_run(self, run: Run) -> None:
        self.run = run

    def page(self, cursor: str | None, now: datetime) -> tuple[list[Item], str | None]:
        ids = sorted(id for id in self.held if id > (cursor or ""))
        return [self.held[id] for id in ids[:2]], ids[1] if len(ids) > 2 else None

    def pair(self, was: Account) -> tuple[Account, Account]:
        return was, self.place.accounts.load(was.id) or Account(was.id)

    def put_missing(self, items: list[Item]) -> int:
        return 0


@dataclass
class Lost:
    """Lives of which a backup was taken on one day, and restored on another; what was written in between is lost, or some of it."""

    life: Life
    held: dict[str, Item] = field(default_factory=dict)

    def backup(self) -> "Lost":
        self.held = copy.deepcopy(self.life.place.accounts.items)
        return self

    def restore(self, all_is_lost: bool) -> "Lost":
        if all_is_lost:
            self.life.place.accounts.items.clear()
            self.life.claims.kept.clear()
            self.life.place.mail_queue.waiting.clear()
        restore(MemoryTables(self.life.place, self.held), self.life.place.world, lambda line: None, at_once=1)
        return self


@pytest.mark.parametrize("all_is_lost", [True, False])
@pytest.mark.parametrize(("backup", "restored_on"), [(0.001, 1), (0.001, 6.5), (2, 7), (5, 9), (5, 11.5), (10, 13.2), (12.9, 13.1), (6, 20)])
def test_over_a_restoration_no_lifecycle_mail_goes_out_twice(backup: float, restored_on: float, all_is_lost: bool) -> None:
    life = Life(place=Place(policy=POLICY))
    lost = Lost(life.begins().days(backup)).backup()
    life.days(restored_on)
    lost.restore(all_is_lost)
    life.days(40)
    keys = [one.key for one in life.mails if one.letter.tags["stream"] == "lifecycle"]
    assert len(keys) == len(set(keys))
    untouched = [one.key for one in Life().begins().days(40).mails]
    assert set(keys) <= set(untouched)
    if not all_is_lost:
        assert [one.key for one in life.mails] == untouched, "with what is known of the time since, nothing is lost either"


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_restoration_interrupted_after_any_call_is_finished_by_the_same_again(reply_lost: bool) -> None:
    """Each account once: the epoch counts the restorations."""

    def lived(calls: OutsideCalls) -> Place:
        place = Place()
        for n in range(5):
            one = Account(f"acc_{n}").learn(CustomerSeen(Customer(f"cus_{n}"), Event(START)))
            place.accounts.save(Account(one.id), replace(one, version=1))
        tables = MemoryTables(place, copy.deepcopy(place.accounts.items))
        place.accounts.items.pop("acc_3")
        for _ in range(2):
            watched = calls.watch_parts(calls.watch(place.world), "accounts")
            try:
                restore(_Watching(tables, calls), watched, lambda line: None, at_once=1)
            except Crash:
                continue
        return place

    counted = OutsideCalls()
    whole = lived(counted)
    assert len(counted.made) > 20
    assert {(one["epoch"]["N"]) for one in whole.accounts.items.values()} == {"1"}
    for n in range(1, len(counted.made) + 1):
        assert lived(crashing_after(n, reply_lost=reply_lost)).accounts.items == whole.accounts.items


class _Watching:
    def __init__(self, tables: MemoryTables, calls: OutsideCalls) -> None:
        self._tables, self._calls, self.source = tables, calls, tables.source

    def __getattr__(self, verb: str) -> Any:
        return lambda *args: self._calls.call(f"tables.{verb}", getattr(self._tables, verb), *args)


def subscriber() -> tuple[SimLife, dict[str, Item]]:
    """Somebody on trial with a card, and the backup of the fifth day."""
    life = SimLife()
    life.sign_up()
    life.hear()
    life.days(1).gives_card()
    life.days(5)
    return life, copy.deepcopy(life.place.accounts.items)


@pytest.mark.parametrize("all_is_lost", [True, False])
def test_what_stripe_knows_is_learnt_again_before_the_account_is_written(all_is_lost: bool) -> None:
    """Restored into the time after a payment: access never closes in between."""
    life, held = subscriber()
    life.days(16)
    truth = life.account
    assert life.stands() == ("full", "active")
    if all_is_lost:
        life.place.accounts.items.clear()
    restore(MemoryTables(life.place, held), life.world, lambda line: None, at_once=1)
    assert life.stands() == ("full", "active")
    assert life.account.asks == ()
    assert {id: known.value for id, known in life.account.subscriptions.items()} == {id: known.value for id, known in truth.subscriptions.items()}
    assert life.account.invoices.keys() == truth.invoices.keys()
    assert "access.revoked" not in [one.type for one in life.account.outbox]


def test_with_stripe_down_the_questions_are_on_the_agenda_and_are_asked_by_themselves() -> None:
    life, held = subscriber()
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.heard = len(life.stage.engine.store.events)  # and its events are lost
    life.fault("503", 6, method="GET")
    restore(MemoryTables(life.place, held), life.world, lambda line: None, at_once=1)
    assert len(life.account.asks) == 3
    assert life.stands() == ("full", "trialing")
    life.stage.api.faults.clear()
    life.place.now.at += timedelta(minutes=5)
    assert act_on_due(life.account_id, life.world) == "acted"
    assert life.stands() == ("none", "canceled")


def test_an_account_that_hears_news_while_it_is_restored_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    life, held = subscriber()
    tables = MemoryTables(life.place, held)
    pair, told = tables.pair, []

    def pair_and_then_news(was: Account) -> tuple[Account, Account]:
        found = pair(was)
        if not told:
            told.append(True)
            account = life.account
            life.place.accounts.save(account, replace(account.learn(MilestoneReached("connected_data", START + DAY)), version=account.version + 1))
        return found

    monkeypatch.setattr(tables, "pair", pair_and_then_news)
    restore(tables, life.world, lambda line: None, at_once=1)
    assert life.account.milestones == {"connected_data": START + DAY}
    assert life.account.epoch == 1


def test_the_rate_is_kept() -> None:
    place = Place()
    for n in range(7):
        place.accounts.save(Account(f"acc_{n}"), Account(f"acc_{n}", 1))
    waited: list[float] = []
    restore(MemoryTables(place, dict(place.accounts.items)), replace(place.world, pause=waited.append), lambda line: None, rate=2, at_once=1)
    assert waited == [0.5] * 7
