"""Taking an account back to what a backup knows of it, and doing nothing twice that may have been
done since.

Stripe is asked for all that it knows. What it cannot tell again is kept from the account as it
stands, where there is one: what the customer said and did, which mail went out, what was already
asked of Stripe. Where there is none, it is lost, and the rule for mail is the account's
`restored_at`: lifecycle mail that would have left before it counts as sent (domain/mailing.py),
billing notices may go out again.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.account.apply import apply
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
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import next_version, rescheduled


def restored(was: Account, since: Account, at: datetime) -> Account:
    """What `was` is, taken up again at `at`, where `since` stands in its place by now:
    `Account(id)` if nothing does, or nothing that can be read.

    It waits for Stripe's word on all its customers, and its epoch is one that was never used: no id
    of a happening comes again.
    """
    account = replace(
        was,
        epoch=max(was.epoch, since.epoch) + 1,
        restored_at=at,
        mails={**{key: _perhaps_sent(mailed) for key, mailed in was.mails.items()}, **since.mails},
        unsubscribed={**was.unsubscribed, **since.unsubscribed},
        disputes={**was.disputes, **since.disputes},
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
    """What to write in the place of `since` once `was` has been restored and Stripe been asked:
    what happened is told as against what was told last.

    A departure that only the restoration found lies somewhere in the time that was lost, and so do
    the first mails after it: none of its lifecycle mail goes out.
    """
    written = since if since.standing else replace(was, version=since.version)
    new = next_version(written, updated, policy, now)
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
    """What lay in the queue has long left it: lifecycle mail is not sent again, a billing notice is
    judged anew.
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
    for grant in since.grants:
        yield GrantGiven(grant)
    for name, operation in since.errands.items():
        yield OperationUpdated(name, operation)
    if since.checkout:
        yield CheckoutUpdated(since.checkout)
    for name, broadcast in since.broadcasts.items():
        yield BroadcastRequested(name, broadcast)
