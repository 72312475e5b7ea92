"""The rules that keep what an account's subscriptions bring in, and since when: every change that
an event tells of, whatever the order of the events.
"""

from datetime import UTC, datetime

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    DiscountSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.domain.stripe_objects.recurring import (
    DiscountTerms,
    RecurringChange,
    named_discounts,
    recurring,
)
from chalicelib.values import replace


def with_recurring_change(account: Account, fact: SubscriptionSnapshot) -> Account:
    """The account with the change that an event tells of, if what the subscription brings in has
    changed by it.
    """
    one, source = fact.subscription, fact.source
    if not isinstance(source, FromEvent):
        return account
    before = "" if source.is_creation else fact.recurring_before
    after = recurring(one)
    if before is None or before == after:
        return account
    change = RecurringChange(source.created, before, after)
    known = account.recurring.get(one.id, ())
    if change in known or _is_folded(account, change):
        return account
    real = sorted(
        (change, *(other for other in known if not other.assumed)),
        key=lambda other: (other.at, other.before, other.after),
    )
    assumed = (other for other in known if other.assumed)
    return replace(account, recurring={**account.recurring, one.id: (*real, *assumed)})


def with_assumed_change(account: Account, id: str, at: datetime | None = None) -> Account:
    """The account with a change that is assumed where the events do not lead to what is known of
    the subscription now, and without one that is needed no more. `at` is when that was learnt.
    """
    tracked = account.subscriptions.get(id) or account.others.get(id)
    known = account.recurring.get(id, ())
    real = tuple(change for change in known if not change.assumed)
    last, present = ending(real), recurring(tracked.value) if tracked else ""
    kept = known[len(real) :]
    if present == last:
        kept = ()
    elif tracked and not (kept and kept[0].after == present):
        latest = real[-1].at if real else None
        moment = _assumed_moment(account, tracked.value, last, at or tracked.seen)
        moment = max(moment, latest) if latest else moment
        kept = (RecurringChange(moment, last, present, assumed=True),)
    if known == (*real, *kept):
        return _with_unknown_discounts(account, id)
    changes = {**account.recurring, id: (*real, *kept)}
    return _with_unknown_discounts(
        replace(account, recurring={key: one for key, one in changes.items() if one}), id
    )


def with_missing_changes(account: Account) -> Account:
    """The account with a change that is assumed for each subscription of which none is known: it
    was last saved by a release that did not keep them.
    """
    for id in (*account.subscriptions, *account.others):
        if id not in account.recurring:
            account = with_assumed_change(account, id)
    return account


def _assumed_moment(account: Account, one: Subscription, last: str, learnt: datetime) -> datetime:
    """When a change happened of which no event told: at a moment that Stripe names, if there is
    one; else when it was learnt. What is older than the customer here opens with it.
    """
    if one.final:
        return one.ended_at or learnt
    if last:
        return learnt
    began = max(
        moment
        for moment in (one.created, one.trial_end)
        if moment and moment <= max(learnt, one.created)
    )
    return max(began, account.history_until) if account.history_until else began


def ending(changes: tuple[RecurringChange, ...]) -> str:
    """What is left after changes: those of one second are put into the order in which each begins
    with what the one before it ended with, if there is such an order.
    """
    state, rest = "", list(changes)
    while rest:
        second = [change for change in rest if change.at == rest[0].at]
        rest = rest[len(second) :]
        state = after_second(state, second)
    return state


def after_second(state: str, changes: list[RecurringChange]) -> str:
    """What is left of `state` after the changes of one second: see `ending`."""
    found = _walk(state, changes)
    if found is not None:
        return found
    begun = {change.before for change in changes}
    ends = sorted(change.after for change in changes if change.after not in begun)
    return ends[-1] if ends else changes[-1].after


def _walk(state: str, changes: list[RecurringChange]) -> str | None:
    """Where a walk over all of the changes ends that begins with `state`; None if there is none."""
    if not changes:
        return state
    for number, change in enumerate(changes):
        if change.before == state:
            rest = changes[:number] + changes[number + 1 :]
            if (found := _walk(change.after, rest)) is not None:
                return found
    return None


def _is_folded(account: Account, change: RecurringChange) -> bool:
    return account.recurring_since is not None and change.at < account.recurring_since


def with_bounded_changes(account: Account) -> Account:
    """The account with the changes of the newest days only, up to the bound, and the last one
    before them of each subscription. What came of older ones is in the daily figures, which do not
    change any more.
    """
    room = most("recurring changes")
    moments = sorted(change.at for changes in account.recurring.values() for change in changes)
    if len(moments) <= room:
        return account
    oldest = moments[-room].astimezone(UTC)
    since = oldest.replace(hour=0, minute=0, second=0, microsecond=0)
    kept = {id: _since(changes, since) for id, changes in account.recurring.items()}
    if kept == account.recurring and account.recurring_since == since:
        return account
    return replace(account, recurring=kept, recurring_since=since)


def _since(changes: tuple[RecurringChange, ...], since: datetime) -> tuple[RecurringChange, ...]:
    older = [change for change in changes if change.at < since]
    last = max((change.at for change in older), default=since)
    return tuple(change for change in changes if change.at >= min(last, since))


def apply_discount(account: Account, fact: DiscountSnapshot) -> Account:
    """Keeps the terms of a discount, as told last; one that was taken away ends then."""
    known, terms = account.discounts.get(fact.id), fact.terms
    if known is not None:
        ends = [end for end in (known.end, terms.end) if end]
        newest = max(
            (known, terms), key=lambda one: (one.duration is not None, one.told_at, repr(one))
        )
        terms = replace(newest, end=min(ends, default=None))
    if terms == known:
        return account
    discounts = {**account.discounts, fact.id: terms}
    if len(discounts) > most("discounts"):
        present = _present_discounts(account)
        newest_last = sorted(discounts, key=lambda id: (id in present, discounts[id].start, id))
        discounts = {id: discounts[id] for id in newest_last[-most("discounts") :]}
    account = replace(account, discounts=discounts)
    for request in [one for one in account.asks if one.what == "discounts"]:
        if not unknown_discounts(account, request.id):
            account = account.without_fetch(request)
    return account


def with_customer_discounts(account: Account, fact: CustomerSnapshot) -> Account:
    """The account with the terms of the discount that the customer tells; requests them where it
    tells only their coupon's id. Its own event may have come before Billhook knew the customer.
    """
    for id, terms in fact.discounts.items():
        if terms.duration is not None:
            account = apply_discount(account, DiscountSnapshot(id, terms))
        elif id not in account.discounts:
            account = account.with_fetch(FetchRequest("customer_discount", fact.customer.id))
    return account


def unknown_discounts(account: Account, subscription: str) -> set[str]:
    """The ids of discounts of a subscription whose terms are not known. Where older ones had to
    make room, those of now alone.
    """
    texts = [change.after for change in account.recurring.get(subscription, ())]
    if len(account.discounts) >= most("discounts"):
        texts = texts[-1:]
    return {id for text in texts for id in named_discounts(text)} - account.discounts.keys()


def _present_discounts(account: Account) -> set[str]:
    """The ids of the discounts that the subscriptions have now."""
    texts = [changes[-1].after for changes in account.recurring.values() if changes]
    return {id for text in texts for id in named_discounts(text)}


def _with_unknown_discounts(account: Account, id: str) -> Account:
    unknown = unknown_discounts(account, id)
    return account.with_fetch(FetchRequest("discounts", id)) if unknown else account


def without_terms(id: str, at: datetime) -> DiscountSnapshot:
    """A discount of which Stripe tells nothing: it takes nothing off and is not asked for again."""
    return DiscountSnapshot(id, DiscountTerms(at, at))
