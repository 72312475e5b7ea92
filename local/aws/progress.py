"""What this process has sent, is working on and has finished. It tells triggers of new messages,
and a wait what is left.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from chalicelib.usecases.ports.queues import GroupedQueue, MessageQueue, WorkQueue


class Progress:
    """Counts the messages that this process sent and nobody received yet, what the triggers are at
    work on, what they have finished, and how often each message came back.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._done = self._working = self._sent_so_far = 0
        self._sent: Counter[str] = Counter()
        self._came_back: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, number: int) -> None:
        """So many more are finished."""
        with self._changed:
            self._done += number
            self._changed.notify_all()

    @property
    def done(self) -> int:
        return self._done

    @property
    def mark(self) -> tuple[int, int]:
        """How much was sent and how much is finished: the same mark later means that nothing was
        set off in between.
        """
        with self._changed:
            return self._sent_so_far, self._done

    @property
    def is_busy(self) -> bool:
        """Whether a trigger is at work, or a message that this process sent awaits one."""
        with self._changed:
            return self._working > 0 or bool(self._sent)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Marks a trigger as being at work."""
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def sent(self, queue: str, messages: int = 1) -> None:
        """Tell the triggers of a queue about messages."""
        with self._changed:
            self._sent[queue] += messages
            self._sent_so_far += messages
            self._changed.notify_all()

    def await_message(self, queue: str, seconds: float) -> bool:
        """Return once a message for a queue was sent, or after some seconds; whether one was."""
        with self._changed:
            return self._changed.wait_for(lambda: queue in self._sent, seconds)

    def take(self, queue: str, most: int) -> int:
        """How many of the messages that were sent are this caller's to receive, `most` at most: no
        other is told of them.
        """
        with self._changed:
            told = min(most, self._sent[queue])
            self._sent[queue] -= told
            self._sent = +self._sent
            return told

    def await_rest(self, seconds: float) -> None:
        """Return once nothing is worked on and nothing awaits a trigger, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._working and not self._sent, seconds)

    def came_back(self, queue: str, failed: set[str], done: set[str]) -> None:
        """Messages of a queue that failed, and others that are done."""
        with self._changed:
            self._came_back[queue].update(failed)
            for message in done:
                self._came_back[queue].pop(message, None)

    def forget_waiting(self) -> None:
        """Time has passed: what came back may succeed now."""
        with self._changed:
            self._came_back.clear()

    def waiting(self, queue: str, times: int) -> int:
        """How many messages of a queue came back so many times or more: they wait for something
        that only time brings.
        """
        with self._changed:
            return sum(count >= times for count in self._came_back[queue].values())


class WatchedQueue:
    """A queue of messages whose triggers learn at once of what is sent."""

    def __init__(self, queue: MessageQueue, url: str, progress: Progress) -> None:
        self._queue, self._url, self._progress = queue, url, progress

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        self._queue.send(body, attributes)
        self._progress.sent(self._url)


class WatchedWorkQueue:
    """A queue of tasks whose triggers learn at once of what is sent."""

    def __init__(self, queue: WorkQueue, url: str, progress: Progress) -> None:
        self._queue, self._url, self._progress = queue, url, progress

    def send(self, work: Mapping[str, str]) -> None:
        self._queue.send(work)
        self._progress.sent(self._url)

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        self._queue.send_many(work)
        self._progress.sent(self._url, len(work))

    def depth(self) -> int:
        return self._queue.depth()


class WatchedGroupedQueue:
    """A queue of tasks in groups whose triggers learn at once of what is sent."""

    def __init__(self, queue: GroupedQueue, url: str, progress: Progress) -> None:
        self._queue, self._url, self._progress = queue, url, progress

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        self._queue.send_many(work)
        self._progress.sent(self._url, len(work))
