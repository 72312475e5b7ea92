"""The documents of events that are to be delivered to a channel."""

from collections.abc import Sequence

from chalicelib.domain.changes.event_feed import EventPointer
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.webhooks.delivery import NOT_THERE_YET, Delivery, given_up
from chalicelib.usecases.services import Services

ERASED = "The event was erased."
"""Why the deliveries of an erased account end: nobody has to do anything about it."""


def with_documents(
    deliveries: Sequence[Delivery], services: Services
) -> list[tuple[Delivery, str]]:
    """Each delivery whose event can be read, with its document. One whose event was erased is
    ended; one whose publisher has not put it yet stays due. Raises Unavailable.
    """
    pointers = {one.key: pointer_of(one) for one in deliveries}
    events = services.stores.timeline.events(list(pointers.values())) if pointers else {}
    found = []
    for one in deliveries:
        if event := events.get(pointers[one.key]):
            found.append((one, event.document))
        elif services.clock.now() - one.created_at > NOT_THERE_YET:
            save(one, given_up(one, ERASED, services.clock.now()), services)
    return found


def end(delivery: Delivery, reason: str, services: Services) -> None:
    """Give a delivery up, which somebody should know of. Raises Unavailable."""
    if save(delivery, given_up(delivery, reason, services.clock.now()), services):
        services.metrics.count("DeliveriesGivenUp", 1)


def save(old: Delivery, new: Delivery, services: Services) -> bool:
    """Whether it was written; not if another run was faster. Raises Unavailable."""
    try:
        services.stores.deliveries.save(old, new)
    except ConcurrentUpdate:
        return False
    return True


def pointer_of(delivery: Delivery) -> EventPointer:
    """Where the event of a delivery is kept."""
    return EventPointer(delivery.account_id, delivery.event_at, delivery.key.event_id)
