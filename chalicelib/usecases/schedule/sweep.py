"""Find what is due and hand it out: reads what is due and nothing else, the oldest first, so much a
run and only while little waits.
"""

from chalicelib.usecases.messages import ProcessAccount
from chalicelib.usecases.services import Services

A_RUN = 1000
"""How many accounts a run hands out at most."""

QUEUE_IS_SHORT = 2000
"""Above so many acts waiting, a run hands out nothing: what is due stays due."""


def sweep(services: Services) -> int:
    """How many accounts were handed out to be acted on. Handing one out twice does no harm: it is
    claimed when it is acted on.
    """
    if services.queues.act.depth() > QUEUE_IS_SHORT:
        services.metrics.count("SweepsHeld", 1)
        return 0
    now = services.clock.now()
    due = services.stores.due_index.due(now, A_RUN)
    services.metrics.measure("DueBacklog", len(due))
    services.metrics.measure("DueOldest", (now - due[0][0]).total_seconds() if due else 0)
    handed_out = [ProcessAccount(id).dump() for _, id in due[:A_RUN]]
    services.queues.act.send_many(handed_out)
    return len(handed_out)
