"""Queue the accounts that are due, the oldest first. It reads only what is due, and queues nothing
while many accounts wait.
"""

from chalicelib.usecases.messages import ProcessAccount
from chalicelib.usecases.services import Services

A_RUN = 1000
"""How many accounts one run queues at most."""

QUEUE_IS_SHORT = 2000
"""With more accounts than this in the queue, a run queues nothing: what is due stays due."""


def sweep(services: Services) -> int:
    """Queue the due accounts; returns how many. An account that is queued twice is processed once:
    its save is the claim.
    """
    if services.queues.act.depth() > QUEUE_IS_SHORT:
        services.metrics.count("SweepsHeld", 1)
        return 0
    now = services.clock.now()
    due = services.stores.due_index.due(now, A_RUN)
    services.metrics.measure("DueBacklog", len(due))
    services.metrics.measure("DueOldest", (now - due[0][0]).total_seconds() if due else 0)
    messages = [ProcessAccount(id).dump() for _, id in due[:A_RUN]]
    services.queues.act.send_many(messages)
    return len(messages)
