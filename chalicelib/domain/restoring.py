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

from chalicelib.domain.account import (
    Account,
    CheckoutKnown,
    ErrandKnown,
    Fact,
    GrantGiven,
    Mailed,
    apply,
)
from chalicelib.domain.agenda import next_version, planned
from chalicelib.domain.broadcasts import BroadcastWanted
from chalicelib.domain.facts import AddressProved, MilestoneReached, SignedIn, SignInAsked
from chalicelib.domain.occasions import occasions
from chalicelib.domain.owed import asking_all_of
from chalicelib.domain.policy import Policy


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
        account = asking_all_of(account, customer)
    return account


def next_restored(
    was: Account, since: Account, learnt: Account, policy: Policy, now: datetime
) -> Account:
    """What to write in the place of `since` once `was` has been restored and Stripe been asked:
    what happened is told as against what was told last.

    A departure that only the restoration found lies somewhere in the time that was lost, and so do
    the first mails after it: none of its lifecycle mail goes out.
    """
    written = since if since.standing else replace(was, version=since.version)
    new = next_version(written, learnt, policy, now)
    if new.departed_at in (None, written.departed_at):
        return new
    if was.departed_at:
        return planned(replace(new, departed_at=was.departed_at), policy, now)
    passed = {
        f"{step.id}@{occasion.id}": Mailed("passed", now, step.stream)
        for occasion in occasions(new, policy)
        for step in policy.steps
        if step.anchor == occasion.anchor == "access_ended" and step.stream == "lifecycle"
    }
    return planned(replace(new, mails={**passed, **new.mails}), policy, now)


def _perhaps_sent(mailed: Mailed) -> Mailed:
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
        yield SignInAsked(since.sign_in_asked_at)
    if since.signed_in_by:
        yield SignedIn(since.signed_in_by)
    for grant in since.grants:
        yield GrantGiven(grant)
    for name, errand in since.errands.items():
        yield ErrandKnown(name, errand)
    if since.checkout:
        yield CheckoutKnown(since.checkout)
    for name, broadcast in since.broadcasts.items():
        yield BroadcastWanted(name, broadcast)
