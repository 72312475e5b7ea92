"""Customers' lives against a strict Intercom: in the end each contact is what its account is, every
event was told once, and who is gone here is gone there. `GRID=full` plays 200 lives.
"""

from collections import Counter

import pytest

from chalicelib.domain.people.contact import ATTRIBUTES
from tests.fakes.grids import in_part
from tests.unit.usecases.webhooks.people.lifecycles import lived

LIVES = 25
SEEDS = [seed for seed in range(8) if seed == 2 or in_part(f"a set of {LIVES} lives, {seed}")]

CALLS_A_LIFE = 30
"""At most, on average: a contact for each time that something changed, and each event."""


@pytest.mark.parametrize("seed", SEEDS)
def test_after_many_lives_each_contact_is_what_its_account_is(seed: int) -> None:
    lives = lived(seed, LIVES)
    assert lives.wrong() == []
    assert lives.intercom.attributes == ATTRIBUTES
    calls = Counter(f"{method} {path.split('/')[1]}" for method, path, *_ in lives.recorded)
    print(f"{LIVES} lives, {sum(calls.values())} calls: {dict(calls)}")
    assert sum(calls.values()) < CALLS_A_LIFE * LIVES, calls
    assert calls["POST events"] >= LIVES, "nothing happened in these lives"
