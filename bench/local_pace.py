"""How long the local system takes to move its clock: 400 days of one customer who pays, then of
fifty, with the CPU of the system and of the emulator.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.cpu import cpu_seconds
from bench.without_neighbours import leave_out_neighbours
from local.aws.sdk_calls import passing_through
from local.client import Client
from local.system import System

DAY = timedelta(days=1)
PROCESSES = multiprocessing.get_context("spawn")


def main() -> None:
    """Print one line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=50, help="how many customers, else 50")
    parser.add_argument("--calls", action="store_true", help="count the calls of AWS by name too")
    asked = parser.parse_args()
    leave_out_neighbours()
    print(f"{'step':<30}{'wall s':>8}{'CPU s':>8}{'emulator':>10}{'calls':>8}", flush=True)
    for customers, moves in ((1, (15 * DAY, 400 * DAY)), (asked.many, (30 * DAY, 370 * DAY))):
        # A process can have one system.
        process = PROCESSES.Process(target=_measure, args=(customers, moves, asked.calls))
        process.start()
        process.join()


def _measure(customers: int, moves: tuple[timedelta, ...], by_name: bool) -> None:
    with System(0) as system:
        client = Client(system.base, system.api_key)
        stripe = Client(system.stripe_base, "sk_test_1")
        who = f"{customers} customer{'s' if customers > 1 else ''}"
        _step(f"{who}: sign up, card", system, by_name, lambda: _join(client, stripe, customers))
        for length in moves:
            name = f"{who}: + {length.days} days"
            _step(name, system, by_name, partial(_move, client, length))


def _join(client: Client, stripe: Client, customers: int) -> None:
    for number in range(customers):
        status, body = client.post("/signups", {"email": f"customer-{number}@example.com"})
        assert status == 201, body
        client.settle()
        status, page = client.post(f"/accounts/{body['account_id']}/checkout", {})
        assert status == 200, page
        session = page["url"].rpartition("/")[2]
        status, answer = stripe.post(f"/_test/checkout/{session}", {"card": "tok_visa"})
        assert status == 200, answer
        client.settle()


def _move(client: Client, length: timedelta) -> None:
    status, body = client.post("/_local/clock", {"advance": f"{length.days}d"})
    assert status == 200, body


def _step(name: str, system: System, by_name: bool, act: Callable[[], None]) -> None:
    calls: Counter[str] = Counter()

    def counted(service: str, operation: str, what: Any, call: Callable[[str, Any], Any]) -> Any:
        calls[operation] += 1
        return call(operation, what)

    emulator = cpu_seconds(system.emulator_pid)
    wall, own = time.monotonic(), time.process_time()
    with passing_through(counted):
        act()
    wall, own = time.monotonic() - wall, time.process_time() - own
    emulator = cpu_seconds(system.emulator_pid) - emulator
    print(f"{name:<30}{wall:>8.1f}{own:>8.1f}{emulator:>10.1f}{calls.total():>8}", flush=True)
    if by_name:
        print("   " + ", ".join(f"{name} {times}" for name, times in calls.most_common()))


if __name__ == "__main__":
    main()
