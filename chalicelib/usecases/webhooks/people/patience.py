"""Wait for a people system that is limited or down for a moment, in a command that runs through
many accounts.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from chalicelib.domain.people.state import LIMITED, reset_at
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.people.system import SystemDown, WorkspaceRefused
from chalicelib.usecases.webhooks.people.write import People

TRIES = 6
"""How often something is tried while the system is limited or down."""

T = TypeVar("T")


def patiently(work: Callable[[], T], services: Services, people: People) -> T:
    """What the work gives. Raises SystemDown if the system stays down, or refuses the token or all
    contacts.
    """
    for number in range(1, TRIES + 1):
        try:
            return work()
        except SystemDown as failure:
            is_final = isinstance(failure, WorkspaceRefused) or failure.answer.code in (401, 403)
            if number == TRIES or is_final:
                raise
            now = services.clock.now()
            wait = (reset_at(failure.answer, now) or now + number * LIMITED) - now
            people.pause(max(wait, timedelta(seconds=1)).total_seconds())
    raise AssertionError("the last try raises")
