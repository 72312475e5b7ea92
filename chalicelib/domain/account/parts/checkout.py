"""The Checkout session of an account. There is one at a time, so that two open tabs buy once."""

from datetime import datetime, timedelta

from chalicelib.domain.account.operations import KEY_TRUSTED
from chalicelib.values import frozen, replace

OFFERED_FOR = timedelta(hours=23)
"""How long a session is offered again. Stripe keeps it open for 24 hours."""


@frozen
class Order:
    """What a Checkout session is for: `mode` `setup` collects a card, `subscription` sells a plan.
    `currency` None means the owner's own.
    """

    mode: str
    plan: str | None = None
    interval: str | None = None
    quantity: int = 1
    currency: str | None = None


@frozen
class Checkout:
    """The account's Checkout. `number` counts its Checkouts and is part of the idempotency key.

    `session` and `url` are None until Stripe has created the session. `doubtful` means that Stripe
    may have created one that Billhook does not know.
    """

    number: int
    order: Order
    at: datetime
    session: str | None = None
    url: str | None = None
    doubtful: bool = False
    closed: bool = False

    def offers(self, order: Order, now: datetime) -> bool:
        """Whether this Checkout, created at Stripe or not yet, can still be used for `order`."""
        lasts = OFFERED_FOR if self.session else KEY_TRUSTED
        return (
            self.order == order and not self.closed and not self.doubtful and now < self.at + lasts
        )

    def with_session(self, session: str, url: str) -> "Checkout":
        """The Checkout with the session that Stripe has created for it."""
        return replace(self, session=session, url=url)


def next_checkout(last: Checkout | None, order: Order, now: datetime) -> Checkout:
    """A new Checkout after `last`, with an idempotency key that was never used before."""
    return Checkout((last.number if last else 0) + 1, order, now)


def merge_checkout(stored: Checkout | None, reported: Checkout) -> Checkout:
    """The account's Checkout after one writer reported its state of it.

    The higher number wins. Of two reports of the same Checkout, the one with a session wins: the
    failure of one writer does not undo the success of another. Closed stays closed.
    """
    if stored is None or reported.number > stored.number:
        return reported
    if reported.number < stored.number:
        return stored
    best = reported if reported.session else stored
    return replace(
        best,
        closed=stored.closed or reported.closed,
        doubtful=not best.session and (stored.doubtful or reported.doubtful),
    )
