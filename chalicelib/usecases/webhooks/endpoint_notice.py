"""Have the team told that an endpoint was disabled."""

from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.messages import SendEndpointNotice
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.endpoints import change_endpoint
from chalicelib.values import replace


def tell_operators(endpoint: Endpoint, services: Services) -> None:
    """Queue the notice of a disabled endpoint, then note that it is queued: after a crash between
    the two the sweep queues it again, and it is sent once. Raises EndpointNotFound, Unavailable.
    """
    if not endpoint.notice_due or endpoint.disabled_at is None:
        return
    disabled_at = endpoint.disabled_at
    if services.policy.team and services.policy.mail:
        services.queues.mail.send(SendEndpointNotice(endpoint.id, disabled_at.isoformat()).dump())

    def told(stored: Endpoint) -> Endpoint:
        same = stored.disabled_at == disabled_at
        return replace(stored, notice_due=False) if same else stored

    change_endpoint(endpoint.id, told, services)
