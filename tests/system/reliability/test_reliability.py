"""docs/reliability.md says what the run finds now, and a bug of the field without a test is not
passed over.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.faults import OutsideCalls
from tests.fakes.memory.queues import MemoryQueue
from tests.system.reliability import field_bugs
from tests.system.reliability.chosen import chosen_cells
from tests.system.reliability.page import PAGE, cells_of, page, section, sections_of
from tests.system.reliability.registry import ALL, IN_MEMORY
from tests.system.reliability.run import Broken, Found, UseCase, examined

TEXT = PAGE.read_text()
CHOSEN = chosen_cells(TEXT, IN_MEMORY)
WRITE = "run `python -m tests.system.reliability`, and look at the difference"


@pytest.mark.parametrize("name", IN_MEMORY)
def test_the_page_tells_what_is_found_now(name: str) -> None:
    chosen, written = CHOSEN[name], cells_of(sections_of(TEXT)[name])
    found = examined(IN_MEMORY[name], lambda call, fault: (call, fault) in chosen).cells
    assert list(found) == list(written), WRITE
    for call, fault in chosen:
        assert found[call][fault] == written[call][fault], (call, fault, WRITE)


def test_what_the_page_tells_beside_its_tables_is_what_the_use_cases_say() -> None:
    sections = sections_of(TEXT)
    for name, use_case in IN_MEMORY.items():
        written = Found(name, use_case.next_run, cells_of(sections[name]), use_case.less)
        assert sections[name] == section(written), WRITE


def test_the_page_is_what_the_run_writes_and_nothing_else() -> None:
    assert page(sections_of(TEXT), ALL) == TEXT, WRITE
    assert list(sections_of(TEXT)) == list(ALL)


def sending(keeps: bool) -> UseCase:
    """A use case that puts a message into a queue, and one that believes what it was told: that it
    could not.
    """

    def run(queue: MemoryQueue, calls: OutsideCalls) -> None:
        calls.call("queue.send", queue.send, "a message")

    def again(queue: MemoryQueue, calls: OutsideCalls) -> None:
        if keeps and not queue.messages:
            run(queue, calls)

    return UseCase("send", "again", MemoryQueue, run, again, lambda queue: bool(queue.messages))


def test_work_that_is_lost_is_not_written_down_but_stops_the_run() -> None:
    assert examined(sending(keeps=True)).cells["queue.send"]["ends before"] == "waits"
    assert examined(sending(keeps=True)).cells["queue.send"]["ends after"] == "same"
    with pytest.raises(Broken, match="not made at queue"):
        examined(sending(keeps=False))


def test_a_failure_that_is_not_told_as_one_stops_the_run() -> None:
    def run(queue: MemoryQueue, calls: OutsideCalls) -> None:
        try:
            calls.call("queue.send", queue.send, "a message")
        except Exception as error:
            raise KeyError from error

    with pytest.raises(Broken, match="not told as what it is, but as KeyError"):
        examined(
            UseCase("send", "again", MemoryQueue, run, run, lambda queue: bool(queue.messages))
        )


@pytest.mark.parametrize(
    ("numbers", "not_yet", "failure"),
    [
        ({}, {}, "has neither a test nor a reason"),
        ({7: ["test_x"]}, {7: "not yet"}, "has a test and a reason to have none"),
        ({44: ["test_x"]}, {}, "There is no bug of the number 44: test_x"),
    ],
)
def test_each_bug_of_the_field_has_a_test_or_a_reason_and_not_both(
    numbers: dict[int, list[str]], not_yet: dict[int, str], failure: str
) -> None:
    with pytest.raises(ValueError, match=failure):
        field_bugs.rows(
            numbers,
            not_yet | dict.fromkeys(field_bugs.BUGS.keys() - numbers.keys() - {7}, "not yet"),
        )


def test_a_test_names_its_bugs_by_the_numbers_that_begin_its_docstring(tmp_path: Path) -> None:
    tests: Any = '''def test_one() -> None:
    """12, 13."""

def test_two() -> None:
    """13: in other words."""

def test_three() -> None:
    """13 of them."""
'''
    (tmp_path / "test_it.py").write_text(tests)
    assert field_bugs.numbered(tmp_path) == {12: ["test_one"], 13: ["test_one", "test_two"]}
