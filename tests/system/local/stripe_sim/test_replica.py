"""The simulated Stripe beside an independent replica of Stripe: the same random script, played on
both, must be answered the same, tell the same events and leave the same behind.

The replica, seahaven-stripe-world from PyPI, needs Python 3.14: without one this is left out.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.grids import GRID
from tests.fakes.services import ROOT
from tests.system.local.stripe_sim.replica.ours import Ours
from tests.system.local.stripe_sim.replica.player import Trace, play
from tests.system.local.stripe_sim.replica.scripts import script

SEEDS = range(200 if GRID == "full" else 20)
THEIRS = Path(__file__).parent / "replica" / "theirs.py"


def python() -> str | None:
    """A Python that has the replica."""
    named, made = os.environ.get("REPLICA_PYTHON"), ROOT / ".replica" / "bin" / "python"
    return named or (str(made) if made.exists() else None)


needs_the_replica = pytest.mark.skipif(
    python() is None,
    reason=(
        "the replica of Stripe needs Python 3.14: `make .replica` installs it where there is one,"
        " or REPLICA_PYTHON names a Python that has it (docs/stripe-sim.md)"
    ),
)


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """A line for each place where two values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in {**ours, **theirs}:
            yield from differences(ours.get(name), theirs.get(name), f"{where}.{name}")
    elif ours != theirs:
        yield f"{where.strip('.')}: here {ours}, there {theirs}"


def compared(seed: int, ours: Trace, theirs: Trace) -> list[str]:
    """Where a script first differs, a line each; empty if it does not."""
    for place, (here, there) in enumerate(zip(ours, theirs, strict=True)):
        if here != there:
            what = f"seed {seed}, step {place} {json.dumps(here['step'])}"
            return [what, *(f"  {line}" for line in differences(here, there))]
    return []


@needs_the_replica
def test_random_scripts_are_played_alike_by_the_replica() -> None:
    scripts = [script(seed) for seed in SEEDS]
    done = subprocess.run(
        [str(python()), str(THEIRS)],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    played = zip(SEEDS, scripts, json.loads(done.stdout), strict=True)
    found = [
        line
        for seed, steps, theirs in played
        for line in compared(seed, json.loads(json.dumps(play(Ours(), steps))), theirs)
    ]
    assert found == []


def test_a_seed_is_one_script_and_what_it_shows_is_always_the_same() -> None:
    steps = script(3)
    assert script(3) == steps != script(4)
    assert play(Ours(), steps) == play(Ours(), steps)
    assert compared(3, play(Ours(), steps), play(Ours(), steps)) == []


def test_a_difference_is_found_at_its_first_step_and_named() -> None:
    here = [{"step": {"days": 1}, "balance": 0}, {"step": {"days": 2}, "balance": 0}]
    there = [here[0], here[1] | {"balance": 5}]
    assert compared(7, here, there) == [
        'seed 7, step 1 {"days": 2}',
        "  balance: here 0, there 5",
    ]
