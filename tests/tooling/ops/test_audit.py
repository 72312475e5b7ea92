"""Which commands are in the audit log, with what."""

from argparse import Namespace
from datetime import UTC, datetime

import pytest

from chalicelib.aws.events.audit import AuditLog
from chalicelib.domain.changes.audit import ACTIONS, AuditEntry
from ops.__main__ import SUBJECTS, main
from ops.stage import audit
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import Deployed

ONLY_LOOK = {
    "accounts show", "check", "conditions", "dead list", "dead show", "doctor", "drift",
    "instances drift",
    "instances list",
    "keys list", "listen", "mail compile", "mail preview", "mail report", "mcp", "people list",
    "package", "rehearse",
    "secrets list", "stripe plan", "suppressions list", "webhooks deliveries", "webhooks list",
}  # fmt: skip
"""Commands that change nothing of a stage."""


def entries() -> list[AuditEntry]:
    return AuditLog(TABLE).page(None, None, datetime.now(UTC))[0]


@pytest.fixture(autouse=True)
def by_ada(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "operator", lambda: "ada")


def test_each_command_is_logged_or_only_looks() -> None:
    names = {command.name for part in SUBJECTS.values() for command in part}
    logged = audit.WRITE_TABLE.keys() | audit.NOTE.keys()
    assert logged.isdisjoint(ONLY_LOOK)
    assert names == logged | ONLY_LOOK
    assert {*audit.WRITE_TABLE.values(), *audit.NOTE.values()} <= ACTIONS.keys()


def test_a_new_key_is_logged_and_a_look_at_the_keys_is_not(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "shop", "--scope", "read", "--table", TABLE]) == 0
    token = capsys.readouterr().out.strip()
    assert main(["keys", "list", "--table", TABLE]) == 0
    (entry,) = entries()
    assert (entry.actor, entry.action, entry.account_id) == ("ops:ada", "key.made", None)
    assert entry.detail == {"command": "keys create", "name": "shop", "scope": "read"}
    assert token not in str(entry)


def test_an_export_of_a_person_is_logged_for_the_account(deployed: Deployed) -> None:
    audit.note("accounts export", Namespace(id="acc_1", table=TABLE, file=None))
    (entry,) = entries()
    assert (entry.action, entry.account_id) == ("accounts.exported", "acc_1")
    assert entry.detail == {"command": "accounts export"}
