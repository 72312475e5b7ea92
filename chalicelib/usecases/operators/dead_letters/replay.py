"""Replay dead letters for the dashboard: those that an operator chose, oldest first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.changes.dead_letters import ORIGINS, DeadLetter
from chalicelib.domain.errors import InvalidInput
from chalicelib.usecases.operators.dead_letters.handling import (
    DeadLetters,
    Senders,
    looking,
    redrive,
)
from chalicelib.values import frozen

SHOWN = 50
"""How many dead letters the dashboard shows."""

AT_ONCE = 200
"""How many one request reads: a second or two of work, far from the 29 that API Gateway allows."""


@frozen
class Choice:
    """Which dead letters: the one with this id, or all that came from `origin`."""

    id: str = ""
    origin: str = ""

    def has(self, letter: DeadLetter) -> bool:
        """Whether a letter is chosen."""
        return letter.id == self.id if self.id else letter.origin == self.origin


def chosen(id: str, origin: str) -> Choice:
    """The choice of a form. Raises InvalidInput for one that names no letter and no origin."""
    if id and len(id) <= 100 and id.isprintable():
        return Choice(id=id)
    if origin in ORIGINS:
        return Choice(origin=origin)
    raise InvalidInput("Choose a dead letter, or the queue whose letters are to be replayed.", "id")


def replay(
    choice: Choice,
    queue: DeadLetters,
    senders: Senders,
    note: Callable[[Sequence[DeadLetter]], None],
) -> Mapping[str, int]:
    """How many of the chosen letters had each outcome (of OUTCOMES); empty if none is there any
    more. `note` gets them before the first is sent. Raises Unavailable.
    """
    with looking(queue, AT_ONCE) as letters:
        wanted = [letter for letter in letters if choice.has(letter)]
        if wanted:
            note(wanted)
        return Counter(outcome for _, outcome in redrive(wanted, queue, senders))
