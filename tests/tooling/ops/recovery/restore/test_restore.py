"""Restoring a stage to a point in time: complete, once, wherever it is interrupted."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.items import account_of
from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.stripe_objects.objects import Customer
from ops.recovery.restore import tables as tables_module
from ops.recovery.restore.tables import Run, Tables
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import HASH_KEY, Deployed, T

RESTORED = "billing-restored"


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    # One at a time: a transaction that fails in moto takes back what another thread wrote
    # meanwhile.
    monkeypatch.setattr(
        "ops.recovery.restore.restore.ThreadPoolExecutor", lambda _: ThreadPoolExecutor(1)
    )


def point_in_time(deployed: Deployed) -> None:
    """The table as it is now, restored by AWS into another one."""
    enabled: Any = {"PointInTimeRecoveryEnabled": True}
    deployed.dynamodb.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification=enabled
    )
    deployed.dynamodb.restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName=RESTORED, UseLatestRestorableTime=True
    )


def restores(ops: Any, *more: str) -> Any:
    return ops("restore", "--stage", "dev", "--from", RESTORED, "--yes", *more)


def empty(deployed: Deployed) -> None:
    for item in deployed.items():
        deployed.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def wreck(deployed: Deployed, id: str, **attributes: Any) -> None:
    (item,) = [
        one
        for one in deployed.items()
        if one["pk"]["S"] == f"ACCOUNT#{id}" and one["sk"]["S"] == "ACCOUNT"
    ]
    deployed.dynamodb.put_item(TableName=TABLE, Item=item | attributes)


def test_an_emptied_stage_is_whole_again_under_a_new_epoch(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    before = deployed.items()
    point_in_time(deployed)
    empty(deployed)
    said = restores(ops)
    assert (said.status, "2 accounts" in said.out) == (0, True)
    after = deployed.items()
    assert [item["pk"]["S"] for item in after if item["pk"]["S"] != "RESTORE"] == [
        item["pk"]["S"] for item in before
    ]
    for item in before:
        if item["sk"]["S"] != "ACCOUNT":
            assert item in after
    for id in ("acc_1", "acc_2"):
        account = deployed.accounts.load(id)
        assert account
        assert (account.epoch, account.version, account.profile.name) == (1, 1, "Ada Byron")
    assert [one.id for one in deployed.accounts.with_email("ada@example.com")] == ["acc_1"]
    assert deployed.accounts.with_trial("email:eve@example.com")
    due = DueIndex(TABLE, deployed.dynamodb).due(datetime.now(T.tzinfo) + timedelta(minutes=2), 10)
    assert {id for _, id in due} == {"acc_1", "acc_2"}, "due again"


def test_wrecked_accounts_are_what_they_were_and_what_is_younger_stays(
    deployed: Deployed, ops: Any
) -> None:
    deployed.fill()
    point_in_time(deployed)
    wreck(deployed, "acc_1", body={"S": '{"nothing": '}, version={"N": "12"}, epoch={"N": "4"})
    wreck(deployed, "acc_2", body={"S": '{"id": "acc_2"}'}, version={"N": "9"})
    deployed.signs_up("acc_3", "new@example.com")
    born_since = deployed.accounts.load("acc_3")
    SendClaims(TABLE, deployed.dynamodb).take(
        SendClaim("acc_2", "three_days@1", "sent", T, 1, "ses-7"), None
    )
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
    assert SendClaims(TABLE, deployed.dynamodb).load("acc_2", "three_days@1")
    assert Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb).holds("cy@example.com")
    assert [one.revoked_at for one in ApiKeys(TABLE, deployed.dynamodb).all()] == [T], (
        "a key that was revoked since opens nothing"
    )


def test_who_was_erased_since_stays_erased(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    point_in_time(deployed)
    assert ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes").status == 0
    before = deployed.items()
    said = restores(ops)
    assert (said.status, "1 accounts" in said.out) == (0, True)
    assert "acc_1" not in str(deployed.items())
    assert [item for item in deployed.items() if item["sk"]["S"] in {"ERASED", "TRIAL"}] == [
        item for item in before if item["sk"]["S"] in {"ERASED", "TRIAL"}
    ]


def test_a_restored_table_that_was_put_in_the_stages_place_is_restored_in_place(
    deployed: Deployed, ops: Any
) -> None:
    deployed.fill()
    point_in_time(deployed)
    deployed.outputs["TableName"] = RESTORED
    said = ops("restore", "--stage", "dev", "--yes")
    assert (said.status, said.err.strip()) == (0, "2 accounts restored")
    found = [account_of(item) for item in deployed.items(RESTORED) if item["sk"]["S"] == "ACCOUNT"]
    assert [(one.epoch, one.version, one.restored_at is not None) for one in found] == [
        (1, 2, True)
    ] * 2
    assert ops("restore", "--stage", "dev", "--yes").status == 0
    assert [
        account_of(item) for item in deployed.items(RESTORED) if item["sk"]["S"] == "ACCOUNT"
    ] == found, "once"


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


def test_an_account_whose_customer_is_anothers_by_now_is_named_and_the_others_are_restored(
    deployed: Deployed, ops: Any
) -> None:
    def known(id: str, version: int) -> Account:
        return apply(
            replace(Account(id, version), subscriptions={}),
            CustomerSnapshot(Customer("cus_1"), FromEvent(T)),
        )

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
    assert (
        "Not restored: acc_1: its customer, its external id or its trial belongs to another account"
        " by now.\n" in said.err
    )
    assert deployed.accounts.load("acc_2").epoch == 1  # type: ignore[union-attr]
    assert deployed.accounts.load("acc_9").epoch == 0  # type: ignore[union-attr]


def test_what_cannot_be_restored_from_is_an_error(
    deployed: Deployed, ops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.fill()
    point_in_time(deployed)
    before = deployed.items()
    wrong = {
        (
            "--stage",
            "dev",
            "--yes",
        ): "is not a restored table: name the one that AWS restored by --from",
        (
            "--stage",
            "dev",
            "--yes",
            "--from",
            "none",
        ): "The table none cannot be read: there is none here",
        ("--stage", "prod", "--yes", "--from", RESTORED): "Stage prod is not deployed here",
        (
            "--stage",
            "dev",
            "--yes",
            "--from",
            RESTORED,
            "--rate",
            "0",
        ): "more than 0 accounts a second",
    }
    for arguments, error in wrong.items():
        said = ops("restore", *arguments)
        assert said.status == 1
        assert error in said.err
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert ops("restore", "--stage", "dev", "--from", RESTORED).status == 1
    assert (
        f"Return every account of {TABLE} to its state in {RESTORED}, as {TABLE} was at 20"
        in asked[0]
    )
    assert deployed.items() == before
    Tables("another", TABLE, deployed.dynamodb).save_run(Run("another", T))
    assert "A restoration from another is not done yet" in restores(ops).err
