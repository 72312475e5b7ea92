"""Queues."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class WorkQueue(Protocol):
    """A queue of things to do."""

    def send(self, work: Mapping[str, str]) -> None:
        """Put one into the queue. Raises Unavailable."""

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        """Put many into the queue. Raises Unavailable if not all are in it; those that are do no
        harm.
        """

    def depth(self) -> int:
        """About how many wait."""


class GroupedQueue(Protocol):
    """A queue of things to do, of which those of one group are done one after the other."""

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        """Put pairs of a group and a thing to do into the queue. The same again within minutes does
        nothing. Raises Unavailable.
        """


class MessageQueue(Protocol):
    """A queue of messages that are text: Stripe's events, or what no repetition will mend."""

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Put a message into the queue. Raises Unavailable."""
