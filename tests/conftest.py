"""Fixtures for all rooms."""

from collections.abc import Callable

import pytest

from tests import faults
from tests.worlds import Place


@pytest.fixture
def place() -> Place:
    """A world in memory."""
    return Place()


@pytest.fixture
def outside_calls() -> faults.OutsideCalls:
    """Counts the calls of a world that it watches: `take_in(…, outside_calls.watch(place.world))`."""
    return faults.OutsideCalls()


@pytest.fixture
def crashing_after() -> Callable[..., faults.OutsideCalls]:
    """Ends a use case after its n-th outside call: `crashing_after(3, reply_lost=True).watch(place.world)`."""
    return faults.crashing_after
