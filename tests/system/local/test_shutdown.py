"""The running system ends when a signal asks it to, whatever it is doing."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta

import pytest

from local.aws.emulator import die_with_parent, free_port
from local.client import Client, Unreachable
from tests.system.conftest import ROOT, wait_for

UNSTOPPABLE = """
import atexit, subprocess, sys, threading
from local import shutdown

shutdown.GRACE_SECONDS = 0.1

def work(stopping):
    child = subprocess.Popen(["sleep", "600"])
    atexit.register(child.wait)
    atexit.register(child.kill)
    print(child.pid, flush=True)
    while True:
        threading.Event().wait()

sys.exit(shutdown.run_until_signal(work))
"""


def start(port: int) -> subprocess.Popen[bytes]:
    """A system in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "local", "run", "--port", str(port)],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )


def children_of(pid: int) -> set[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [[int(number) for number in line.split()] for line in listed.stdout.splitlines()]
    return {child for child, parent in pairs if parent == pid}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)],
    ids=lambda signals: "+".join(one.name for one in signals),
)
def test_signals_to_the_process_group_end_everything_during_a_long_move_of_the_clock(
    signals: tuple[signal.Signals, ...],
) -> None:
    port = free_port()
    process = start(port)
    client = Client(f"http://127.0.0.1:{port}")
    wait_for(client, process)
    client.post("/signups", {"email": "ada@example.com"})
    answers: list[int] = []

    def move() -> None:
        try:
            answers.append(client.post("/_local/clock", {"advance": "4000d"})[0])
        except Unreachable:
            answers.append(0)

    before = datetime.fromisoformat(client.state()["now"])
    mover = threading.Thread(target=move)
    mover.start()
    while datetime.fromisoformat(client.state()["now"]) < before + timedelta(days=1):
        time.sleep(0.05)
    children = children_of(process.pid)
    assert children
    assert not answers, "the clock is still being moved"
    for one in signals:
        os.killpg(process.pid, one)
    assert process.wait(30) == 0
    mover.join(30)
    assert answers != [200], "the move is abandoned"
    assert not [child for child in children if is_alive(child)]


def test_a_signal_while_the_system_starts_ends_everything() -> None:
    process = start(free_port())
    while not (children := children_of(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    assert not [child for child in children if is_alive(child)]


def test_work_that_does_not_stop_is_abandoned() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", UNSTOPPABLE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not is_alive(child)


def test_a_burst_of_signals_ends_the_process_as_one_does() -> None:
    program = (
        "import sys\n"
        "from local.shutdown import run_until_signal\n"
        "def work(stopping): print(flush=True); stopping.wait(); return 7\n"
        "sys.exit(run_until_signal(work))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    for _ in range(2000):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 7


def test_work_that_fails_ends_the_process_with_its_error() -> None:
    program = (
        "from local.shutdown import run_until_signal\n"
        "def work(stopping): raise OSError('no room')\n"
        "run_until_signal(work)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "OSError: no room" in ended.stderr
