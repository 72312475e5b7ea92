"""Create, change and delete the endpoints of outgoing webhooks."""

import json
import random
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from chalicelib.domain.errors import ConcurrentUpdate, EndpointNotFound, NotPossible, Unavailable
from chalicelib.domain.outgoing.signature import as_secret
from chalicelib.domain.outgoing.targets import read_target
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import (
    TEST_TYPE,
    Endpoint,
    Endpoints,
    Secret,
    checked_types,
    enabled,
    key_from,
    rotated,
)
from chalicelib.usecases.fan_out import wake
from chalicelib.usecases.messages import Deliver
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

TRIES = 12

T = TypeVar("T")


@frozen
class NewEndpoint:
    """What a caller says of an endpoint. `is_sent` is whether the stage delivers events at all;
    `loopback` is true in the local system alone.
    """

    url: str
    events: Sequence[str]
    description: str | None
    is_sent: bool
    loopback: bool = False


def add_endpoint(
    wanted: NewEndpoint, known_types: Collection[str], hash_key: str, services: Services
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown nowhere else. Events from now on are delivered
    to it. Raises InvalidInput, NotPossible, TooMany, Unavailable.
    """
    if not wanted.is_sent:
        raise NotPossible(
            "This stage delivers no events. Its operator has to deploy it with --set Webhooks=true."
        )
    read_target(wanted.url, wanted.loopback)
    types = checked_types(wanted.events, known_types, "events")
    now = services.clock.now()
    endpoint = Endpoint(
        f"we_{secrets.token_hex(8)}",
        wanted.url,
        now,
        (Secret(secrets.token_hex(32)),),
        types,
        wanted.description,
        hears_from=now,
    )
    _update(lambda all: (all.with_new(endpoint), None), services)
    return endpoint, secret_of(endpoint, hash_key)


def secret_of(endpoint: Endpoint, hash_key: str) -> str:
    """The newest secret of an endpoint."""
    return as_secret(key_from(endpoint.secrets[0].salt, endpoint.id, hash_key))


def remove_endpoint(id: str, services: Services) -> None:
    """Delete an endpoint; what waits for it is not delivered any more. Raises EndpointNotFound,
    Unavailable.
    """
    _update(lambda all: (all.without(_found(all, id).id), None), services)


def rotate_secret(id: str, hash_key: str, services: Services) -> str:
    """A new secret of an endpoint. The one before signs too for 24 hours. Raises EndpointNotFound,
    Unavailable.
    """
    salt = secrets.token_hex(32)
    changed = change_endpoint(
        id, lambda endpoint: rotated(endpoint, salt, services.clock.now()), services
    )
    return secret_of(changed, hash_key)


def enable_endpoint(id: str, services: Services) -> Endpoint:
    """The endpoint, enabled again. What waits for it is delivered at once. Raises EndpointNotFound,
    Unavailable.
    """
    changed = change_endpoint(
        id, lambda endpoint: enabled(endpoint, services.clock.now()), services
    )
    wake_endpoint(id, services)
    return changed


def send_test(id: str, services: Services) -> None:
    """Deliver a test event now: once, also to a disabled endpoint. Raises EndpointNotFound,
    Unavailable.
    """
    endpoint = find_endpoint(id, services)
    now = services.clock.now()
    event_id = f"test_{secrets.token_hex(8)}"
    document = {
        "id": event_id,
        "type": TEST_TYPE,
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "data": {"endpoint_id": endpoint.id, "livemode": bool(services.livemode)},
    }
    body = json.dumps(document, separators=(",", ":"))
    key = DeliveryKey(endpoint.id, now, event_id)
    services.stores.deliveries.add(
        Delivery(key, TEST_TYPE, "", now, now, now, body=body, version=1)
    )
    wake([key], services)


def find_endpoint(id: str, services: Services) -> Endpoint:
    """The endpoint. Raises EndpointNotFound, Unavailable."""
    return _found(services.stores.endpoints.load(), id)


def wake_endpoint(id: str, services: Services) -> None:
    """Have made what is due to an endpoint. Raises Unavailable."""
    sent = services.clock.now().isoformat()
    services.queues.deliveries.send_many([(id, Deliver(id, sent=sent).dump())])


def change_endpoint(
    id: str, change: Callable[[Endpoint], Endpoint], services: Services
) -> Endpoint:
    """The endpoint after `change`, as saved; `change` runs again after a lost race. Raises
    EndpointNotFound, Unavailable.
    """

    def changed(all: Endpoints) -> tuple[Endpoints | None, Endpoint]:
        before = _found(all, id)
        after = change(before)
        return (all.with_changed(after) if after != before else None), after

    return _update(changed, services)


def _update(change: Callable[[Endpoints], tuple[Endpoints | None, T]], services: Services) -> T:
    for number in range(TRIES):
        if number:
            longest = min(0.01 * 2**number, 1)
            wait = random.uniform(0, longest)  # noqa: S311  # nosec B311 # it guards nothing
            services.clock.pause(wait)
        all = services.stores.endpoints.load()
        new, result = change(all)
        if new is None:
            return result
        try:
            services.stores.endpoints.save(all, new)
        except ConcurrentUpdate:
            continue
        return result
    raise Unavailable(f"Other writers of the endpoints were faster {TRIES} times.")


def _found(all: Endpoints, id: str) -> Endpoint:
    endpoint = all.find(id)
    if endpoint is None:
        raise EndpointNotFound("There is no webhook endpoint with this id.")
    return endpoint
