"""What the local system knows of its own work, so that a wait is short and ends in time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.aws.progress import Progress, WatchedQueue, WatchedWorkQueue

SOON, NEVER = 0.05, 30.0


class Accepts:
    """A queue that accepts everything, unless it is told to refuse."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses

    def send(self, *_: object) -> None:
        if self.refuses:
            raise RuntimeError("refused")

    def send_many(self, _: object) -> None:
        self.send()

    def depth(self) -> int:
        return 7


def test_a_trigger_learns_at_once_of_what_is_sent() -> None:
    progress = Progress()
    with ThreadPoolExecutor(1) as worker:
        told = worker.submit(progress.await_message, "mail", NEVER)
        WatchedQueue(Accepts(), "mail", progress).send("…")
        assert told.result(NEVER)
    assert progress.is_busy
    assert progress.take("mail", 1) == 1
    assert not progress.is_busy


def test_of_two_triggers_only_one_is_told_of_one_message() -> None:
    progress, told = Progress(), threading.Semaphore(0)

    def wait() -> None:
        while not progress.take("mail", 1):
            progress.await_message("mail", NEVER)
        told.release()

    with ThreadPoolExecutor(2) as workers:
        workers.submit(wait)
        workers.submit(wait)
        progress.sent("mail")
        assert told.acquire(timeout=NEVER)
        assert not told.acquire(timeout=SOON)
        progress.sent("mail")


def test_messages_that_one_batch_does_not_take_are_left_for_the_next() -> None:
    progress = Progress()
    WatchedWorkQueue(Accepts(), "act", progress).send_many([{}] * 12)
    assert progress.take("act", 10) == 10
    assert progress.is_busy
    assert progress.take("act", 10) == 2
    assert not progress.is_busy
    assert progress.take("act", 10) == 0
    assert not progress.await_message("act", SOON)


def test_what_the_queue_refused_is_announced_to_nobody() -> None:
    progress = Progress()
    queue = WatchedWorkQueue(Accepts(refuses=True), "act", progress)
    sends: tuple[Callable[[], None], ...] = (
        lambda: queue.send({}),
        lambda: queue.send_many([{}]),
        lambda: WatchedQueue(Accepts(refuses=True), "events", progress).send("…"),
    )
    for send in sends:
        with pytest.raises(RuntimeError):
            send()
    assert not progress.is_busy


def test_a_wait_for_rest_lasts_until_nothing_is_worked_on_and_nothing_awaits_it() -> None:
    progress = Progress()
    before = progress.mark
    progress.sent("mail")
    with ThreadPoolExecutor(1) as worker:
        with progress.at_work():
            rest = worker.submit(progress.await_rest, NEVER)
            progress.take("mail", 1)
            progress.add(1)
            assert progress.is_busy
            assert not rest.done()
        rest.result(NEVER)
    assert (progress.done, progress.is_busy) == (1, False)
    assert progress.mark != before


def test_a_function_that_fails_is_not_at_work_any_more() -> None:
    progress = Progress()
    with pytest.raises(RuntimeError), progress.at_work():
        raise RuntimeError
    assert not progress.is_busy
