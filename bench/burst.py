"""A hundred thousand events while everything fails at once: that nothing is lost or doubled, and
what it takes, beside the same in fair weather.

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
FAIR = 10
"""The part of them that is lived in fair weather, as a yardstick."""

LOOKS = timedelta(hours=2)


def lived(accounts: int, *kinds: str) -> tuple[Burst, int, int, float]:
    """A storm lived to its end, how often all was looked at, how many of those looks were amid a
    failure, and the CPU seconds without them.
    """
    looks = bad = 0
    looking = 0.0

    def look(storm: Burst) -> None:
        nonlocal looks, bad, looking
        began = process_time()
        assert_right_by_the_clock(storm)
        looks, bad, looking = (
            looks + 1,
            bad + bool(storm.weather(timedelta(0))),
            looking + process_time() - began,
        )

    storm = Burst(accounts, at_every_burst(*kinds))
    began = process_time()
    storm.blow(storm.begin + END, look, LOOKS)
    took = process_time() - began - looking
    assert_all_is_well(storm)
    if set(once_each(storm).values()) != {1} or once_each(storm).keys() != payments_and_ends(storm):
        raise AssertionError("a payment or an end was lost or doubled")
    return storm, looks, bad, took


def main() -> None:
    """Live the storm and the fair weather, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--accounts",
        type=int,
        default=ACCOUNTS,
        help=f"how many histories are lived; about 16 events each (default: {ACCOUNTS})",
    )
    accounts = parser.parse_args().accounts
    print(
        f"{'':6} {'accounts':>9} {'events':>9} {'taken in':>9} {'given back':>10} {'asked':>9}"
        f" {'told':>9} {'looks':>11} {'CPU s':>8} {'ms/event':>9}"
    )
    for name, number, kinds in (
        ("fair", max(8, accounts // FAIR), ()),
        ("storm", accounts, tuple(KINDS)),
    ):
        storm, looks, bad, took = lived(number, *kinds)
        done = storm.effects.total() - storm.effects["retry"]
        print(
            f"{name:6} {number:9,} {storm.events:9,} {done:9,} {storm.effects['given_back']:10,}"
            f" {len(storm.stripe.asked):9,} {len(storm.log.happenings):9,}"
            f" {f'{looks} ({bad} amid)':>11} {took:8.1f} {1000 * took / storm.events:9.3f}",
            flush=True,
        )
    print("nothing lost, nothing doubled, access right by the clock at every look")


if __name__ == "__main__":
    main()
