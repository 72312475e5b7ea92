"""The year of invented customers, in small: what is stored is what is counted again."""

import pytest

from bench.figures import play


@pytest.mark.parametrize("seed", range(3))
def test_what_is_stored_is_what_stripe_held_and_what_a_recount_finds(seed: int) -> None:
    year = play(15, 100, seed, acting=0.02)
    assert year.wrong == []
    assert year.figures["differences by the recount"] == 0
    for name in ("customers who left", "trials converted", "rows kept"):
        assert year.figures[name] > 0, name
    assert year.figures["deliveries"] > year.figures["events"], "some come twice"
