"""After an endpoint was enabled again: what waits for it is due at once, and not at the moment that
was planned when its receiver failed.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.webhooks.delivery import DeliveryKey, resumed
from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.endpoints import change_endpoint
from chalicelib.values import replace

A_PAGE = 100


def bring_forward(endpoint: Endpoint, services: Services, has_time: Callable[[], bool]) -> None:
    """Make due what waits for an endpoint since before it was enabled. What there is no time for is
    left to the next run: the endpoint keeps `resumed_at` until nothing was found. Raises
    EndpointNotFound, Unavailable.
    """
    since = endpoint.resumed_at
    if since is None:
        return
    after, found = services.clock.now(), 0
    while page := services.stores.deliveries.later(endpoint.id, after, A_PAGE):
        if not has_time():
            return
        found += _bring([key for _, key in page], since, services)
        after = page[-1][0]
    if found:  # the index lags: another look tells whether these were all
        return

    def done(stored: Endpoint) -> Endpoint:
        return replace(stored, resumed_at=None) if stored.resumed_at == since else stored

    change_endpoint(endpoint.id, done, services)


def _bring(keys: list[DeliveryKey], since: datetime, services: Services) -> int:
    """How many of the deliveries were made due."""
    now, number = services.clock.now(), 0
    for before in services.stores.deliveries.load(keys):
        after = resumed(before, since, now)
        if after is before:
            continue
        try:
            services.stores.deliveries.save(before, after)
        except ConcurrentUpdate:  # another run makes this attempt
            continue
        number += 1
    return number
