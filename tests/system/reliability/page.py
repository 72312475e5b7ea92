"""docs/reliability.md: an introduction, what the run found, and the field's bugs
with their tests."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.fakes.services import ROOT
from tests.system.reliability import field_bugs
from tests.system.reliability.fault_proxy import ON_THE_WIRE
from tests.system.reliability.faulty import FAULTS
from tests.system.reliability.run import FOUND, Found

PAGE = ROOT / "docs" / "reliability.md"
INTRODUCTION = Path(__file__).parent / "introduction.md"

_FIELD = """## Bugs of other integrations

Bugs that were found in the code of others, or reported by their users. The docstring of each test
begins with the number.

| no. | bug | test |
| --- | --- | --- |
"""


def section(found: Found) -> str:
    """What was found of one use case."""
    faults = list(dict.fromkeys(fault for cells in found.cells.values() for fault in cells))
    less = "".join(f"\n\n{one.name}: {one.why}." for one in found.less if one.name in _words(found))
    head = f"| outside call | {' | '.join(faults)} |\n| --- |{' --- |' * len(faults)}\n"
    body = "\n".join(
        f"| `{name}` | {' | '.join(cells.get(fault, '–') for fault in faults)} |"
        for name, cells in found.cells.items()
    )
    return f"### {found.use_case}\n\nThe next run: {found.next_run}.{less}\n\n{head}{body}\n"


def cells_of(section: str) -> dict[str, dict[str, str]]:
    """The table of a section: what was found, by outside call and fault."""
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return {call.strip("`"): dict(zip(head[1:], cells, strict=True)) for call, *cells in rows}


def _words(found: Found) -> set[str]:
    return {
        word
        for cells in found.cells.values()
        for said in cells.values()
        for word in said.split(", ")
    }


def page(sections: Mapping[str, str], names: Iterable[str]) -> str:
    """The whole page, with those sections in that order; legends out of the code that the run goes
    by.
    """
    legends = {"{faults}": FAULTS, "{found}": FOUND, "{wire}": ON_THE_WIRE}
    text = INTRODUCTION.read_text()
    for place, legend in legends.items():
        text = text.replace(
            place, "\n".join(f"| {name} | {meaning} |" for name, meaning in legend.items())
        )
    parts = [
        text,
        *(sections[name] for name in names),
        _FIELD + "\n".join(field_bugs.rows(field_bugs.numbered(ROOT / "tests"))) + "\n",
    ]
    return "\n".join(parts)


def sections_of(text: str) -> dict[str, str]:
    """The sections of a page by the name of their use case."""
    found = re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", text, re.MULTILINE)
    return {name: f"### {name}\n{body.rstrip()}\n" for name, body in found}
