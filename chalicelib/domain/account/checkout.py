"""The Checkout session of an account: there is one at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.account.operations import KEY_TRUSTED

LASTS = timedelta(hours=23)
"""How long a Checkout session is offered again; Stripe keeps it open for 24 hours."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a Checkout session is for: `setup` collects a card, `subscription` sells a plan.
    `currency` None is the owner's own.
    """

    mode: str
    plan: str | None = None
    interval: str | None = None
    quantity: int = 1
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """The Checkout of an account: there is one at a time, so that two tabs buy once. `number` makes
    its idempotency key.

    `session` and `url` are None from the moment it is begun until Stripe has made it.
    """

    number: int
    order: Order
    at: datetime
    session: str | None = None
    url: str | None = None
    doubtful: bool = False
    closed: bool = False

    def offers(self, order: Order, now: datetime) -> bool:
        """Whether this one, made or about to be made, is what is wanted."""
        lasts = LASTS if self.session else KEY_TRUSTED
        return (
            self.order == order and not self.closed and not self.doubtful and now < self.at + lasts
        )


def begun(checkout: Checkout | None, order: Order, now: datetime) -> Checkout:
    """The next Checkout; its key was never used before."""
    return Checkout((checkout.number if checkout else 0) + 1, order, now)


def further(known: Checkout | None, news: Checkout) -> Checkout:
    """What is known of an account's Checkout after `news`: a later one, or the same as far as
    anybody has brought it.

    Of two who made the same one, the one that heard from Stripe knows; what failed for the other
    takes nothing back.
    """
    if known is None or news.number > known.number:
        return news
    if news.number < known.number:
        return known
    whole = news if news.session else known
    return replace(
        whole,
        closed=known.closed or news.closed,
        doubtful=not whole.session and (known.doubtful or news.doubtful),
    )


def opened(checkout: Checkout, session: str, url: str) -> Checkout:
    """The Checkout that Stripe has made."""
    return replace(checkout, session=session, url=url)
