"""One call of the API, and what calls of every kind share: reading, listing and searching."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.api.search import matcher
from local.stripe_sim.lifecycle.engine import Engine

Do = Callable[["Call"], Any]


@dataclass(frozen=True)
class Call:
    """One call: the ids in its path, and its parameters, checked. `version` is None where none was
    named.
    """

    engine: Engine
    ids: tuple[str, ...]
    wanted: Object
    version: str | None

    def find(self, kind: str) -> Object:
        """The object that the path names. Raises StripeRefusal."""
        return self.engine.store.find(kind, self.ids[0])


def get(kind: str) -> Do:
    return lambda call: call.find(kind)


def list_of(kind: str, **fields: str) -> Do:
    """All of a kind, narrowed by those parameters that name a field."""

    def listed(call: Call) -> list[Object]:
        found = call.engine.store.all(kind)
        for name in fields:
            if name in call.wanted:
                found = [one for one in found if one[fields[name]] == call.wanted[name]]
        is_wanted = in_range(call.wanted.get("created"))
        return [one for one in found if is_wanted(one.get("created") or 0)]

    return listed


def in_range(wanted: Any) -> Callable[[int], bool]:
    """Whether an object was created when the parameter `created` says: a second, or a range."""
    if wanted is None:
        return lambda _: True
    bounds = wanted if isinstance(wanted, dict) else {"gte": wanted, "lte": wanted}
    seconds = {name: int(bound) for name, bound in bounds.items()}
    first = max(seconds.get("gte", 0), seconds.get("gt", -1) + 1)
    last = min(seconds.get("lte", sys.maxsize), seconds.get("lt", sys.maxsize) - 1)
    return lambda created: first <= created <= last


def search(kind: str) -> Do:
    """Those of a kind that a query asks for."""

    def found(call: Call) -> list[Object]:
        fits = matcher(kind, call.wanted["query"])
        things = [one for one in call.engine.store.all(kind) if not one.get("deleted")]
        return [one for one in things if fits(one)]

    return found
