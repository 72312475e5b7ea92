"""What becomes of events on their way: lost, never delivered, doubled, late, by
shares and a seed."""

import random
from collections import Counter
from dataclasses import dataclass

LATE_SECONDS = (60, 2 * 86_400)
"""How late an event may be: as often by minutes as by hours as by a day, so that it comes after
younger ones.
"""


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of all events that are `lost` behind the endpoint, which has acknowledged them,
    `undelivered` for ever, and, of those that arrive, `doubled` and `late`.
    """

    lost: float = 0.0
    undelivered: float = 0.0
    doubled: float = 0.0
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """`arrivals` are the seconds after which an event arrives, once for each time. `is_owed` while
    Stripe believes that it did not yet.
    """

    arrivals: tuple[int, ...] = (0,)
    is_owed: bool = True


class DeliveryFaults:
    """Plans one delivery after another. `drawn` counts them by the names of the shares, and
    `events` them all.
    """

    def __init__(self, shares: Shares | None = None, seed: int | None = None) -> None:
        self._shares, self._chance = shares or Shares(), random.Random(seed)
        self.drawn: Counter[str] = Counter()

    def draw(self) -> PlannedDelivery:
        """The next event's."""
        self.drawn["events"] += 1
        drawn = self._chance.random()
        if drawn < self._shares.lost:
            self.drawn["lost"] += 1
            return PlannedDelivery((), is_owed=False)
        if drawn < self._shares.lost + self._shares.undelivered:
            self.drawn["undelivered"] += 1
            return PlannedDelivery(())
        first = self._delay() if self._is("late", self._shares.late) else 0
        # A late one lies behind the endpoint: were it owed, the list of the undelivered would bring
        # it early.
        return PlannedDelivery(
            (first, *((self._delay(),) if self._is("doubled", self._shares.doubled) else ())),
            is_owed=not first,
        )

    def _is(self, name: str, share: float) -> bool:
        found = bool(share) and self._chance.random() < share
        self.drawn[name] += found
        return found

    def _delay(self) -> int:
        soonest, latest = LATE_SECONDS
        return int(soonest * (latest / soonest) ** self._chance.random())
