"""Events that never arrive: two days later what an account may use is what Stripe says, at no more questions than are needed."""

import pytest

from tests.local.stripe_sim.test_replay import SCRIPTS
from tests.usecases.healing import UNDELIVERED, Healing, all_but_the_first, some

FATES = {
    "half are lost": lambda seed: some(seed),
    "half cannot be delivered": lambda seed: some(seed, how=UNDELIVERED),
    "most are lost": lambda seed: some(seed, 0.9),
    "all but the first are lost": lambda seed: all_but_the_first(),
    "all but the first cannot be delivered": lambda seed: all_but_the_first(UNDELIVERED),
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("seed", range(3))
def test_two_days_after_events_were_lost_an_account_is_as_stripe_has_it(name: str, fate: str, seed: int) -> None:
    """12, 13."""
    life = Healing(name, FATES[fate](seed))
    life.play()
    life.two_days().assert_true()
