"""The next version of an account to save, with its due time."""

from datetime import datetime

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.payments import remembered_return
from chalicelib.domain.account.rules.ownership import with_ownership
from chalicelib.domain.account.rules.profile import with_profile_operation
from chalicelib.domain.account.rules.revenue import with_missing_changes
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import BACKOFF
from chalicelib.domain.changes.domain_events import domain_events
from chalicelib.domain.changes.plan_changes import plan_change
from chalicelib.domain.figures.contributions import changed_contributions
from chalicelib.domain.figures.records import with_figure_record
from chalicelib.domain.figures.trials import with_trial_record
from chalicelib.domain.instances.lifecycle import was_there, with_instance
from chalicelib.domain.people.changes import contact_change
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.due_work import due_work, is_dead
from chalicelib.domain.schedule.growth import pruned, refuse_growth
from chalicelib.values import replace


def next_version(
    written: Account, updated: Account, policy: Policy, now: datetime, by_worker: bool = False
) -> Account:
    """The version to save now that `written` has become `updated`: with the next version number,
    its subscriptions sorted from those to other products, the standing, the domain events in an
    outbox, and the due time.

    With `by_worker`, whoever saves it publishes them, and is started again until it has. Else they
    wait for the table's stream, and are due soon. What was in an outbox before and may be
    unpublished goes along.

    Raises TooMany if a caller's change goes over a bound.
    """
    refuse_growth(written, updated, now)
    return version_without_bounds(written, updated, policy, now, by_worker)


def version_without_bounds(
    written: Account, updated: Account, policy: Policy, now: datetime, by_worker: bool = False
) -> Account:
    """As `next_version`, for what must be saved whatever it holds."""
    updated = with_ownership(with_profile_operation(updated, now), policy)
    updated = with_trial_record(with_missing_changes(updated))
    updated = with_figure_record(written, updated, policy)
    updated = replace(updated, debit_returned_at=remembered_return(written, updated))
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
    new = with_instance(new, policy, now, was_there(written, new))
    if is_dead(new):  # the change may have corrected the cause: it is tried once more
        new = replace(new, failures=len(BACKOFF), resting_until=None)
    happened = domain_events(written, new, now) or contact_change(written, new, policy, now)
    waiting = (*new.outbox, *new.worker_outbox)
    unpublished = (*sorted(waiting, key=lambda event: event.sequence or 0), *happened)
    new = replace(
        new,
        events=(new.events or 0) + sum(one.sequence is not None for one in happened) or None,
        outbox=() if by_worker else unpublished,
        worker_outbox=unpublished if by_worker else (),
    )
    due = {*written.figures_due, *changed_contributions(written, new, policy)}
    new = replace(new, figures_due=tuple(sorted(due)))
    return rescheduled(new, policy, now)


def outbox_cleared(written: Account, policy: Policy, now: datetime) -> Account:
    """The version to save once the outbox has been published. Nothing else changes, so it causes no
    domain event.
    """
    cleared = replace(written, version=written.version + 1, outbox=(), figures_due=())
    return rescheduled(cleared, policy, now)


def failed(written: Account, now: datetime) -> Account:
    """The version to save after processing failed: the account rests, longer each time. After the
    last time it is no longer due. Its worker does not come again, so its domain events are the
    stream's.
    """
    failures = written.failures + 1
    rested = replace(
        written,
        version=written.version + 1,
        failures=failures,
        outbox=(*written.outbox, *written.worker_outbox),
        worker_outbox=(),
    )
    until = now + BACKOFF[failures - 1] if failures <= len(BACKOFF) else None
    return replace(rested, resting_until=until, due_at=until)


def rescheduled(account: Account, policy: Policy, now: datetime) -> Account:
    """The account with its next due time, and without what no rule needs any more."""
    account = pruned(account, policy, now)
    waiting = due_work(account, policy, now)
    due_at = waiting[0].at if waiting and not is_dead(account) else None
    return replace(
        account,
        due_at=max(due_at, account.resting_until) if due_at and account.resting_until else due_at,
    )


def _departed_at(written: Account, new: Account, now: datetime) -> datetime | None:
    """When access ended: at the last standing's `until` if that is over, else now."""
    before, after = written.standing, new.standing
    if after is None or after.access != "none":
        return None
    if before is None or before.access == "none":
        return written.departed_at
    return before.until if before.until and before.until <= now else now
