"""The operator's commands as they are typed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.domain.account.state import Account
from ops.__main__ import main
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.conftest import boto3_table as dynamodb  # noqa: F401 - the fixture


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.aws.keys.api_keys.client", lambda: dynamodb)
    monkeypatch.setenv("TABLE_NAME", TABLE)


def test_keys_are_made_listed_and_revoked(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    status, token, _ = run(capsys, "keys", "create", "the product", "--scope", "read")
    assert status == 0
    id = token.split("_")[1]
    _, listed, _ = run(capsys, "keys", "list")
    assert [line.split()[:2] for line in listed.splitlines()] == [[id, "read"]]
    assert "alive" in listed
    assert token.strip() not in listed
    assert run(capsys, "keys", "revoke", id)[0] == 0
    assert "revoked" in run(capsys, "keys", "list")[1]
    status, _, error = run(capsys, "keys", "revoke", "0" * 12)
    assert (status, error) == (
        1,
        "There is no key 000000000000: python -m ops keys list shows them.\n",
    )


def test_a_stage_must_be_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TABLE_NAME", "STAGE"):
        monkeypatch.delenv(name, raising=False)
    assert run(capsys, "keys", "list")[0::2] == (
        1,
        "Which stage? Give --stage dev or prod, or set $STAGE.\n",
    )


def test_the_policy_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "check")
    assert (status, out[:20]) == (0, "billing.toml is fine")
    assert "Warning: cancel.alternatives.unused offers a pause" in out
    bad = tmp_path / "billing.toml"
    bad.write_text("schema = 9\n")
    status, _, error = run(capsys, "check", str(bad))
    assert status == 1
    assert "schema: must be 1" in error
    assert "trial.days: is missing" in error
    assert run(capsys, "check", str(tmp_path / "none"))[0] == 1


def test_the_gallery_of_messages_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, out, _ = run(capsys, "mail", "preview", str(tmp_path))
    assert status == 0
    assert "welcome" in (tmp_path / "en" / "index.html").read_text()
    assert str(tmp_path) in out


def test_a_message_that_needs_what_no_reader_has_is_found_by_the_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "chalicelib.outreach.check.missing", lambda message, variables, language: ("shoe_size",)
    )
    status, _, error = run(capsys, "check")
    assert status == 1
    assert "needs shoe_size" in error


def test_a_dead_account_is_revived(
    table: None,
    dynamodb: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chalicelib.aws.accounts.client", lambda: dynamodb)
    accounts = Accounts(TABLE, lambda: "key", dynamodb)
    accounts.save(Account("acc_1"), replace(Account("acc_1"), version=1, failures=7))
    assert run(capsys, "accounts", "revive", "acc_1")[0] == 0
    revived = accounts.load("acc_1")
    assert revived
    assert revived.failures == 0
    assert run(capsys, "accounts", "revive", "acc_2")[0] == 1
