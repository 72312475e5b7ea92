"""Webhooks: each event is posted to every endpoint that wants it, signed, in the order in which it
was made, and again until it is taken.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import urllib3

from local.client import signature
from local.stripe_sim.api.object_shapes import Object, as_json
from local.stripe_sim.webhooks.delivery_faults import DeliveryFaults, Shares

RETRY_AFTER = tuple(seconds for seconds in (60, 300, 1800, 7200, 18000, *[36000] * 6))
"""Seconds from one delivery in vain to the next, about three days in all; Stripe does not publish
its own.
"""

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are posted to, and the secret that signs them."""

    url: str
    secret: str


@dataclass
class _Waiting:
    event: Object
    endpoint: Endpoint
    tries: int
    at: int
    is_owed: bool = True


class Delivery:
    """Posts events from a thread of its own. `endpoints` tells which were made by the API that want
    events of a type.
    """

    def __init__(
        self,
        now: Callable[[], int],
        endpoints: Callable[[str], Iterable[Endpoint]] = lambda type: (),
    ) -> None:
        self._now = now
        self._listener: Endpoint | None = None
        self._endpoints = endpoints
        self._queue: queue.Queue[_Waiting | None] = queue.Queue()
        self._later: list[_Waiting] = []
        self._lock = threading.Condition()
        self._pool = urllib3.PoolManager(num_pools=1, retries=False)
        self._busy = 0
        self.faults = DeliveryFaults()
        self._thread = threading.Thread(target=self._work, name="stripe-webhooks", daemon=True)

    def listen(self, url: str, secret: str) -> None:
        """Deliver to this endpoint from now on, whatever the type."""
        self._listener = Endpoint(url, secret)

    def spoil(self, shares: Shares, seed: int | None) -> None:
        """From now on that becomes of such shares of the events."""
        self.faults = DeliveryFaults(shares, seed)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Deliver no more."""
        self._queue.put(None)

    def take(self, event: Object) -> None:
        """Deliver an event as it is now."""
        endpoints = [*([self._listener] if self._listener else []), *self._endpoints(event["type"])]
        if not endpoints:
            return
        planned, now = self.faults.draw(), self._now()
        event["pending_webhooks"] = len(endpoints) if planned.is_owed else 0
        for number, after in enumerate(planned.arrivals):
            for endpoint in endpoints:
                one = _Waiting(
                    event, endpoint, 0, now + after, is_owed=planned.is_owed and not number
                )
                self._enter_at(one) if after else self._enter(one)

    def next_due(self) -> int | None:
        """When the next delivery in vain is tried again."""
        with self._lock:
            return min((one.at for one in self._later), default=None)

    def catch_up(self) -> None:
        """Try again what is to be tried by now."""
        with self._lock:
            due = [one for one in self._later if one.at <= self._now()]
            self._later = [one for one in self._later if one not in due]
        for one in due:
            self._enter(one)

    def at_rest(self) -> bool:
        """Whether nothing is being delivered or about to be."""
        with self._lock:
            return self._busy == 0

    def await_rest(self, seconds: float) -> bool:
        """Return once nothing is being delivered, or after some seconds; whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: self._busy == 0, seconds)

    def _enter_at(self, one: _Waiting) -> None:
        with self._lock:
            self._later.append(one)

    def _enter(self, one: _Waiting) -> None:
        with self._lock:
            self._busy += 1
        self._queue.put(one)

    def _work(self) -> None:
        while (one := self._queue.get()) is not None:
            taken = self._post(one.event, one.endpoint)
            with self._lock:
                self._busy -= 1
                self._lock.notify_all()
                if taken:
                    one.event["pending_webhooks"] -= one.is_owed
                elif one.tries < len(RETRY_AFTER):
                    self._later.append(
                        replace(one, tries=one.tries + 1, at=self._now() + RETRY_AFTER[one.tries])
                    )

    def _post(self, event: Object, endpoint: Endpoint) -> bool:
        payload = as_json(event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, endpoint.secret, self._now()),
        }
        try:
            answer = self._pool.request(
                "POST", endpoint.url, body=payload, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except urllib3.exceptions.HTTPError:
            return False
        return 200 <= answer.status < 300
