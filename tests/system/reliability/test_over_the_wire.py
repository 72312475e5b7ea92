"""docs/reliability.md says what is found over the wire now."""

from collections.abc import Iterator

import pytest

from tests.system.reliability.fault_proxy import Wire, wired
from tests.system.reliability.over_the_wire import examined_over
from tests.system.reliability.page import PAGE, section, sections_of
from tests.system.reliability.registry import OVER_THE_WIRE


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired() as running:
        yield running


@pytest.mark.parametrize("name", OVER_THE_WIRE)
def test_the_page_tells_what_is_found_over_the_wire_now(wire: Wire, name: str) -> None:
    found = section(examined_over(name, wire))
    assert sections_of(PAGE.read_text())[name] == found, (
        "run `python -m tests.system.reliability`, and look at the difference"
    )
