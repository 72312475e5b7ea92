"""What an account brings in a month, at the end of each day on which that changes."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import groupby

from chalicelib.domain.account.queries import is_deleted
from chalicelib.domain.account.rules.revenue import after_second
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.recurring import monthly

Amounts = Mapping[str, int]
"""Minor units by currency, without those that are 0."""

DAY = timedelta(days=1)


def closings(account: Account, metered: bool, until: datetime | None = None) -> dict[date, Amounts]:
    """The account's MRR at the end of each day (UTC) on which it may have changed, oldest first:
    Stripe's own days, whenever Billhook learnt of it. Days to come are in it where it is known
    already that a discount will end. `until` is when an account that is being erased ends.
    """
    texts = {id: list(_texts(account, id, until)) for id in _ours(account)}
    moments = [at for changes in texts.values() for at, _ in changes]
    if not moments:
        return {}
    first = min(moments)
    for terms in account.discounts.values():
        moments += [at for at in (terms.start, terms.end) if at and first < at]
    if until:
        moments.append(until)
    found: dict[date, Amounts] = {}
    for day in sorted({moment.astimezone(UTC).date() for moment in moments}):
        found[day] = _at_end_of(day, account, texts, metered)
    return found


def _ours(account: Account) -> list[str]:
    """The subscriptions to this product, those that have ended too."""
    return [id for id in account.recurring if id in account.subscriptions or id in account.ended]


def _texts(account: Account, id: str, until: datetime | None) -> Iterator[tuple[datetime, str]]:
    """What a subscription brings in from each moment on, oldest first. What ended brings in
    nothing.
    """
    changes = sorted(account.recurring[id], key=lambda change: (change.at, change.assumed))
    end = _end(account, id)
    if until:
        end = min(end, until) if end else until
    text = changes[0].before
    tracked = account.subscriptions.get(id)
    if text and tracked:
        # Of what was before the first change that is known, only that it was is known.
        opens = tracked.value.created
        opens = max(opens, account.history_until) if account.history_until else opens
        if opens < changes[0].at:
            yield opens, text
    for at, group in groupby(changes, key=lambda change: change.at):
        if end is not None and end <= at:
            break
        text = after_second(text, list(group))
        yield at, text
    if end is not None and text:
        yield end, ""


def _end(account: Account, id: str) -> datetime | None:
    """When a subscription, or its customer at Stripe, came to its end."""
    if id in account.ended:
        return account.ended[id]
    one = account.subscriptions[id].value
    if one.final:
        return one.ended_at or account.subscriptions[id].seen
    if is_deleted(account, one.customer):
        return account.customers[one.customer].seen
    return None


def _at_end_of(
    day: date, account: Account, texts: Mapping[str, list[tuple[datetime, str]]], metered: bool
) -> Amounts:
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
    return _before(end, account, texts, metered)


def _before(
    end: datetime,
    account: Account,
    texts: Mapping[str, list[tuple[datetime, str]]],
    metered: bool,
) -> Amounts:
    sums = dict[str, Fraction]()
    for id, changes in texts.items():
        before = [text for at, text in changes if at < end]
        tracked = account.subscriptions.get(id)
        customer = tracked.value.customer if tracked else None
        if before and before[-1]:
            for currency, value in monthly(
                before[-1], account.discounts, end, customer, metered
            ).items():
                sums[currency] = sums.get(currency, Fraction(0)) + value
    # Fractions round half to even
    return {currency: round(value) for currency, value in sorted(sums.items()) if round(value) > 0}


def mrr_at(account: Account, moment: datetime, metered: bool) -> Amounts:
    """The account's MRR now, in minor units by currency: the sum over its subscriptions with the
    status `active` or `past_due` whose collection is not paused, less lasting discounts. Empty if
    it brings in nothing.
    """
    texts = {id: list(_texts(account, id, None)) for id in _ours(account)}
    last = (moment + timedelta(microseconds=1)).astimezone(UTC)
    return _before(last, account, texts, metered)
