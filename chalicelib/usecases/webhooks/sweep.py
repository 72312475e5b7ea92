"""Every minute: wake the endpoints to which something is due, and do what a crash left undone."""

from datetime import timedelta

from chalicelib.domain.changes.channels import channels
from chalicelib.domain.errors import EndpointNotFound
from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.endpoint_notice import tell_operators
from chalicelib.usecases.webhooks.endpoints import wake_endpoint
from chalicelib.usecases.webhooks.replay import catch_up
from chalicelib.values import frozen

LISTS_ARE_OLD = timedelta(minutes=2)
"""How long after an endpoint began to hear events every publisher knows it: the seconds for which
they remember the list, and those that one publishing takes.
"""

NOTHING = timedelta(0)


@frozen
class SweptDeliveries:
    """How many endpoints and channels were woken, and for how long the oldest delivery was due."""

    woken: int = 0
    oldest: timedelta = NOTHING


def sweep_deliveries(services: Services) -> SweptDeliveries:
    """Wake each endpoint and channel to which something is due, by one small query each. Without
    endpoints, it reads one item. Raises Unavailable; the next run does the same.
    """
    late = [_wake(channel, services) for channel in channels(services.policy)]
    for endpoint in services.stores.endpoints.load().all:
        try:
            late.append(_sweep(endpoint, services))
        except EndpointNotFound:  # it was deleted meanwhile
            continue
    found = [one for one in late if one is not None]
    return SweptDeliveries(len(found), max(found, default=NOTHING))


def _wake(receiver: str, services: Services) -> timedelta | None:
    """For how long something was due to an endpoint or channel, which was woken; None if nothing
    was.
    """
    now = services.clock.now()
    since = services.stores.deliveries.due_since(receiver, now)
    if since is None:
        return None
    wake_endpoint(receiver, services)
    return now - since


def _sweep(endpoint: Endpoint, services: Services) -> timedelta | None:
    """As `_wake`."""
    now = services.clock.now()
    tell_operators(endpoint, services)
    if not endpoint.is_enabled:
        return None
    if endpoint.hears_from and now - endpoint.hears_from >= LISTS_ARE_OLD:
        catch_up(endpoint, endpoint.hears_from, now, services)
    if endpoint.resumed_at:
        wake_endpoint(endpoint.id, services)
        return NOTHING
    return _wake(endpoint.id, services)
