"""Starts local systems as forks of a process that has loaded their code. Loading it takes three
quarters of the processor time of a start, and the tests start some sixty systems.

A fork runs `python -m local run` from there on, with an environment of its own. That the command
also starts from nothing, and ends as it should, is tested with processes of its own.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import local
from local.__main__ import main
from local.aws import resources
from local.aws.emulator import die_with_parent
from ops.stage.policy import POLICY, read_checked
from tests.adapters.aws.service_models import read_once

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.05


class Forked:
    """One system that was started: as much of subprocess.Popen as the tests use."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self._server = server
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        code: int | None = self._server.ask({"pid": self.pid})
        return code

    def terminate(self) -> None:
        """Tell it to end, unless it has ended."""
        self._server.ask({"pid": self.pid, "terminate": True})

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended. Raises TimeoutError if it does not in this time."""
        end = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"the system {self.pid} runs {seconds} s after it was to end")
            time.sleep(POLL_SECONDS)
        return code


class ForkServer:
    """The process that has loaded the code, and that ends with this one."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                preexec_fn=die_with_parent(),
            )
        self._ours = ours
        self._lines = ours.makefile("rw", encoding="utf-8")
        atexit.register(self.close)

    def close(self) -> None:
        """End it, once all that it started has ended."""
        self._ours.shutdown(socket.SHUT_RDWR)
        self._process.wait()

    def start(self, port: int, environment: dict[str, str]) -> Forked:
        """A system at this port, with these variables and no others."""
        return Forked(self, self.ask({"start": port, "environment": environment}))

    def ask(self, request: dict[str, Any]) -> Any:
        """The answer to one request."""
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        answer = self._lines.readline()
        assert answer, "the server of forks has ended: its reason stands above"
        return json.loads(answer)


@cache
def fork_server() -> ForkServer:
    """The one of this process, started with its first use."""
    return ForkServer()


class _Server:
    """What runs in the process that forks. A process that has ended keeps its number until it is
    asked for its exit code, so that no number means two processes.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._codes: dict[int, int] = {}

    def serve(self) -> int:
        """Answer requests until nobody has any; the exit code. In a fork, that of its system."""
        with self._connection, self._connection.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                request = json.loads(line)
                if "start" in request and (answer := _fork()) == 0:
                    break
                if "start" not in request:
                    answer = self._about(**request)
                lines.write(json.dumps(answer) + "\n")
                lines.flush()
            else:
                return 0
        os.environ.clear()
        os.environ |= request["environment"]
        return main(["run", "--port", str(request["start"])])

    def _about(self, pid: int, terminate: bool = False) -> int | None:
        """The exit code of a system; None while it runs."""
        if pid not in self._codes:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._codes[pid] = os.waitstatus_to_exitcode(status)
            elif terminate:
                os.kill(pid, signal.SIGTERM)
        return self._codes.get(pid)


def _fork() -> int:
    """The number of the new process; in that process 0."""
    end_with_parent = die_with_parent()
    pid = os.fork()
    if pid == 0 and end_with_parent:
        end_with_parent()
    return pid


def _load() -> None:
    """Load what a system loads, and read what it reads, whatever its environment is."""
    read_once()
    importlib.import_module("app")
    for module in pkgutil.walk_packages(local.__path__, "local."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    read_checked(POLICY)
    for service in ("dynamodb", "s3", "sesv2", "sqs", "ssm"):
        resources.client(service, "http://127.0.0.1:9")
    assert threading.active_count() == 1, "a fork has one thread only"
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    sys.exit(_Server(socket.socket(fileno=int(sys.argv[1]))).serve())
