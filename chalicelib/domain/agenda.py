"""What an account waits for, and when. The first entry is the account's `due_at`; whoever acts on
it reads the account again.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.broadcasts import remembered as broadcasts_remembered
from chalicelib.domain.errands import remembered
from chalicelib.domain.errands import waiting as undone
from chalicelib.domain.happenings import happenings
from chalicelib.domain.mailing import QUEUED_PATIENCE, mails
from chalicelib.domain.occasions import occasions
from chalicelib.domain.owed import owed
from chalicelib.domain.plan_changes import plan_change
from chalicelib.domain.policy import Policy
from chalicelib.domain.standing import standing

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

OUTBOX_PATIENCE = timedelta(minutes=1)
"""How long the table's stream may take to carry out an outbox before the agenda does."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 60, 180, 360))
"""How long an account rests after each act that failed in a row, and a question after each time
that Stripe did not answer it. After the last failed act the account goes to the dead list."""

MAILS_KEPT = timedelta(days=30)
"""How long it is remembered what became of a message whose occasion no longer stands."""


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """One thing that waits: its moment, and what is to be done then."""

    at: datetime
    what: str


def agenda(account: "Account", policy: Policy, now: datetime) -> tuple[Due, ...]:
    """All that the account waits for, the soonest first."""
    written_at = account.written_at or now
    waiting = [
        Due(written_at + BACKOFF[min(account.asked_in_vain, len(BACKOFF) - 1)], f"ask {ask}")
        for ask in account.asks
    ]
    if account.outbox:
        waiting.append(Due(written_at + OUTBOX_PATIENCE, "carry out the outbox"))
    if account.standing and account.standing.until:
        waiting.append(Due(account.standing.until, "change the standing"))
    waiting += [
        Due(max(mail.until, now) if mail.missed else mail.at, f"send {mail.key}")
        for mail in mails(account, policy, now)
    ]
    waiting += [
        Due(news.ask_at, f"ask for news of {news.customer}: {news.what}") for news in owed(account)
    ]
    waiting += [
        Due(errand.next_try(), f"run {name}") for name, errand in undone(account.errands).items()
    ]
    waiting += [
        Due(mailed.at + QUEUED_PATIENCE, f"look after {key}")
        for key, mailed in account.mails.items()
        if mailed.outcome == "queued"
    ]
    return tuple(sorted(waiting))


def is_dead(account: "Account") -> bool:
    """Whether so many acts failed in a row that nothing more is tried until there is news, a
    changed policy, or an operator who says so.
    """
    return account.failures > len(BACKOFF)


def next_version(written: "Account", learnt: "Account", policy: Policy, now: datetime) -> "Account":
    """What to write now that `written` has become `learnt`: the version counted on, the standing,
    what happened, and when it is due.
    """
    new = replace(
        learnt,
        version=written.version + 1,
        standing=standing(learnt, policy, now),
        policy=policy.hash,
        written_at=now,
    )
    new = replace(
        new,
        departed_at=_departed_at(written, new, now),
        plan_change=plan_change(written, new, policy, now),
    )
    if is_dead(new):  # what has changed may have mended it: it is tried once more
        new = replace(new, failures=len(BACKOFF), resting_until=None)
    return planned(replace(new, outbox=(*new.outbox, *happenings(written, new, now))), policy, now)


def emptied(written: "Account", policy: Policy, now: datetime) -> "Account":
    """What to write once all that is in the outbox has been carried out: nothing else is touched,
    so nothing happens by it.
    """
    return planned(replace(written, version=written.version + 1, outbox=()), policy, now)


def failed(written: "Account", now: datetime) -> "Account":
    """What to write after an act that failed: the account rests, longer each time; after the last
    time it is due no more.
    """
    failures = written.failures + 1
    rested = replace(written, version=written.version + 1, failures=failures)
    until = now + BACKOFF[failures - 1] if failures <= len(BACKOFF) else None
    return replace(rested, resting_until=until, due_at=until)


def planned(account: "Account", policy: Policy, now: datetime) -> "Account":
    """The account with its next due moment, and without the memory of mail that can never be due
    again.
    """
    account = replace(account, broadcasts=broadcasts_remembered(account, now))
    standing_ones = {occasion.id for occasion in occasions(account, policy)}
    kept = {
        key: mailed
        for key, mailed in account.mails.items()
        if key.partition("@")[2] in standing_ones or mailed.at > now - MAILS_KEPT
    }
    account = account if len(kept) == len(account.mails) else replace(account, mails=kept)
    account = replace(account, errands=remembered(account.errands, now))
    waiting = agenda(account, policy, now)
    due_at = waiting[0].at if waiting and not is_dead(account) else None
    return replace(
        account,
        due_at=max(due_at, account.resting_until) if due_at and account.resting_until else due_at,
    )


def _departed_at(written: "Account", new: "Account", now: datetime) -> datetime | None:
    """The moment at which access ended: by the clock, if the clock had said so before, else now."""
    was, is_ = written.standing, new.standing
    if is_ is None or is_.access != "none":
        return None
    if was is None or was.access == "none":
        return written.departed_at
    return was.until if was.until and was.until <= now else now
