"""The walk over all accounts that a changed policy starts: how far it has come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk under the policy of that hash. `cursor` is where it goes on, None at its start; `done` when every account was seen."""

    hash: str
    cursor: str | None = None
    done: bool = False
    version: int = 0
