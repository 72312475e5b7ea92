"""Restores an account from a backup without repeating what may have been done since the backup.

Everything that Stripe has is fetched again. What Stripe does not have is taken from the present
account, if there is one: what the customer did, which messages were sent, which operations ran. If
there is none, it is lost: lifecycle mail that was due before `restored_at` then counts as sent
(domain/messaging/due_messages.py), and billing notices may be sent again.
"""

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    CheckoutUpdated,
    Fact,
    GrantGiven,
    LinksEnded,
    MilestoneReached,
    OperationUpdated,
    SignedIn,
    Superseded,
)
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import rescheduled, version_without_bounds
from chalicelib.domain.security.openings import LinkEnded, LinkOpened
from chalicelib.values import replace

NUMBERS_SKIPPED = 1000
"""How many numbers of domain events are left out where those since the backup are lost. Whoever
keeps the highest number of an account would take events with used numbers for old ones.
"""


def restored(backup: Account, present: Account, at: datetime) -> Account:
    """The account of the backup, restored at `at`. `present` is the present account:
    `Account(id)` if there is none that can be read.

    Everything of its customers has to be fetched. Its epoch was never used before, so no id of a
    domain event is used twice.
    """
    asked = present if present.sign_in_asked_at else backup
    if present.proved_at and not backup.proved_at:
        # Another signup than that of the backup may have been confirmed since.
        backup = replace(backup, signup=present.signup, profile=present.profile)
    account = replace(
        backup,
        epoch=max(backup.epoch, present.epoch) + 1,
        restored_at=at,
        events=max(backup.events or 0, present.events or 0)
        if present.version
        else (backup.events or 0) + NUMBERS_SKIPPED,
        mails={
            **{key: _perhaps_sent(mailed) for key, mailed in backup.mails.items()},
            **present.mails,
        },
        unsubscribed={**backup.unsubscribed, **present.unsubscribed},
        disputes={**backup.disputes, **present.disputes},
        charged_back={**backup.charged_back, **present.charged_back},
        notice_complaint=present.notice_complaint or backup.notice_complaint,
        address_changes=present.address_changes if present.version else backup.address_changes,
        previous_email=present.previous_email if present.version else backup.previous_email,
        also_copied=present.also_copied if present.version else backup.also_copied,
        origin=_origin(backup, present),
        refused_join=present.refused_join or backup.refused_join,
        sign_in_asked_at=asked.sign_in_asked_at,
        sign_in_signup=asked.sign_in_signup,
        pending_signups=present.pending_signups if present.version else backup.pending_signups,
        card_given_at=max(
            (at for at in (backup.card_given_at, present.card_given_at) if at), default=None
        ),
        debit_failed_at=max(
            (at for at in (backup.debit_failed_at, present.debit_failed_at) if at), default=None
        ),
        # The provisioner keeps what it was asked for since the backup.
        instance=present.instance if present.version else backup.instance,
        figures=present.figures or backup.figures,
        owed_asked_at=None,
        outbox=_unpublished(backup, present),
        worker_outbox=(),
        failures=0,
        asked_in_vain=0,
        resting_until=None,
    )
    for fact in _done_since(present):
        account = apply(account, fact)
    for customer in sorted({*backup.customers, *present.customers}):
        account = fetching_all_of(account, customer)
    return account


def _origin(backup: Account, present: Account) -> str | None:
    """The customer that the account came from. Which customer is fetched first does not decide."""
    known = (backup.origin, present.origin)
    found = next((origin for origin in known if origin), None)
    return found or ("" if "" in known else backup.origin_id or present.origin_id)


def next_restored(
    backup: Account, present: Account, updated: Account, policy: Policy, now: datetime
) -> Account:
    """The version to save in place of `present`, once `backup` has been restored and fetched
    (`updated`). Domain events are found by comparison with `present`, or with `backup` if
    that is missing.

    If only the restore shows that access has ended, it ended at an unknown time since the backup,
    and the first messages after it may have been sent: none of its lifecycle mail is sent.
    """
    written = present if present.standing else replace(backup, version=present.version)
    # Two accounts within their bounds may make one that is over them: it is restored all the same.
    new = version_without_bounds(written, updated, policy, now)
    if new.departed_at in (None, written.departed_at):
        return new
    if backup.departed_at:
        return rescheduled(replace(new, departed_at=backup.departed_at), policy, now)
    passed = {
        f"{step.id}@{occasion.id}": MessageRecord("passed", now, step.stream)
        for occasion in occasions(new, policy)
        for step in policy.steps
        if step.anchor == occasion.anchor == "access_ended" and step.stream == "lifecycle"
    }
    return rescheduled(replace(new, mails={**passed, **new.mails}), policy, now)


def _unpublished(backup: Account, present: Account) -> tuple[DomainEvent, ...]:
    """What waits in an outbox. What a worker had to publish when the backup was made, it published
    then.
    """
    since = (*present.outbox, *present.worker_outbox)
    return (*backup.outbox, *(event for event in since if event not in backup.outbox))


def _perhaps_sent(mailed: MessageRecord) -> MessageRecord:
    """A message that was queued has been sent since: lifecycle mail is not sent again, a billing
    notice is checked again.
    """
    return (
        replace(mailed, outcome="unclear")
        if (mailed.outcome, mailed.stream) == ("queued", "lifecycle")
        else mailed
    )


def _done_since(present: Account) -> Iterator[Fact]:
    for name, at in present.milestones.items():
        yield MilestoneReached(name, at)
    if present.proved_at:
        yield AddressProved(present.proved_at)
    yield from _links_since(present)
    if present.superseded_at:
        yield Superseded(present.superseded_at)
    if present.signed_in_by:
        yield SignedIn(present.signed_in_by)
    for name, change in present.profile_changes.items():
        yield ProfileChanged({name: getattr(present.profile, name)}, change.at, change.by)
    for grant in present.grants:
        yield GrantGiven(grant)
    for name, operation in present.errands.items():
        yield OperationUpdated(name, operation)
    if present.checkout:
        yield CheckoutUpdated(present.checkout)
    for name, broadcast in present.broadcasts.items():
        yield BroadcastRequested(name, broadcast)


def _links_since(present: Account) -> Iterator[Fact]:
    if present.links_void_before:
        yield LinksEnded(present.links_void_before)
    for opening in present.openings:
        yield LinkOpened(opening)
    for mark, at in present.ended_links.items():
        yield LinkEnded(mark, at)
