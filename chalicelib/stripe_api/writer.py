"""What all classes that change something at Stripe share: a call that must answer with an object,
and prices by lookup key.
"""

from typing import Any

from chalicelib.domain.errors import Refused
from chalicelib.stripe_api.transport import Raw, StripeTransport

OURS = {"made_by": "billhook"}
"""The metadata of what Billhook creates at Stripe. The owner may create more objects there, which
Billhook leaves alone.
"""


class StripeWriter:
    """Base of the classes that create or change objects. Not used by itself."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport
        self._prices: dict[str, str] = {}

    def _write(self, path: str, key: str | None, **parameters: Any) -> Raw:
        """Post a change and give Stripe's answer. Raises what StripeTransport.post raises, and
        Refused where Stripe does not know the object.
        """
        try:
            answer = self._transport.post(path, key, **parameters)
        except Refused:
            self._prices.clear()  # a remembered price may be archived by now
            raise
        if answer is None:
            raise Refused("Stripe does not know the object that a call is about, or its parts.")
        return answer

    def _price(self, lookup_key: str) -> str:
        """The id of the active price with this lookup key, remembered as long as this function
        lives: a lookup key moves rarely. Raises Refused if there is none.
        """
        if lookup_key not in self._prices:
            page = self._transport.get("/v1/prices", lookup_keys=[lookup_key], active=True)
            found = data_of(page)
            if not found:
                raise Refused(
                    f"Stripe has no active price with the lookup key {lookup_key}: make one, or"
                    " mend billing.toml."
                )
            self._prices[lookup_key] = str(found[0]["id"])
        return self._prices[lookup_key]


def is_ours(raw: Raw) -> bool:
    """Whether Billhook created the object."""
    return OURS.items() <= (raw.get("metadata") or {}).items()


def data_of(page: Raw | None) -> list[Raw]:
    """The objects on a page of a list."""
    return list(page["data"]) if page else []
