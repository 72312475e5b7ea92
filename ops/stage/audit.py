"""What commands put into the stage's audit log."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getuser
from typing import Any

from chalicelib.domain.changes.audit import AuditEntry
from chalicelib.domain.errors import InvalidInput
from ops.stage.stages import find_stage, stage_name

WRITE_TABLE = {
    "accounts end-links": "links.ended",
    "accounts erase": "account.erased",
    "accounts joins": "accounts.joined",
    "accounts revive": "account.revived",
    "events replay": "events.replayed",
    "import stripe": "accounts.imported",
    "instances allow": "instance.deleted",
    "instances delete": "instance.deleted",
    "instances ready": "instance.reported",
    "instances resume": "instance.resumed",
    "instances retry": "instance.retried",
    "instances suspend": "instance.suspended",
    "keys create": "key.made",
    "keys revoke": "key.revoked",
    "mail broadcast": "broadcast.sent",
    "revenue recount": "figures.recounted",
    "people check": "people.synced",
    "people sync": "people.synced",
    "suppressions lift": "suppression.lifted",
    "webhooks add": "webhooks.endpoint_made",
    "webhooks enable": "webhooks.endpoint_enabled",
    "webhooks remove": "webhooks.endpoint_deleted",
    "webhooks replay": "webhooks.events_replayed",
    "webhooks rotate": "webhooks.secret_rotated",
    "webhooks test": "webhooks.test_sent",
}
"""Command → action. Their entry is written before their first write to the table, so that one that
only looks leaves none."""

NOTE = {
    "accounts export": "accounts.exported",
    "dead discard": "dead_letters.handled",
    "dead redrive": "dead_letters.handled",
    "deploy": "stage.deployed",
    "destroy": "stage.deployed",
    "export": "accounts.exported",
    "keys rotate-signing": "signing_keys.rotated",
    "restore": "stage.restored",
    "secrets rotate-links": "secrets.set",
    "secrets set": "secrets.set",
    "stripe apply": "stripe.applied",
}
"""Command → action. These change what is not in the table, or read data out, and call `note` once
the operator has agreed."""

OF_ACCOUNT = frozenset(
    {
        "accounts end-links",
        "accounts erase",
        "accounts export",
        "accounts revive",
        "instances delete",
        "instances ready",
        "instances resume",
        "instances retry",
        "instances suspend",
    }
)
"""Commands whose `id` is an account's."""

_TOLD = frozenset(
    {"all", "code", "dismiss", "id", "ids", "join", "live", "message", "name", "scope", "stripe"}
)
"""Options that an entry shows: never an address, nor a secret."""


@contextmanager
def audited(command: str, options: argparse.Namespace) -> Iterator[None]:
    """Within it, the command's first write to the table is preceded by its entry."""
    from chalicelib.aws.write_hook import before_first_write

    action = WRITE_TABLE.get(command)
    if action is None:
        yield
        return
    with before_first_write(
        lambda before, after: _put(command, action, options, after.id if after else None, None)
    ):
        yield


def note(command: str, options: argparse.Namespace, **detail: Any) -> None:
    """Put the entry of a command. Before the stage exists there is no log, and no entry. Raises
    Unavailable.
    """
    try:
        _put(command, NOTE[command], options, None, detail)
    except InvalidInput:
        # Raised where the stage was never deployed to its end. Its secrets may be set before.
        return


def _put(
    command: str,
    action: str,
    options: argparse.Namespace,
    account_id: str | None,
    detail: Mapping[str, Any] | None,
) -> None:
    from chalicelib.aws.events.audit import AuditLog
    from chalicelib.usecases.operators.audit import Act, entry_id

    given = vars(options)
    told = {name: value for name, value in given.items() if name in _TOLD and value}
    if command in OF_ACCOUNT:
        account_id = str(given["id"])
        del told["id"]
    act = Act(f"ops:{operator()}", action, account_id)
    AuditLog(_table(options)).put(
        AuditEntry(
            entry_id(act),
            datetime.now(UTC),
            act.actor,
            action,
            account_id,
            {"command": command, **told, **(detail or {})},
        )
    )


def operator() -> str:
    """Who runs the command: the name at the end of the AWS identity's ARN, else this machine's
    user.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        arn: str = boto3.client("sts").get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError):
        return getuser()
    return arn.rpartition("/")[2].rpartition(":")[2]


def _table(options: argparse.Namespace) -> str:
    if named := getattr(options, "table", None):
        return str(named)
    stage = find_stage(stage_name(options))
    if "TableName" not in stage.outputs:
        raise InvalidInput(f"Stage {stage.name} has no table yet.", "stage")
    return stage.outputs["TableName"]
