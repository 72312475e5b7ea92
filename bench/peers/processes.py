"""CPU time of processes, as Linux counts it, and a yardstick for this machine's speed."""

import json
import os
from pathlib import Path
from time import process_time

YARDSTICK_MS = 2.6
"""The figures are given for a machine on which the loop takes this long, such as that of the table
in bench/README.md.
"""

_DOCUMENT = json.dumps({f"key {n}": [n, str(n), {"n": n}] for n in range(200)})


def yardstick() -> float:
    """Milliseconds of CPU that a fixed piece of work takes now: JSON read and written."""
    began = process_time()
    for _ in range(12):
        json.dumps(json.loads(_DOCUMENT), sort_keys=True)
    return 1000 * (process_time() - began)


def cpu_ms(pid: int) -> float:
    """The CPU milliseconds of a process, its threads and its living children so far."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e6 + sum(map(cpu_ms, _children(pid)))


def pin(pid: int, core: int) -> None:
    """Keep the process, and what it starts from now on, on one core where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found
