"""Give each of many new instances its turn."""

from datetime import datetime

from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.instances.turns import InstanceTurns, next_turn
from chalicelib.usecases.services import Services

ATTEMPTS = 16
"""How often a turn is taken again if others take theirs at the same time: more than there are runs
that call the provisioner.
"""


def take_turn(a_minute: int, services: Services) -> datetime:
    """When one more instance is asked for: nobody else gets that time. Raises Unavailable."""
    store = services.stores.job_states
    for _ in range(ATTEMPTS):
        old = store.load(InstanceTurns) or InstanceTurns()
        at, new = next_turn(old, a_minute, services.clock.now())
        try:
            store.save(old, new)
        except ConcurrentUpdate:
            continue
        return at
    raise Unavailable("Others take their turns at the same time.")
