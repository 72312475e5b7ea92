"""The simulated Stripe as one to play to."""

from typing import Any

from tests.fakes.stripe.sim import SimStage
from tests.system.local.stripe_sim.replica.player import Object


class Ours:
    """One simulated Stripe, in memory."""

    def __init__(self) -> None:
        self.stage = SimStage()
        self._told = len(self.stage.engine.store.events)

    def call(self, method: str, path: str, params: Object) -> tuple[int, Any]:
        return self.stage.call(method, path, params)

    def keys_used(self) -> int:
        """How many calls were made."""
        return self.stage.keys

    def advance(self, seconds: int) -> None:
        self.stage.advance(self.stage.second + seconds)

    def new_events(self) -> list[Object]:
        events = self.stage.engine.store.events
        fresh = events[self._told :]
        self._told = len(events)
        return fresh
