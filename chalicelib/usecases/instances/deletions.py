"""Keep how many instances were deleted today, and about how many there are."""

from collections.abc import Callable

from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.instances import deletions
from chalicelib.domain.instances.deletions import InstanceDeletions
from chalicelib.usecases.services import Services

ATTEMPTS = 8

Change = Callable[[InstanceDeletions], InstanceDeletions | None]


def take_one(services: Services) -> bool:
    """Whether one more instance may be deleted today; then it is counted. Raises Unavailable."""
    now = services.clock.now()
    return _change(lambda state: deletions.one_more(state, now), services) is not None


def allow(number: int, services: Services) -> InstanceDeletions:
    """Let so many be deleted today. Raises Unavailable."""
    now = services.clock.now()
    changed = _change(lambda state: deletions.allowing(state, number, now), services)
    assert changed is not None
    return changed


def count_change(before: Instance | None, after: Instance | None, services: Services) -> None:
    """Count an instance that was made or deleted. What others change at this moment is left: about
    how many there are is enough. Raises Unavailable.
    """
    change = int(_is_there(after)) - int(_is_there(before))
    if change:
        _change(lambda state: deletions.counting(state, change), services, attempts=3)


def _is_there(instance: Instance | None) -> bool:
    return instance is not None and instance.state in {"ready", "suspended"}


def _change(
    change: Change, services: Services, attempts: int = ATTEMPTS
) -> InstanceDeletions | None:
    for _ in range(attempts):
        old = services.stores.job_states.load(InstanceDeletions) or InstanceDeletions()
        new = change(old)
        if new is None:
            return None
        try:
            services.stores.job_states.save(old, new)
        except ConcurrentUpdate:
            continue
        return new
    if attempts < ATTEMPTS:
        return None
    raise Unavailable("The number of deletions cannot be written now.")
