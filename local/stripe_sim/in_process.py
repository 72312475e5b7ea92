"""The simulated Stripe without a network and by a clock of its own: its API called as the SDK calls
it, and its events in their order.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.domain.errors import Refused
from chalicelib.stripe_api.transport import Raw, StripeTransport
from local.stripe_sim.api.api import Api, ApiRequest
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.lifecycle.engine import CataloguePrice, Engine


class InProcessStripe(StripeTransport):
    """`advance` its clock, call its API, `hear` its events."""

    def __init__(self, second: int, prices: Iterable[CataloguePrice]) -> None:
        super().__init__(lambda: "sk_test")
        self.second = second
        self.engine = Engine(lambda: self.second, lambda: "https://stripe.example")
        self.engine.register(prices)
        self._api, self._keys, self._heard = Api(self.engine), 0, 0

    def advance(self, to: int) -> None:
        """The clock, with everything that falls due on the way at its own second."""
        self.second = max(self.second, to)
        self.engine.catch_up()

    def hear(self) -> list[Object]:
        """The events since the last time."""
        fresh = self.engine.store.events[self._heard :]
        self._heard += len(fresh)
        return list(fresh)

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Raw | None:
        self._keys += 1
        key = parameters.pop("idempotency_key", None) or (
            f"key-{self._keys}" if method != "get" else None
        )
        status, body = self._api.answer(
            ApiRequest(method.upper(), path, list(_pairs(parameters)), key)
        )
        if status == 404:
            return None
        if status != 200:
            raise Refused(f"The simulated Stripe refuses a call: {body['error']['message']}")
        found: Raw = json.loads(json.dumps(body))
        return found


def _pairs(parameters: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Parameters as the SDK encodes them."""
    for name, value in (
        parameters.items() if isinstance(parameters, dict) else enumerate(parameters)
    ):
        path = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, dict | list):
            yield from _pairs(value, path)
        else:
            yield (
                path,
                str(value).lower()
                if isinstance(value, bool)
                else ""
                if value is None
                else str(value),
            )
