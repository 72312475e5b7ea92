"""What Billhook asks Stripe to create: a trial and a Checkout session. Pure values."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from chalicelib.domain.account.parts.checkout import Order
from chalicelib.domain.policy.policy import CheckoutPolicy
from chalicelib.values import frozen


@frozen
class NewTrial:
    """A trial to start. `metadata` names and proves the account. `without_card` is Stripe's
    `missing_payment_method`: what happens at the end of a trial that has no card. `currency` None
    is the price's own.
    """

    metadata: Mapping[str, str]
    customer: str
    lookup_key: str
    ends_at: datetime
    without_card: str
    currency: str | None = None


@frozen
class NewCheckout:
    """A Checkout session to create. `metadata` names and proves the account. `lookup_key` names the
    price of a purchase; `currency` is the one in which the customer buys, or that a card is saved
    for; `options` says what else the page collects and calculates.
    """

    account_id: str
    metadata: Mapping[str, str]
    customer: str
    order: Order
    lookup_key: str | None
    currency: str
    success_url: str
    cancel_url: str
    options: CheckoutPolicy = field(default_factory=CheckoutPolicy)


@frozen
class ChangedLine:
    """The line of a subscription that a change is about. With `keeps_price` only its quantity
    changes.
    """

    id: str
    keeps_price: bool = False
