"""What an operator does with dead letters: look at them, send them back, throw them away. None of
it disturbs those that are not meant.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from chalicelib.domain.errors import Unavailable
from ops.dead_letters.dead_letter import DeadLetter

OUTCOMES = {
    "sent": "It is in the queue that it came from, and no longer here.",
    "discarded": "It is gone.",
    "no_way": "Where it came from cannot be told: it stays here.",
    "not_sent": "The queue did not take it: it stays here.",
    "not_deleted": (
        "It could not be deleted: it is still here. If it was sent, sending it again does no harm."
    ),
}
"""What can become of a letter."""

FAILED = frozenset({"no_way", "not_sent", "not_deleted"})

Ways = Mapping[str, Callable[[DeadLetter], None]]
"""How a letter goes back, by its origin; each raises Unavailable."""


class Letters(Protocol):
    """The dead-letter queue; see box.py."""

    def look(self, most: int) -> list[DeadLetter]:
        """Up to `most` letters, the oldest first, out of sight until they are given back. Raises
        Unavailable.
        """

    def give_back(self) -> None:
        """Let others see again what was looked at and is still there."""

    def delete(self, letter: DeadLetter) -> None:
        """Take it out for good. Raises Unavailable."""


@contextmanager
def looking(box: Letters, most: int) -> Iterator[list[DeadLetter]]:
    """The letters. In the end, however that comes about, those that are still there
    are given back."""
    try:
        yield box.look(most)
    finally:
        box.give_back()


def redrive(
    letters: Iterable[DeadLetter], box: Letters, ways: Ways
) -> Iterator[tuple[DeadLetter, str]]:
    """Each letter with what became of it: sent to where it came from, and deleted here only once it
    is there.

    Should this end between the two, the letter is in both places and is sent again by whoever looks
    next: all that these queues carry may come twice and then changes nothing.
    """
    for letter in letters:
        way = ways.get(letter.origin)
        if way is None:
            yield letter, "no_way"
            continue
        try:
            way(letter)
        except Unavailable:
            yield letter, "not_sent"
            continue
        yield letter, _deleted(letter, box, "sent")


def discard(letters: Iterable[DeadLetter], box: Letters) -> Iterator[tuple[DeadLetter, str]]:
    """Each letter with what became of it: thrown away."""
    for letter in letters:
        yield letter, _deleted(letter, box, "discarded")


def _deleted(letter: DeadLetter, box: Letters, outcome: str) -> str:
    try:
        box.delete(letter)
    except Unavailable:
        return "not_deleted"
    return outcome
