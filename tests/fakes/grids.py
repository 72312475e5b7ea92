"""How much of the large grids a run plays, and how many examples of Hypothesis's: GRID says it.

- unset: one case of each kind, as `make test` does;
- `quick`: the same with fewer examples, as `make test-unit` does;
- `k/n`, with k from 0: one case of each kind, and the k-th of n equal parts of all cases. `.ci/run`
  takes k from the commit, so that all parts come in turn;
- `full`: everything, as `make test-all` does every night.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import product
from typing import Any

from hypothesis import settings

GRID = os.environ.get("GRID", "")
SHARES = {"quick": 5, "full": 1}
SHARE = 2
"""Of so many examples one is played, by the value of GRID, and for all others."""


def examples(most: int, **more: Any) -> settings:
    """Hypothesis plays `most` examples in the full run, a share of them in the others."""
    return settings(max_examples=max(10, most // SHARES.get(GRID, SHARE)), **more)


def grid(*dimensions: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Cases of all combinations: in a small run each value of each dimension at least once, two
    short dimensions not in step with each other.
    """
    values: list[Sequence[Any]] = [list(dimension) for dimension in dimensions]
    every = list(product(*(range(len(one)) for one in values)))
    longest = max(len(one) for one in values)
    kinds = {
        tuple((n + place * (n // len(one))) % len(one) for place, one in enumerate(values))
        for n in range(longest)
    }
    return [
        tuple(one[n] for one, n in zip(values, places, strict=True))
        for places in every
        if places in kinds or in_part(str(places))
    ]


def few(values: Iterable[Any], number: int) -> list[Any]:
    """Values of one kind: in a small run so many of them, the first and the last among them."""
    every = list(values)
    last = len(every) - 1
    spread = {round(n * last / (number - 1)) for n in range(number)}
    return [one for n, one in enumerate(every) if n in spread or in_part(str(one))]


def in_part(case: str) -> bool:
    """Whether the case of that name is played though it is not the one of its kind."""
    return _in_part(GRID)(case)


def _in_part(chosen: str) -> Callable[[str], bool]:
    if chosen in ("", *SHARES):
        return lambda case: chosen == "full"
    part, parts = (int(number) for number in chosen.split("/"))
    if not 0 <= part < parts:
        raise ValueError(f"GRID={chosen}: the part must be from 0 to {parts - 1}")
    return lambda case: int(sha256(case.encode()).hexdigest(), 16) % parts == part
