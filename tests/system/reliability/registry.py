"""All use cases of the run, those in memory and those over the wire, in the order of the page."""

from collections.abc import Collection, Iterator

from tests.system.reliability import clock, customers, healing, money, outreach, team, updates
from tests.system.reliability.fault_proxy import wired
from tests.system.reliability.over_the_wire import NAMES, examined_over
from tests.system.reliability.run import Found, UseCase, examined

IN_MEMORY: dict[str, UseCase] = {
    one.name: one
    for room in (customers, money, updates, clock, healing, team, outreach)
    for one in room.USE_CASES
}
OVER_THE_WIRE = tuple(NAMES)
ALL = (*IN_MEMORY, *OVER_THE_WIRE)


def found(names: Collection[str]) -> Iterator[tuple[str, Found]]:
    """What is found of each of these. Raises Broken."""
    for name in names:
        if name in IN_MEMORY:
            yield name, examined(IN_MEMORY[name])
    wanted = [name for name in names if name in NAMES]
    if wanted:
        with wired() as wire:
            for name in wanted:
                yield name, examined_over(name, wire)
