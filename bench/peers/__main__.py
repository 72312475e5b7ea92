"""Plays the same recorded events through Billhook, dj-stripe and Stripe's sync engine, and prints
CPU, calls and what ended wrong beside each other. Asserts nothing.

Each side is a process of its own on one core; Stripe, AWS and the driver are others. Needs Linux, a
PostgreSQL server, node and npm; the peers are installed on demand below out/peers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.peers import environments, histories, peer_sides, postgres, processes
from bench.peers.billhook_side import BATCHES
from bench.peers.peer_sides import Peer
from bench.peers.postgres import Postgres
from bench.peers.server import ROOT, ask, running

ORDERS = {"in order": False, "late and shuffled": True}


@dataclass(frozen=True, slots=True)
class Result:
    """One play of one side. `ms` is the CPU of an event, as measured; `yardstick` what the fixed
    piece of work took around it. `calls` go to the store: AWS's, or SQL statements.
    """

    ms: float
    yardstick: float
    calls: float
    asks: float
    wrong: int
    histories: int
    refused: int = 0

    @property
    def normalised(self) -> float:
        """Milliseconds on a machine of the yardstick's speed."""
        return self.ms * processes.YARDSTICK_MS / self.yardstick


Side = Callable[[bool], Result]
"""Plays all events, late and shuffled or not."""


def billhook(way: str, copies: int, stripe: str, aws: str) -> Side:
    """Billhook, its batches made in one `way`."""

    def play(late: bool) -> Result:
        ask(f"{stripe}/_reset", {})
        ask(f"{aws}/_reset", {})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.json"
            command = [sys.executable, "-m", "bench.peers.billhook_side", "--stripe", stripe]
            command += ["--aws", aws, "--way", way, "--copies", str(copies), "--result", str(path)]
            before = processes.yardstick()
            process = subprocess.Popen(
                command + ["--late"] * late, cwd=ROOT, stdout=subprocess.DEVNULL
            )
            processes.pin(process.pid, 1)
            if process.wait():
                raise RuntimeError("Billhook's side failed.")
            told = json.loads(path.read_text())
        events = told["events"]
        return Result(
            ms=sum(told["ms"].values()) / events,
            yardstick=(before + processes.yardstick()) / 2,
            calls=sum(ask(f"{aws}/_calls").values()) / events,
            asks=ask(f"{stripe}/_calls")["calls"] / events,
            wrong=len(told["wrong"]),
            histories=told["histories"],
        )

    return play


def peer(
    make: Callable[[], AbstractContextManager[Peer]],
    copies: int,
    stripe: str,
    database: Postgres,
) -> Side:
    """A peer; it starts anew for each play."""

    def play(late: bool) -> Result:
        ask(f"{stripe}/_reset", {})
        ordered = histories.out_of_order if late else histories.in_order
        with make() as side:
            processes.pin(side.pid, 1)
            warm = histories.customers(1, "warm", int(time.time()))
            counted = histories.customers(copies, "n", histories.end_of(warm))
            side.play(ordered(warm), stripe)
            database.forget_statements()
            ask(f"{stripe}/_count", {})
            before = processes.yardstick()
            ms, answered = side.play(ordered(counted), stripe)
            yardstick = (before + processes.yardstick()) / 2
            found = {id: status for id, status in database.query(side.database, side.statuses)}
            events = answered.total()
            result = Result(
                ms=ms / events,
                yardstick=yardstick,
                calls=database.statements(side.database) / events,
                asks=ask(f"{stripe}/_calls")["calls"] / events,
                wrong=len(histories.wrong(counted, found)),
                histories=len(counted),
                refused=events - answered[200],
            )
        database.drop(side.database)
        return result

    return play


def print_table(results: dict[str, dict[str, list[Result]]]) -> None:
    """A line for each side: medians over the rounds."""
    print(
        f"\n{'':42} {'CPU ms an event':>24}   {'calls of the store,':>20}"
        f" {'wrong at the end':>22}\n"
        f"{'':42} {'normalised':>12} {'measured':>11}   {'of Stripe, an event':>20}"
        f" {'in order':>10} {'shuffled':>11}"
    )
    for name, orders in results.items():
        rounds, shuffled = orders["in order"], orders["late and shuffled"]
        first = rounds[0]
        print(
            f"{name:42} {median(one.normalised for one in rounds):12.2f}"
            f" {median(one.ms for one in rounds):11.2f}"
            f"   {first.calls:13.2f} {first.asks:6.2f}"
            f" {first.wrong:4} of {first.histories} {shuffled[0].wrong:5} of {first.histories}"
            + (f"  ({first.refused} events answered with an error)" if first.refused else "")
        )


def main() -> None:
    """Play all sides in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=3, help="customers of each history")
    parser.add_argument("--rounds", type=int, default=3, help="plays of each side in order")
    asked = parser.parse_args()
    processes.pin(os.getpid(), 0)
    try:
        play_all(asked.copies, asked.rounds)
    except (postgres.NoPostgres, environments.NoNode) as missing:
        sys.exit(str(missing))


def play_all(copies: int, rounds: int) -> None:
    """Every side in every round, one after the other. Raises NoPostgres, NoNode."""
    environments.django()
    environments.node_modules()
    results: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    with (
        postgres.running() as database,
        running("bench.peers.stripe_stub") as stripe,
        running("bench.peers.aws_stub") as aws,
    ):
        versions = environments.VERSIONS
        sides: dict[str, Side] = {
            f"dj-stripe {versions['dj-stripe']}": peer(
                lambda: peer_sides.djstripe(database, stripe), copies, stripe, database
            ),
            f"sync engine {versions['sync-engine']}": peer(
                lambda: peer_sides.sync_engine(database, stripe, False), copies, stripe, database
            ),
            "the same, revalidating": peer(
                lambda: peer_sides.sync_engine(database, stripe, True), copies, stripe, database
            ),
        } | {f"Billhook, {way}": billhook(way, copies, stripe, aws) for way in BATCHES}
        for number in range(rounds):
            for name, play in sides.items():
                for order, late in ORDERS.items():
                    if number == 0 or not late:
                        result = play(late)
                        results[name][order].append(result)
                        print(f"{name}, {order}: {result.normalised:.2f} ms", flush=True)
    print_table(results)
    print(
        "\nNormalised: to a machine on which a fixed piece of work takes"
        f" {processes.YARDSTICK_MS} ms. PostgreSQL's own CPU is not counted, nor is AWS's."
    )


if __name__ == "__main__":
    main()
