"""Every minute: wake the endpoints to which something is due, and do what a crash left undone."""

from datetime import timedelta

from chalicelib.domain.changes.channels import channels
from chalicelib.domain.errors import EndpointNotFound
from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.endpoint_notice import tell_operators
from chalicelib.usecases.webhooks.endpoints import wake_endpoint
from chalicelib.usecases.webhooks.replay import catch_up

LISTS_ARE_OLD = timedelta(minutes=2)
"""How long after an endpoint began to hear events every publisher knows it: the seconds for which
they remember the list, and those that one publishing takes.
"""


def sweep_deliveries(services: Services) -> int:
    """Wake each endpoint to which something is due, by one small query each; returns how many.
    Without endpoints, it reads one item. Raises Unavailable; the next run does the same.
    """
    woken = sum(_wake_channel(channel, services) for channel in channels(services.policy))
    for endpoint in services.stores.endpoints.load().all:
        try:
            woken += _sweep(endpoint, services)
        except EndpointNotFound:  # it was deleted meanwhile
            continue
    return woken


def _wake_channel(channel: str, services: Services) -> bool:
    """Whether the channel was woken."""
    if not services.stores.deliveries.due(channel, services.clock.now(), 1):
        return False
    wake_endpoint(channel, services)
    return True


def _sweep(endpoint: Endpoint, services: Services) -> bool:
    """Whether the endpoint was woken."""
    now = services.clock.now()
    tell_operators(endpoint, services)
    if not endpoint.is_enabled:
        return False
    if endpoint.hears_from and now - endpoint.hears_from >= LISTS_ARE_OLD:
        catch_up(endpoint, endpoint.hears_from, now, services)
    if not endpoint.resumed_at and not services.stores.deliveries.due(endpoint.id, now, 1):
        return False
    wake_endpoint(endpoint.id, services)
    return True
