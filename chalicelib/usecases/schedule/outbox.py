"""Carry out an account's outbox: each happening goes to the timeline, and to the team if it wants
to know, and then leaves the outbox.
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
    """The happenings that were carried out. Each is carried out once for its id, however often
    this is called and wherever it ends. Raises Unavailable.
    """
    carried: dict[str, DomainEvent] = {}

    def empty(account: Account) -> Account | None:
        if not account.outbox:
            return None
        fresh = [domain_event for domain_event in account.outbox if domain_event.id not in carried]
        services.stores.timeline.put(
            Entry(account_id, one.at, "happening", one.id, one.type, one.data) for one in fresh
        )
        notify_team(account, fresh, services)
        services.metrics.count("Disputes", sum(one.type == "payment.disputed" for one in fresh))
        services.metrics.count("AccountsStale", sum(went_stale(one) for one in fresh))
        carried.update({domain_event.id: domain_event for domain_event in fresh})
        return outbox_cleared(account, services.policy, services.clock.now())

    update(account_id, empty, services)
    return tuple(carried.values())
