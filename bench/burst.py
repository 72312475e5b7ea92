"""A hundred thousand events while everything fails at once: that nothing is lost or doubled, and
what it takes, beside the same without a failure.

All in memory: what is measured is Billhook's own work, and how much of it an hour of failures
repeats.
"""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.burst import KINDS, Burst, at_every_burst
from tests.unit.usecases.test_bursts import (
    END,
    assert_all_is_well,
    assert_right_by_the_clock,
    once_each,
    payments_and_ends,
)

ACCOUNTS = 6_200
YARDSTICK = 10
"""One in so many of them is played without a failure, to compare with."""

LOOKS = timedelta(hours=2)


def played(accounts: int, *kinds: str) -> tuple[Burst, int, int, float]:
    """A burst played to its end, how often all was looked at, how many of those looks were amid a
    failure, and the CPU seconds without them.
    """
    looks = bad = 0
    looking = 0.0

    def look(burst: Burst) -> None:
        nonlocal looks, bad, looking
        began = process_time()
        assert_right_by_the_clock(burst)
        looks, bad, looking = (
            looks + 1,
            bad + bool(burst.failing(timedelta(0))),
            looking + process_time() - began,
        )

    burst = Burst(accounts, at_every_burst(*kinds))
    began = process_time()
    burst.run(burst.begin + END, look, LOOKS)
    took = process_time() - began - looking
    assert_all_is_well(burst)
    if set(once_each(burst).values()) != {1} or once_each(burst).keys() != payments_and_ends(burst):
        raise AssertionError("a payment or an end was lost or doubled")
    return burst, looks, bad, took


def main() -> None:
    """Play the histories without and with failures, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--accounts",
        type=int,
        default=ACCOUNTS,
        help=f"how many histories are played; about 16 events each (default: {ACCOUNTS})",
    )
    accounts = parser.parse_args().accounts
    print(
        f"{'':6} {'accounts':>9} {'events':>9} {'done':>9} {'returned':>10} {'fetched':>9}"
        f" {'told':>9} {'looks':>11} {'CPU s':>8} {'ms/event':>9}"
    )
    for name, number, kinds in (
        ("calm", max(8, accounts // YARDSTICK), ()),
        ("burst", accounts, tuple(KINDS)),
    ):
        burst, looks, bad, took = played(number, *kinds)
        done = burst.effects.total() - burst.effects["retry"]
        print(
            f"{name:6} {number:9,} {burst.events:9,} {done:9,} {burst.effects['retry']:10,}"
            f" {len(burst.stripe.asked):9,} {len(burst.log.happenings):9,}"
            f" {f'{looks} ({bad} amid)':>11} {took:8.1f} {1000 * took / burst.events:9.3f}",
            flush=True,
        )
    print("nothing lost, nothing doubled, access right by the clock at every look")


if __name__ == "__main__":
    main()
