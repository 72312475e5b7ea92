"""What all classes that change something at Stripe share: a call that must answer with an object,
and prices by lookup key.
"""

from typing import Any

from chalicelib.domain.errors import InvalidInput, StripeRefused
from chalicelib.stripe_api.fields import identity, mapping, words
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.values import frozen

OURS = {"made_by": "billhook"}
"""The metadata of what Billhook creates at Stripe. The owner may create more objects there, which
Billhook leaves alone.
"""


@frozen
class Price:
    """A price. `currency` is its own, `others` are those of its `currency_options`. A `metered` one
    takes no quantity.
    """

    id: str
    currency: str | None = None
    others: frozenset[str] = frozenset()
    metered: bool = False

    def line(self, quantity: int) -> dict[str, Any]:
        """The parameters of an item or a line with this price."""
        return {"price": self.id} if self.metered else {"price": self.id, "quantity": quantity}

    def options_in(self, currency: str | None) -> dict[str, str]:
        """The parameter that makes Stripe bill this price in a currency other than its own."""
        other = currency and self.currency and currency != self.currency
        return {"currency": currency} if currency and other else {}


class StripeWriter:
    """Base of the classes that create or change objects. Not used by itself."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    def _write(self, path: str, key: str | None, **parameters: Any) -> Raw:
        """Post a change and give Stripe's answer. Raises what StripeTransport.post raises."""
        answer = self._transport.post(path, key, **parameters)
        if answer is None:
            raise StripeRefused("Stripe does not know the object that a call is about.")
        return answer

    def _price(self, lookup_key: str, currency: str | None = None) -> Price:
        """The active price with this lookup key now: not remembered, since who raises a price
        expects the next customer to pay it. Raises StripeRefused if there is none, and InvalidInput
        if it cannot be billed in `currency`.
        """
        page = self._transport.get(
            "/v1/prices",
            lookup_keys=[lookup_key],
            active=True,
            expand=["data.currency_options"],
        )
        found = data_of(page)
        if not found:
            raise StripeRefused(
                f"Stripe has no active price with the lookup key {lookup_key}: make one, or"
                " mend billing.toml."
            )
        price = _price_in(found[0])
        if currency and price.currency and currency not in {price.currency, *price.others}:
            raise InvalidInput(
                f"This plan is not sold in {currency}, the currency of this customer. Add it to the"
                f" currency options of the price {lookup_key} at Stripe, or to the plan's"
                " currencies in billing.toml.",
                "plan",
            )
        return price


def _price_in(raw: Raw) -> Price:
    recurring = mapping(raw.get("recurring"))
    return Price(
        identity(raw),
        words(raw, "currency"),
        frozenset(mapping(raw.get("currency_options"))),
        metered=recurring.get("usage_type") == "metered",
    )


def is_ours(raw: Raw) -> bool:
    """Whether Billhook created the object."""
    return OURS.items() <= (raw.get("metadata") or {}).items()


def data_of(page: Raw | None) -> list[Raw]:
    """The objects on a page of a list."""
    return list(page["data"]) if page else []
