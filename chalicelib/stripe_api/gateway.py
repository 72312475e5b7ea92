"""What Billhook asks Stripe, and how the answers become facts."""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.errors import Unreadable
from chalicelib.domain.facts import (
    Answer,
    Answered,
    Ask,
    Card,
    CardSeen,
    CustomerSeen,
    InvoiceSeen,
    SubscriptionSeen,
)
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.calling import Raw, StripeCaller

if TYPE_CHECKING:
    from chalicelib.domain.account import Account


class Gateway(Protocol):
    """What Billhook asks of Stripe. Objects come as plain dicts, customers and subscriptions with
    their default card. Raises Unavailable where Stripe gives no answer now, Refused where it will
    not.
    """

    def customer(self, id: str) -> Raw | None:
        """The customer, deleted or not; None if Stripe knows of none."""

    def subscription(self, id: str) -> Raw | None:
        """The subscription; None if Stripe knows of none."""

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """All subscriptions of a customer, of whatever status."""

    def invoices_of(self, customer: str) -> list[Raw]:
        """The newest hundred invoices of a customer."""

    def charge(self, id: str) -> Raw | None:
        """A charge; None if Stripe knows of none."""


class StripeGateway:
    """Stripe's API by its SDK."""

    def __init__(self, caller: StripeCaller) -> None:
        self._caller = caller

    def customer(self, id: str) -> Raw | None:
        """See Gateway."""
        return self._caller.get(
            f"/v1/customers/{id}", expand=["invoice_settings.default_payment_method"]
        )

    def subscription(self, id: str) -> Raw | None:
        """See Gateway."""
        return self._caller.get(f"/v1/subscriptions/{id}", expand=["default_payment_method"])

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """See Gateway."""
        return self._caller.all(
            "/v1/subscriptions",
            customer=customer,
            status="all",
            expand=["data.default_payment_method"],
        )

    def invoices_of(self, customer: str) -> list[Raw]:
        """See Gateway."""
        page = self._caller.get("/v1/invoices", customer=customer, limit=100)
        return page["data"] if page else []

    def charge(self, id: str) -> Raw | None:
        """See Gateway."""
        return self._caller.get(f"/v1/charges/{id}")


def answer(gateway: Gateway, ask: Ask, account: "Account", now: datetime) -> tuple[Answered, int]:
    """Stripe's answer, each object fenced by what `account` knows of it as the request begins, and
    how many objects could not be read.

    One that cannot be read does not keep the others from being learnt. Raises Unavailable, Refused.
    """
    began = now.replace(microsecond=0)
    found = _asked(gateway, ask)
    facts = [_fact(ask.what, raw, account, began) for raw in found]
    cards = [CardSeen(card, began) for raw in found for card in _cards(raw)]
    return Answered(ask, (*(fact for fact in facts if fact), *cards)), facts.count(None)


def _asked(gateway: Gateway, ask: Ask) -> list[Raw]:
    match ask.what:
        case "customer":
            found = gateway.customer(ask.id)
        case "subscription":
            found = gateway.subscription(ask.id)
        case "subscriptions":
            return gateway.subscriptions_of(ask.id)
        case _:
            return gateway.invoices_of(ask.id)
    return [found] if found else []


def _cards(raw: Raw) -> list[Card]:
    try:
        return objects.cards_in(raw)
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return []


def _fact(
    what: str, raw: Raw, account: "Account", began: datetime
) -> CustomerSeen | InvoiceSeen | SubscriptionSeen | None:
    try:
        if what == "customer":
            return CustomerSeen(objects.customer(raw), Answer(began, account.mark(raw["id"])))
        if what == "invoices":
            return InvoiceSeen(objects.invoice(raw), began)
        return SubscriptionSeen(objects.subscription(raw), Answer(began, account.mark(raw["id"])))
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
