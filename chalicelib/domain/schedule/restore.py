"""Restores an account from a backup without repeating what may have been done since the backup.

Everything that Stripe has is fetched again. What Stripe does not have is taken from the present
account, if there is one: what the customer did, which messages were sent, which operations ran. If
there is none, it is lost: lifecycle mail that was due before `restored_at` then counts as sent
(domain/messaging/due_messages.py), and billing notices may be sent again.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    CheckoutUpdated,
    Fact,
    GrantGiven,
    MilestoneReached,
    OperationUpdated,
    SignedIn,
    SignInRequested,
)
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import rescheduled, version_without_bounds


def restored(was: Account, since: Account, at: datetime) -> Account:
    """The account `was` of the backup, restored at `at`. `since` is the present account:
    `Account(id)` if there is none that can be read.

    Everything of its customers has to be fetched. Its epoch was never used before, so no id of a
    domain event is used twice.
    """
    account = replace(
        was,
        epoch=max(was.epoch, since.epoch) + 1,
        restored_at=at,
        mails={**{key: _perhaps_sent(mailed) for key, mailed in was.mails.items()}, **since.mails},
        unsubscribed={**was.unsubscribed, **since.unsubscribed},
        disputes={**was.disputes, **since.disputes},
        address_changes=since.address_changes if since.version else was.address_changes,
        origin=was.origin or since.origin,
        card_given_at=max(
            (at for at in (was.card_given_at, since.card_given_at) if at), default=None
        ),
        owed_asked_at=None,
        outbox=(*was.outbox, *(one for one in since.outbox if one not in was.outbox)),
        failures=0,
        asked_in_vain=0,
        resting_until=None,
    )
    for fact in _done_since(since):
        account = apply(account, fact)
    for customer in sorted({*was.customers, *since.customers}):
        account = fetching_all_of(account, customer)
    return account


def next_restored(
    was: Account, since: Account, updated: Account, policy: Policy, now: datetime
) -> Account:
    """The version to save in place of `since`, once `was` has been restored and fetched
    (`updated`). Domain events are found by comparison with `since`, or with `was` if that is
    missing.

    If only the restore shows that access has ended, it ended at an unknown time since the backup,
    and the first messages after it may have been sent: none of its lifecycle mail is sent.
    """
    written = since if since.standing else replace(was, version=since.version)
    # Two accounts within their bounds may make one that is over them: it is restored all the same.
    new = version_without_bounds(written, updated, policy, now)
    if new.departed_at in (None, written.departed_at):
        return new
    if was.departed_at:
        return rescheduled(replace(new, departed_at=was.departed_at), policy, now)
    passed = {
        f"{step.id}@{occasion.id}": MessageRecord("passed", now, step.stream)
        for occasion in occasions(new, policy)
        for step in policy.steps
        if step.anchor == occasion.anchor == "access_ended" and step.stream == "lifecycle"
    }
    return rescheduled(replace(new, mails={**passed, **new.mails}), policy, now)


def _perhaps_sent(mailed: MessageRecord) -> MessageRecord:
    """A message that was queued has been sent since: lifecycle mail is not sent again, a billing
    notice is checked again.
    """
    return (
        replace(mailed, outcome="unclear")
        if (mailed.outcome, mailed.stream) == ("queued", "lifecycle")
        else mailed
    )


def _done_since(since: Account) -> Iterator[Fact]:
    for name, at in since.milestones.items():
        yield MilestoneReached(name, at)
    if since.proved_at:
        yield AddressProved(since.proved_at)
    if since.sign_in_asked_at:
        yield SignInRequested(since.sign_in_asked_at)
    if since.signed_in_by:
        yield SignedIn(since.signed_in_by)
    for name, change in since.profile_changes.items():
        yield ProfileChanged({name: getattr(since.profile, name)}, change.at, change.by)
    for grant in since.grants:
        yield GrantGiven(grant)
    for name, operation in since.errands.items():
        yield OperationUpdated(name, operation)
    if since.checkout:
        yield CheckoutUpdated(since.checkout)
    for name, broadcast in since.broadcasts.items():
        yield BroadcastRequested(name, broadcast)
