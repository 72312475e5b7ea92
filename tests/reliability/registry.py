"""All use cases of the run, those in memory and those over the wire, in the order of the page."""

from tests.reliability import clockwork, customers, healing, news, operators
from tests.reliability.run import UseCase

IN_MEMORY: dict[str, UseCase] = {
    one.name: one for room in (customers, news, clockwork, healing, operators) for one in room.USE_CASES
}
