"""Which cells of the page a run finds anew: one of each kind, a part of the others, or all."""

from collections.abc import Iterable

from tests.fakes.grids import in_part
from tests.system.reliability.page import cells_of, sections_of

Cell = tuple[str, str]
"""An outside call and a fault."""


def chosen_cells(page: str, names: Iterable[str]) -> dict[str, set[Cell]]:
    """The cells to look at, by use case.

    Each outside call of each use case meets one fault, in turn; each adapter meets each fault with
    each outcome that the page knows, in the first use case that shows it.
    """
    sections, seen = sections_of(page), set[tuple[str, str, str]]()
    chosen: dict[str, set[Cell]] = {}
    for number, name in enumerate(names):
        chosen[name] = set()
        for row, (call, cells) in enumerate(cells_of(sections[name]).items()):
            for column, (fault, outcome) in enumerate(cells.items()):
                kind = (call.rpartition(".")[0] or call, fault, outcome)
                in_turn = (number + row + column) % len(cells) == 0
                if in_turn or kind not in seen or in_part(f"{name}: {fault} at {call}"):
                    chosen[name].add((call, fault))
                seen.add(kind)
    return chosen
