"""Ends a process in bounded time when a signal asks it to, whatever it is doing."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

GRACE_SECONDS = 3
"""How long work may take to stop. What follows takes less than two seconds more: the child
processes and the interpreter end.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The process is ending, so this work was abandoned."""


def run_until_signal(work: Callable[[threading.Event], int]) -> int:
    """Run `work` in a thread until it returns, or until SIGINT, SIGTERM or SIGHUP; the exit code.

    A signal sets the event that `work` receives. The exit code is then what `work` returns, or 0 if
    it has not returned after GRACE_SECONDS and is abandoned. Call it from the main thread, and exit
    when it returns: further signals are ignored.
    """
    wakeups, wake = os.pipe()
    _write_signals_to(wake)
    stopping = threading.Event()
    outcome: Future[int] = Future()

    def run() -> None:
        try:
            outcome.set_result(work(stopping))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            os.write(wake, b"\0")

    threading.Thread(target=run, name="work", daemon=True).start()
    received = os.read(wakeups, 1)[0]
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if received:
        stopping.set()
        if not wait([outcome], GRACE_SECONDS).done:
            print("Ended with work left unfinished.", file=sys.stderr)
            return 0
    return outcome.result()


def _write_signals_to(wake: int) -> None:
    """Write the number of each signal to a pipe and do nothing else. A Python handler runs inside
    whatever the main thread is doing, so it must not take a lock: `Event.set` inside the same
    event's `wait` never returns.
    """
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in SIGNALS:
        # A process under nohup outlives its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
