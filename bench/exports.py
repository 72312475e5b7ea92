"""What the nightly export of many accounts takes: CPU, memory beyond what the process had before,
and how the files are cut. The accounts come page by page, as from the table, and are made when
their page is read.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.customers import invented_customers
from chalicelib.aws.items import account_item, account_of
from chalicelib.domain.account.state import Account
from chalicelib.usecases.figures.exports.nightly import export_night
from chalicelib.values import replace
from tests.fakes.memory.jobs import MemoryReconciliation
from tests.fakes.services import SHIPPED, FakeServices, Moment

KINDS = 500
"""So many different accounts are made; the others are like them, with ids of their own."""

BETWEEN_RUNS = timedelta(minutes=10)
"""A run begins so long after the one before."""


@dataclass
class Files:
    """Counts what is written, and keeps nothing."""

    sizes: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def put(self, key: str, content: bytes) -> None:
        self.sizes[key.partition("/")[0]] += len(content)
        self.number += 1

    def clear(self, folder: str) -> None:
        pass


class ManyAccounts(MemoryReconciliation):
    """So many accounts, read from their items, a page at a time."""

    def __init__(self, number: int, a_page: int, place: FakeServices) -> None:
        super().__init__(place.accounts)
        self._items = [
            account_item(one) for one in invented_customers(KINDS, place.policy, place.now.at)
        ]
        self._number, self._a_page = number, a_page
        self.seconds = 0.0
        """CPU of the reading of items, which is a part of the export's."""

    def accounts(self, cursor: str | None) -> tuple[list[Account], str | None]:
        begun, first = time.process_time(), int(cursor or 0)
        last = min(first + self._a_page, self._number)
        page = list(self._page(first, last))
        self.seconds += time.process_time() - begun
        return page, str(last) if last < self._number else None

    def _page(self, first: int, last: int) -> Iterator[Account]:
        for place in range(first, last):
            account = account_of(self._items[place % KINDS])
            yield replace(account, id=f"acc_{place}")


class RunningClock(Moment):
    """A clock that goes on with the CPU of this process, so many times as slow as on Lambda."""

    slower = 1.0

    def __call__(self) -> Any:
        return self.at + timedelta(seconds=time.process_time() * self.slower)


def main() -> None:
    """Print what the night took."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--page", type=int, default=600, help="accounts on a page of the table")
    parser.add_argument("--slower", type=float, default=3.4, help="than this core: 0.29 of one")
    asked = parser.parse_args()
    place = FakeServices(policy=SHIPPED)
    place.now = RunningClock(place.now.at)
    place.now.slower = asked.slower
    place.reconciliation = ManyAccounts(asked.accounts, asked.page, place)
    files, runs, begun = Files(), 0, time.process_time()
    before = _memory("VmRSS", reset=True)
    state = None
    while state is None or state.ended_at is None:
        state, runs = export_night(place.services, files), runs + 1
        assert state, "Nobody else works on the night."
        place.now.at += BETWEEN_RUNS
    took = time.process_time() - begun
    print(f"{asked.accounts:,} accounts: {dict(state.rows)} in {files.number} files")
    print(f"bytes: { {name: f'{size:,}' for name, size in files.sizes.items()} }")
    print(f"{took:.0f} s of CPU, {place.reconciliation.seconds:.0f} of them to read accounts")
    print(f"{runs} runs of a function {asked.slower} times as slow")
    print(f"memory: {_memory('VmHWM') - before:.0f} MB at most beyond the {before:.0f} before")


def _memory(name: str, reset: bool = False) -> float:
    """Megabytes that this process has (VmRSS), or had at most (VmHWM), on Linux."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
