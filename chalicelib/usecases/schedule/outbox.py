"""Publish an account's outbox, for what saved it and does not come back to it: see `publishing`."""

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import outbox_cleared
from chalicelib.usecases.publishing import publish
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import update


def publish_outbox(account_id: str, services: Services) -> tuple[DomainEvent, ...]:
    """The domain events that were published. Each is published once for its id, however often this
    is called and wherever it stops. Raises Unavailable.
    """
    published: dict[str, DomainEvent] = {}

    def published_all(account: Account) -> Account | None:
        if not account.outbox:
            return None
        new = [event for event in account.outbox if event.id not in published]
        publish([(account, new)], services)
        published.update({event.id: event for event in new})
        return outbox_cleared(account, services.policy, services.clock.now())

    update(account_id, published_all, services)
    return tuple(published.values())
