"""Run a soak test and print its figures: `python -m bench.soak --customers 2000 --seed 1`, with
`--real` in the local system. The exit status is 1 if anything is wrong.
"""

import argparse
import time
from datetime import timedelta

from bench.soak.in_memory import InMemorySystem
from bench.soak.real import RealSystem
from bench.soak.soak import KILLED, SPOILT, Soak, soak
from bench.soak.system import SystemUnderTest


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description="Many customers' sixty days, with events spoilt and workers killed.",
    )
    parser.add_argument("--customers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same population")
    parser.add_argument("--days", type=float, default=60)
    parser.add_argument(
        "--stride",
        type=int,
        metavar="MINUTES",
        help="how far the clock goes at once, where there is something to do",
    )
    parser.add_argument(
        "--real", action="store_true", help="in the local system, instead of in memory"
    )
    asked = parser.parse_args()
    stride = {"stride": timedelta(minutes=asked.stride)} if asked.stride else {}
    system: SystemUnderTest = (RealSystem if asked.real else InMemorySystem)(
        SPOILT, KILLED, asked.seed, **stride
    )
    print(f"seed {asked.seed}, {system.what}", flush=True)
    wall, cpu = time.monotonic(), time.process_time()
    with system.open():
        played = soak(system, asked.customers, asked.seed, asked.days)
    report(played)
    print(
        f"{time.monotonic() - wall:.0f} seconds, {time.process_time() - cpu:.0f} of them of this"
        " process's processor"
    )
    return 1 if played.wrong else 0


def report(played: Soak) -> None:
    """The figures, a line each, and everything that is wrong."""
    for name, figure in played.figures.items():
        told = (
            ", ".join(f"{key} {value:,}" for key, value in sorted(figure.items()))
            if isinstance(figure, dict)
            else f"{figure:,}"
        )
        print(f"  {name}: {told}")
    print(f"  wrong: {len(played.wrong)}")
    for line in played.wrong[:50]:
        print(f"    {line}")


if __name__ == "__main__":
    raise SystemExit(main())
