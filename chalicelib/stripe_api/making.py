"""What makes things at Stripe: a call that must be answered with what was made, and prices by their
lookup key.
"""

from typing import Any

from chalicelib.domain.errors import Refused
from chalicelib.stripe_api.calling import Raw, StripeCaller

OURS = {"made_by": "billhook"}
"""The metadata of what Billhook makes at Stripe: the owner may make others, which are none of its
business.
"""


class Maker:
    """Calls that make or change."""

    def __init__(self, caller: StripeCaller) -> None:
        self._caller = caller
        self._prices: dict[str, str] = {}

    def _made(self, path: str, key: str | None, **parameters: Any) -> Raw:
        try:
            made = self._caller.post(path, key, **parameters)
        except Refused:
            self._prices.clear()  # one that was remembered may be archived by now
            raise
        if made is None:
            raise Refused("Stripe does not know the object that a call is about, or its parts.")
        return made

    def _price(self, lookup_key: str) -> str:
        """The id of the price that has the lookup key, remembered while this function lives: Stripe
        moves a lookup key rarely.
        """
        if lookup_key not in self._prices:
            found = data_of(self._caller.get("/v1/prices", lookup_keys=[lookup_key], active=True))
            if not found:
                raise Refused(
                    f"Stripe has no active price with the lookup key {lookup_key}: make one, or"
                    " mend billing.toml."
                )
            self._prices[lookup_key] = str(found[0]["id"])
        return self._prices[lookup_key]


def data_of(page: Raw | None) -> list[Raw]:
    """What is on a page of a list."""
    return list(page["data"]) if page else []
