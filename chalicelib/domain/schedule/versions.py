"""The next version of an account to write, with its due moment."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.access import standing
from chalicelib.domain.account.operations import unexpired
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import BACKOFF
from chalicelib.domain.changes.domain_events import domain_events
from chalicelib.domain.changes.plan_changes import plan_change
from chalicelib.domain.messaging.broadcasts import unexpired as unexpired_broadcasts
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.due_work import due_work, is_dead

MAILS_KEPT = timedelta(days=30)
"""How long the record of a message is kept once its occasion no longer stands."""


def next_version(written: Account, updated: Account, policy: Policy, now: datetime) -> Account:
    """What to write now that `written` has become `learnt`: the version counted on, the standing,
    what happened, and when it is due.
    """
    new = replace(
        updated,
        version=written.version + 1,
        standing=standing(updated, policy, now),
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
    return rescheduled(
        replace(new, outbox=(*new.outbox, *domain_events(written, new, now))), policy, now
    )


def outbox_cleared(written: Account, policy: Policy, now: datetime) -> Account:
    """What to write once all that is in the outbox has been carried out: nothing else is touched,
    so nothing happens by it.
    """
    return rescheduled(replace(written, version=written.version + 1, outbox=()), policy, now)


def failed(written: Account, now: datetime) -> Account:
    """What to write after an act that failed: the account rests, longer each time; after the last
    time it is due no more.
    """
    failures = written.failures + 1
    rested = replace(written, version=written.version + 1, failures=failures)
    until = now + BACKOFF[failures - 1] if failures <= len(BACKOFF) else None
    return replace(rested, resting_until=until, due_at=until)


def rescheduled(account: Account, policy: Policy, now: datetime) -> Account:
    """The account with its next due moment, and without the memory of mail that can never be due
    again.
    """
    account = replace(account, broadcasts=unexpired_broadcasts(account, now))
    standing_ones = {occasion.id for occasion in occasions(account, policy)}
    kept = {
        key: mailed
        for key, mailed in account.mails.items()
        if key.partition("@")[2] in standing_ones or mailed.at > now - MAILS_KEPT
    }
    account = account if len(kept) == len(account.mails) else replace(account, mails=kept)
    account = replace(account, errands=unexpired(account.errands, now))
    waiting = due_work(account, policy, now)
    due_at = waiting[0].at if waiting and not is_dead(account) else None
    return replace(
        account,
        due_at=max(due_at, account.resting_until) if due_at and account.resting_until else due_at,
    )


def _departed_at(written: Account, new: Account, now: datetime) -> datetime | None:
    """The moment at which access ended: by the clock, if the clock had said so before, else now."""
    was, is_ = written.standing, new.standing
    if is_ is None or is_.access != "none":
        return None
    if was is None or was.access == "none":
        return written.departed_at
    return was.until if was.until and was.until <= now else now
