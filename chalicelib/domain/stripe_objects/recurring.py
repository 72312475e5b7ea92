"""What a subscription brings in again and again, as a short text that is stored, and what discounts
take off it.

The text of a subscription that counts has a part for each item, and one for its own discounts:
`usd:8700:1` is 87 dollars a month, `usd:34800:12` 348 dollars a year, `#` before it marks a metered
price, `?price_1` a price without one amount, `-di_1,di_2` discounts of the item before it, and
`*di_3` those of the whole subscription. `usd:12000:1:6/5` has a tax of 20 % in it. An empty text
brings in nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from chalicelib.domain.stripe_objects.objects import Item, Subscription
from chalicelib.values import frozen

COUNTED = frozenset({"active", "past_due"})
"""The statuses of a subscription that counts, if its collection is not paused."""

MONTHS = {
    "month": Fraction(1),
    "year": Fraction(12),
    "week": Fraction(12, 52),
    "day": Fraction(12, 365),
}
"""How many months an interval of Stripe's has: a year has 52 weeks and 365 days."""


@frozen
class DiscountTerms:
    """A discount: what it gives, and from when to when. `customer` is whose it is if it is for all
    that this customer has, and None if it is for one subscription or one of its items.

    `duration` is Stripe's `once`, `forever` or `repeating`; None if Stripe does not tell. `told_at`
    is when that was told.
    """

    start: datetime
    told_at: datetime
    duration: str | None = None
    percent_off: str | None = None
    amount_off: int | None = None
    currency: str | None = None
    end: datetime | None = None
    customer: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether it takes something off more than one invoice."""
        return self.duration in {"forever", "repeating"}

    def runs_at(self, moment: datetime) -> bool:
        """Whether it runs just before that moment."""
        return self.start < moment and not (self.end and self.end < moment)


def percent_text(percent: float | None) -> str | None:
    """A percentage as it is kept: 12.5 as `12.5`, 20.0 as `20`."""
    return None if percent is None else str(percent).removesuffix(".0")


@frozen
class RecurringChange:
    """A change of what a subscription brings in, by texts as `recurring` writes them, at Stripe's
    own moment. One that is `assumed` no event has told of: it makes up for one that was lost, or
    that happened before Billhook knew the customer.
    """

    at: datetime
    before: str = ""
    after: str = ""
    assumed: bool = False


def recurring(subscription: Subscription | None) -> str:
    """What a subscription brings in, as a text; empty if it does not count."""
    if (
        subscription is None
        or subscription.status not in COUNTED
        or subscription.pause_collection is not None
    ):
        return ""
    parts = [part for part in map(_part, subscription.items) if part]
    if not parts:
        return ""
    whole = f"*{','.join(subscription.discounts)}" if subscription.discounts else ""
    return ";".join([*parts, *([whole] if whole else [])])


def _part(item: Item) -> str:
    amount = _amount(item)
    if amount is None or item.interval not in MONTHS or item.currency is None:
        return f"?{item.price}"
    quantity = _quantity(item)
    if amount * quantity <= 0:
        return ""
    months = MONTHS[item.interval] * item.interval_count
    discounts = f"-{','.join(item.discounts)}" if item.discounts else ""
    taxed = f":{1 + Fraction(Decimal(item.inclusive_tax)) / 100}" if item.inclusive_tax else ""
    return f"{'#' * item.metered}{item.currency}:{amount * quantity}:{months}{taxed}{discounts}"


def _quantity(item: Item) -> int:
    """How often the amount is billed. Of a metered price it is not known: once."""
    if item.metered or item.quantity is None:
        return 1
    packages, rest = divmod(item.quantity, item.package or 1)
    return packages + (1 if rest and item.rounds_up else 0)


def _amount(item: Item) -> Fraction | None:
    if item.amount is not None:
        return Fraction(item.amount)
    return Fraction(Decimal(item.amount_decimal)) if item.amount_decimal else None


def named_discounts(text: str) -> tuple[str, ...]:
    """The ids of the discounts in a text."""
    found = []
    for part in text.split(";"):
        if part.startswith("*"):
            found += part[1:].split(",")
        elif "-" in part and not part.startswith("?"):
            found += part.partition("-")[2].split(",")
    return tuple(found)


def unpriced(text: str) -> tuple[str, ...]:
    """The prices in a text that have no single amount, and count as 0."""
    return tuple(part[1:] for part in text.split(";") if part.startswith("?"))


def currencies(text: str) -> set[str]:
    """The currencies in a text."""
    parts = (part for part in text.split(";") if part and part[0] not in "?*")
    return {part.removeprefix("#").partition(":")[0] for part in parts}


def monthly(
    text: str,
    discounts: Mapping[str, DiscountTerms],
    moment: datetime,
    customer: str | None = None,
    metered: bool = False,
) -> dict[str, Fraction]:
    """What a text comes to in a month, exactly, by currency, without tax and with what its
    discounts take off just before `moment`. With `metered` one unit of each metered price counts.

    A discount of the customer counts where the subscription has none of its own. A customer has one
    at a time: a newer one ends the one before it.

    Of several discounts percentages come first. An amount is for each invoice, so it is divided
    by the months of the shortest interval. Nothing goes below 0.
    """
    parts = [part for part in text.split(";") if part]
    own = parts.pop()[1:].split(",") if parts and parts[-1].startswith("*") else []
    sums, untaxed, shortest = (dict[str, Fraction]() for _ in range(3))
    for part in parts:
        if part.startswith("?") or (part.startswith("#") and not metered):
            continue
        price, _, named = part.removeprefix("#").partition("-")
        currency, amount, length, *taxed = price.split(":")
        months = Fraction(length)
        running = _running(named.split(",") if named else [], discounts, moment)
        value = _less({currency: Fraction(amount) / months}, running, {currency: months})
        sums[currency] = sums.get(currency, Fraction(0)) + value[currency]
        without = value[currency] / Fraction(taxed[0] if taxed else 1)
        untaxed[currency] = untaxed.get(currency, Fraction(0)) + without
        shortest[currency] = min(shortest.get(currency, months), months)
    running = _running(own, discounts, moment)
    if not own:
        own_ids = named_discounts(text)
        wide = [
            (one.start, id)
            for id, one in discounts.items()
            if one.customer is not None
            and one.start < moment
            and id not in own_ids
            and customer in (None, one.customer)
        ]
        running = _running([id for _, id in sorted(wide)[-1:]], discounts, moment)
    left = _less(sums, running, shortest)
    # A discount is taken off with the tax in it, from each item its share.
    return {
        currency: value * untaxed[currency] / sums[currency] if sums[currency] else value
        for currency, value in left.items()
    }


def _running(
    ids: list[str], discounts: Mapping[str, DiscountTerms], moment: datetime
) -> list[DiscountTerms]:
    known = [discounts[id] for id in ids if id in discounts]
    return [one for one in known if one.lasts and one.runs_at(moment)]


def _less(
    sums: Mapping[str, Fraction], discounts: list[DiscountTerms], months: Mapping[str, Fraction]
) -> dict[str, Fraction]:
    left = dict(sums)
    for one in sorted(discounts, key=lambda one: one.percent_off is None):
        for currency, value in left.items():
            if one.percent_off is not None:
                value -= value * Fraction(Decimal(one.percent_off)) / 100
            elif one.amount_off is not None and one.currency == currency:
                value -= Fraction(one.amount_off) / months[currency]
            left[currency] = max(Fraction(0), value)
    return left
