"""What an account waits for, and when. The first entry is the account's `due_at`."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.happenings import happenings
from chalicelib.domain.policy import Policy
from chalicelib.domain.standing import standing

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

OUTBOX_PATIENCE = timedelta(minutes=1)
"""How long the table's stream may take to carry out an outbox before the agenda does."""

ASK_PATIENCE = timedelta(minutes=1)
"""How soon a question that Stripe could not answer is asked again."""


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """One thing that waits: its moment, and what is to be done then."""

    at: datetime
    what: str


def agenda(account: "Account", now: datetime) -> tuple[Due, ...]:
    """All that the account waits for, the soonest first."""
    written_at = account.written_at or now
    waiting = [Due(written_at + ASK_PATIENCE, f"ask {ask}") for ask in account.asks]
    if account.outbox:
        waiting.append(Due(written_at + OUTBOX_PATIENCE, "carry out the outbox"))
    return tuple(sorted(waiting))


def next_version(written: "Account", learnt: "Account", policy: Policy, now: datetime) -> "Account":
    """What to write now that `written` has become `learnt`: the version counted on, the standing, what happened, and when it is due."""
    new = replace(learnt, version=written.version + 1, standing=standing(learnt, policy, now), policy=policy.hash, written_at=now)
    return _planned(replace(new, outbox=(*new.outbox, *happenings(written, new, now))), now)


def emptied(written: "Account", now: datetime) -> "Account":
    """What to write once all that is in the outbox has been carried out: nothing else is touched, so nothing happens by it."""
    return _planned(replace(written, version=written.version + 1, outbox=()), now)


def _planned(account: "Account", now: datetime) -> "Account":
    waiting = agenda(account, now)
    return replace(account, due_at=waiting[0].at if waiting else None)
