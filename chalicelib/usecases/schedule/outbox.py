"""Publish an account's outbox: each domain event goes to the timeline, and to the team if the
policy names it, and then leaves the outbox.
"""

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.domain_events import went_stale
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.schedule.versions import outbox_cleared
from chalicelib.usecases.messaging.notify_team import notify_team
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import update


def publish_outbox(account_id: str, services: Services) -> tuple[DomainEvent, ...]:
    """The domain events that were published. Each is published once for its id, however often this
    is called and wherever it stops. Raises Unavailable.
    """
    published: dict[str, DomainEvent] = {}

    def publish(account: Account) -> Account | None:
        if not account.outbox:
            return None
        new = [event for event in account.outbox if event.id not in published]
        services.stores.timeline.put(
            Entry(account_id, event.at, "happening", event.id, event.type, event.data)
            for event in new
        )
        notify_team(account, new, services)
        services.metrics.count("Disputes", sum(event.type == "payment.disputed" for event in new))
        services.metrics.count("AccountsStale", sum(went_stale(event) for event in new))
        published.update({event.id: event for event in new})
        return outbox_cleared(account, services.policy, services.clock.now())

    update(account_id, publish, services)
    return tuple(published.values())
