"""Queue the accounts that are due, the oldest first. It reads only what is due, and queues nothing
while many accounts wait.
"""

from datetime import timedelta

from chalicelib.usecases.messages import ProcessAccount
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

A_RUN = 4000
"""How many accounts one run queues at most: less than the act queue's workers do in a minute."""

A_SHARD = 1000
"""How many due accounts one run reads of each shard of the index. Twice a shard's even share of
`A_RUN`, so that the oldest of all are among them.
"""

QUEUE_IS_SHORT = 2000
"""With more accounts than this in the queue, a run queues nothing: what is due stays due."""


@frozen
class Swept:
    """How many accounts were queued of `due` ones, and for how long the oldest of these was due.
    `due` counts at most `A_SHARD` of each shard.
    """

    queued: int = 0
    due: int = 0
    oldest: timedelta = timedelta(0)


def sweep(services: Services) -> Swept:
    """Queue the due accounts. An account that is queued twice is processed once: its save is the
    claim.
    """
    now = services.clock.now()
    due = services.stores.due_index.due(now, A_SHARD)
    if not due:
        return Swept()
    oldest = now - due[0][0]
    if services.queues.act.depth() > QUEUE_IS_SHORT:
        services.metrics.count("SweepsHeld", 1)
        return Swept(0, len(due), oldest)
    messages = [ProcessAccount(id).dump() for _, id in due[:A_RUN]]
    services.queues.act.send_many(messages)
    return Swept(len(messages), len(due), oldest)
