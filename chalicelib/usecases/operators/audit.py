"""Entries of the audit log, made of what an actor asks for and what it changes."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.audit import AuditEntry, difference, shortened
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen


@frozen
class Act:
    """What somebody asks for: `actor` and `action` as in AuditEntry. `asked` are the fields of the
    request; secrets do not belong in it. `key` is the Idempotency-Key: repeats under it have the
    same id in the log.
    """

    actor: str
    action: str
    account_id: str | None = None
    asked: Mapping[str, Any] | None = None
    source: str = ""
    key: str | None = None


def entry(
    act: Act,
    before: Account | None,
    after: Account | None,
    policy: Policy,
    now: datetime,
    id: str | None = None,
) -> AuditEntry:
    """The entry of an act, with what it changes of an account, if that is known. It gets an id of
    its own if none is given.
    """
    changed = difference(before, after, policy, now) if after else {}
    asked = {name: shortened(value) for name, value in (act.asked or {}).items()}
    named = act.account_id or (after.id if after else None)
    return AuditEntry(
        id=id or entry_id(act),
        at=now,
        actor=act.actor,
        action=act.action,
        account_id=named,
        detail=asked | changed or None,
        source=act.source,
    )


def entry_id(act: Act) -> str:
    """The id of an act's entry: the same for repeats under one Idempotency-Key."""
    if not act.key:
        return f"aud_{secrets.token_hex(8)}"
    text = "\n".join((act.actor, act.action, act.account_id or "", act.key))
    return f"aud_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
