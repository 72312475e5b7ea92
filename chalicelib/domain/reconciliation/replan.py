"""The walk over all accounts that a changed policy starts: how far it has come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReplanState:
    """A walk under the policy of that hash. `cursor` is where it goes on, None at its start;
    `found` counts the accounts of this round that were planned under another; `done` when a round
    found none."""

    hash: str
    cursor: str | None = None
    done: bool = False
    found: int = 0
    version: int = 0
