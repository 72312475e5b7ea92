"""Queues in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class MemoryQueue:
    messages: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        self.messages.append((body, dict(attributes or {})))


@dataclass
class MemoryWorkQueue:
    """A queue of things to do."""

    waiting: list[dict[str, str]] = field(default_factory=list)

    def send(self, work: Mapping[str, str]) -> None:
        self.waiting.append(dict(work))

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        self.waiting += map(dict, work)

    def depth(self) -> int:
        return len(self.waiting)


@dataclass
class MemoryGroupedQueue:
    """A queue of things to do by group, which takes the same thing once."""

    waiting: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    known: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        for group, one in work:
            if (group, dict(one)) not in self.known:
                self.known.append((group, dict(one)))
                self.waiting.append((group, dict(one)))
