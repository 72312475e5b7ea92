"""What an operator does with dead letters: read, send back, delete. Dead letters that were not
chosen stay as they are.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from chalicelib.domain.changes.channels import BUS
from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.errors import Unavailable
from chalicelib.usecases.operators.dead_letters.reading import feedback_of
from chalicelib.usecases.ports.queues import GroupedQueue, MessageQueue

OUTCOMES = {
    "sent": "It is back in the queue that it came from.",
    "discarded": "It was deleted.",
    "no_way": "Its origin is not known: it stays in the dead-letter queue.",
    "not_sent": "The queue did not accept it: it stays in the dead-letter queue.",
    "not_deleted": (
        "It could not be deleted from the dead-letter queue. Sending it again does no harm."
    ),
}
"""What can be the result for a dead letter."""

FAILED = frozenset({"no_way", "not_sent", "not_deleted"})

Senders = Mapping[str, Callable[[DeadLetter], None]]
"""Sends a dead letter back, by its origin. Each raises Unavailable."""


class DeadLetters(Protocol):
    """The dead-letter queue; see aws/stage/dead_letters.py."""

    def look(self, most: int) -> list[DeadLetter]:
        """Up to `most` dead letters, the oldest first, invisible to others until they are released.
        Raises Unavailable.
        """

    def release(self) -> None:
        """Make the messages that were received and not deleted visible again."""

    def delete(self, letter: DeadLetter) -> None:
        """Delete it. Raises Unavailable."""


@contextmanager
def looking(queue: DeadLetters, most: int) -> Iterator[list[DeadLetter]]:
    """The dead letters. At the end, also after an error, those that were not deleted become visible
    again.
    """
    try:
        yield queue.look(most)
    finally:
        queue.release()


def redrive(
    letters: Iterable[DeadLetter], queue: DeadLetters, senders: Senders
) -> Iterator[tuple[DeadLetter, str]]:
    """Each dead letter with its outcome. It is sent to its origin first, and deleted here after
    that.

    If this stops in between, the message is in both queues. Sending it again does no harm: a
    duplicate changes nothing.
    """
    for letter in letters:
        send = senders.get(letter.origin)
        if send is None:
            yield letter, "no_way"
            continue
        try:
            send(letter)
        except Unavailable:
            yield letter, "not_sent"
            continue
        yield letter, _deleted(letter, queue, "sent")


def discard(letters: Iterable[DeadLetter], queue: DeadLetters) -> Iterator[tuple[DeadLetter, str]]:
    """Each dead letter with its outcome, once it was deleted."""
    for letter in letters:
        yield letter, _deleted(letter, queue, "discarded")


def _deleted(letter: DeadLetter, queue: DeadLetters, outcome: str) -> str:
    try:
        queue.delete(letter)
    except Unavailable:
        return "not_deleted"
    return outcome


def senders_to(
    queues: Mapping[str, MessageQueue],
    deliveries: GroupedQueue,
    take_feedback: Callable[[Mapping[str, Any], DeadLetter], None],
) -> Senders:
    """The functions that send a dead letter back, by origin: to its queue, to the deliveries queue
    for the event bus, and what SES reports of one message to `take_feedback`.
    """

    def to(queue: MessageQueue) -> Callable[[DeadLetter], None]:
        # Without the code and the reason: they said why it was in this queue, and are set again if
        # it comes back.
        return lambda letter: queue.send(letter.body)

    def deliver(letter: DeadLetter) -> None:
        # Named after the letter: the queue takes the same task once in five minutes.
        deliveries.send_many([(BUS, {**json.loads(letter.body), "sent": letter.id})])

    def feedback(letter: DeadLetter) -> None:
        for told in feedback_of(letter.body):
            take_feedback(told, letter)

    senders = {origin: to(queue) for origin, queue in queues.items()}
    return {**senders, "bus": deliver, "feedback": feedback}
