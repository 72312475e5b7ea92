"""Keep which conditions need a person, and find out what has to be reported to the operator now."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.schedule.watch import open_conditions
from chalicelib.domain.schedule.watch.open_conditions import OpenCondition, OpenConditions
from chalicelib.domain.schedule.watch.readings import found_in
from chalicelib.usecases.ports.jobs import StageReader
from chalicelib.usecases.services import Services
from chalicelib.values import replace

ATTEMPTS = 8
"""How often a change is tried, since several functions may notice something at once."""

Change = Callable[[OpenConditions], OpenConditions]


def notice(found: Mapping[str, str], services: Services) -> None:
    """Keep the conditions that were found, name → details. Raises Unavailable."""
    now = services.clock.now()
    _change(lambda known: open_conditions.noticed(known, found, now), services)


def look_at_stage(reader: StageReader, services: Services) -> Mapping[str, str]:
    """Read how the stage does, and keep which conditions hold. Returns them with their details.
    Raises Unavailable.
    """
    now = services.clock.now()
    found = found_in(reader.read(now))
    _change(lambda known: open_conditions.looked(known, found, now), services)
    return found


def conditions_to_tell(
    oldest: timedelta, services: Services, deliveries: timedelta = timedelta(0)
) -> tuple[OpenCondition, ...]:
    """What the operator has to be told of now, by a sweep that found work due for `oldest`, and
    events to be delivered for `deliveries`. Call `mark_told` once it was told: what is told twice
    does less harm than what is not told. Raises Unavailable.
    """
    now = services.clock.now()
    known = _change(lambda known: open_conditions.swept(known, oldest, now, deliveries), services)
    return open_conditions.to_tell(known, now)


def mark_told(conditions: Collection[OpenCondition], services: Services) -> None:
    """Note that these were reported to the operator. Raises Unavailable."""
    now, names = services.clock.now(), {one.name for one in conditions}
    _change(lambda known: open_conditions.told(known, names, now), services)


def _change(change: Change, services: Services) -> OpenConditions:
    for _ in range(ATTEMPTS):
        old = services.stores.job_states.load(OpenConditions) or OpenConditions()
        new = change(old)
        if new == old:
            return old
        new = replace(new, version=old.version + 1)
        try:
            services.stores.job_states.save(old, new)
        except ConcurrentUpdate:
            continue
        return new
    raise Unavailable("The open conditions cannot be written now.")
