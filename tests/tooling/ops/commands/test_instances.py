"""Customers' instances, by the command line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.domain.account.facts import GrantGiven
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.schedule.versions import next_version
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from ops.__main__ import main
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import Deployed
from tests.unit.usecases.instances.owner import DAY, INSTANCES

Ops = Callable[..., tuple[int, str]]


@pytest.fixture
def ops(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ops:
    """Runs a command on a stage with an account that has access, and one that has none."""
    policy = replace(wiring.policy(), instance=INSTANCES)
    monkeypatch.setattr(wiring, "policy", lambda: policy)
    accounts, now = Accounts(TABLE, lambda: "key", deployed.dynamodb), clock.now()
    for id, lasts in (("acc_1", 9 * DAY), ("acc_2", -DAY)):
        given = apply(Account(id), GrantGiven(Grant(now + lasts, "pro")))
        accounts.save(Account(id), next_version(Account(id), given, policy, now))

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["instances", *arguments, "--stage", "dev"])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_instances_are_listed_by_status(ops: Ops) -> None:
    status, told = ops("list")
    assert status == 0
    assert "acc_1  creating" in told
    assert "acc_2" not in told
    assert ops("list", "--status", "ready") == (0, "")


def test_an_instance_is_said_to_be_ready_suspended_and_resumed(ops: Ops) -> None:
    assert ops("ready", "acc_1", "https://a.acme.app")[0] == 0
    assert "https://a.acme.app" in ops("list", "--status", "ready")[1]
    assert "suspending" in ops("suspend", "acc_1")[1]
    assert "ready" in ops("resume", "acc_1")[1]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ready", "acc_1", "https://evil.example"), "hosts"),
        (("delete", "acc_1"), "has access"),
        (("retry", "acc_1"), "nothing to retry"),
        (("suspend", "acc_2"), "no instance"),
        (("suspend", "acc_nobody"), "no account"),
        (("allow", "-1"), "NUMBER"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    ops: Ops, arguments: tuple[str, ...], why: str
) -> None:
    status, told = ops(*arguments)
    assert status == 1
    assert why in told


def test_more_deletions_are_allowed_for_a_day(ops: Ops) -> None:
    status, told = ops("allow", "200")
    assert (status, told.split()[0]) == (0, "200")


def test_drift_names_what_only_one_side_has(ops: Ops, tmp_path: Path) -> None:
    ops("ready", "acc_1", "https://a.acme.app")
    there = [
        {"account_id": "acc_1", "status": "suspended"},
        {"account_id": "acc_2", "status": "ready"},
        {"account_id": "acc_gone", "status": "ready"},
        {"account_id": "acc_3", "status": "deleted"},
    ]
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"instances": there}))
    status, told = ops("drift", str(file))
    assert status == 1
    assert told.splitlines() == [
        "acc_1: ready here, and suspended there",
        "acc_2: ready there, and none for the account here",
        "acc_gone: ready there, and no account here",
    ]
    file.write_text(json.dumps({"instances": [{"account_id": "acc_1", "status": "ready"}]}))
    assert ops("drift", str(file))[0] == 0
    file.write_text(json.dumps({"instances": []}))
    assert "no instance there" in ops("drift", str(file))[1]
    for broken in ("", "[]", '{"instances": [{"account_id": "acc_1", "status": "fine"}]}'):
        file.write_text(broken)
        assert ops("drift", str(file))[0] == 1
