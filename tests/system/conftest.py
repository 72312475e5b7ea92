"""A running system, as `make run` starts it, for stories told over HTTP and in a browser."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from local.aws.emulator import free_port
from local.client import Client, Unreachable
from tests.fakes.memory.timeline import conforms
from tests.system.fork_server import Forked, fork_server

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


@pytest.fixture(scope="module")
def start_system() -> Iterator[Callable[..., Client]]:
    """Starts a system of its own on a free port, each time it is called, with the variables that it
    is given; all are ended with the module, since a system that nobody uses looks at its queues all
    the same.
    """
    with systems() as start:
        yield start


@pytest.fixture(scope="module")
def system() -> Iterator[Client]:
    """The system that the stories of a file share. Its clock only goes forward, so each story
    begins where the last one ended, and moving the clock moves the customers of the earlier ones
    too: shared by a folder, it made the last stories three times as slow. At the end, what the
    stories told the outside is held to the catalogue of events.
    """
    with systems() as start:
        client = start()
        yield client
        hold_events(client)


def hold_events(client: Client) -> None:
    """Every event of the last 30 days is as the catalogue says, and those of an account follow each
    other by their numbers.
    """
    numbers: dict[str, int] = {}
    for event in events_of(client):
        conforms(json.dumps(event))
        account_id, number = event["data"]["account_id"], event["sequence"]
        assert number == numbers.get(account_id, number - 1) + 1, event["id"]
        numbers[account_id] = number


def events_of(client: Client) -> Iterator[Any]:
    """All events of the last 30 days, in the order of the feed."""
    cursor, path = None, "/events"
    while True:
        status, page = client.call("GET", path)
        assert status == 200, page
        yield from page["events"]
        if page["cursor"] == cursor:
            return
        cursor = page["cursor"]
        path = f"/events?cursor={cursor}"


@contextmanager
def systems() -> Iterator[Callable[..., Client]]:
    """Starts systems, and ends them with the block."""
    running: list[Forked] = []

    def start(**variables: str) -> Client:
        port = free_port()
        # With the simulated one, whatever Stripe the shell's own `make run` is set to.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")
        }
        process = fork_server().start(port, environment | variables)
        running.append(process)
        client = Client(f"http://127.0.0.1:{port}")
        wait_for(client, process)
        client.state()
        return client

    yield start
    for process in running:
        process.terminate()
    for process in running:
        assert process.wait(30) == 0, "the system ends cleanly when told to"


def wait_for(client: Client, process: Forked | Popen[bytes]) -> None:
    """Return once the system answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the system ended while it started: its reason stands above"
        try:
            status, _ = client.call("GET", "/healthz")
        except Unreachable:
            time.sleep(0.1)
            continue
        if status == 200:
            return
    raise AssertionError("the system does not answer /healthz")
