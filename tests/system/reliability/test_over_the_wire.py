"""docs/reliability.md says what is found over the wire now."""

from collections.abc import Iterator

import pytest

from tests.system.reliability.chosen import chosen_cells
from tests.system.reliability.fault_proxy import Wire, wired
from tests.system.reliability.over_the_wire import examined_over
from tests.system.reliability.page import PAGE, cells_of, sections_of
from tests.system.reliability.registry import OVER_THE_WIRE
from tests.system.reliability.run import NEVER

TEXT = PAGE.read_text()
CHOSEN = chosen_cells(TEXT, OVER_THE_WIRE)
WRITE = "run `python -m tests.system.reliability`, and look at the difference"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired() as running:
        yield running


@pytest.mark.parametrize("name", OVER_THE_WIRE)
def test_the_page_tells_what_is_found_over_the_wire_now(wire: Wire, name: str) -> None:
    chosen = CHOSEN[name]
    found = examined_over(name, wire, lambda call, fault: (call, fault) in chosen).cells
    written = cells_of(sections_of(TEXT)[name])
    for call, fault in chosen:
        assert found.get(call, {}).get(fault, NEVER) == written[call][fault], (call, fault, WRITE)
