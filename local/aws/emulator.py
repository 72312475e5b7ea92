"""The AWS emulator: ministack, a process of its own on loopback, which never outlives the one that
started it.
"""

import atexit
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

EXECUTABLE = Path(".emulator/bin/ministack")
# ministack's own server took more than half of its processor time.
SERVED_BY = (
    *("-P", "-m", "uvicorn", "ministack.app:app"),
    *("--http", "httptools", "--no-access-log", "--log-level", "warning"),
    *("--host", "127.0.0.1", "--timeout-keep-alive", "75"),
)
START_SECONDS = 30
STOP_SECONDS = 1
"""How long it may take to end in order. It keeps nothing that is worth waiting for."""
PR_SET_PDEATHSIG = 1


class EmulatorError(Exception):
    """The emulator could not be started; the message says why."""


class Emulator:
    """One ministack on a free loopback port. `endpoint` is its address, once it has
    been started."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._home: tempfile.TemporaryDirectory[str] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it answers. Raises EmulatorError if it does not."""
        given = os.environ.get("BILLHOOK_EMULATOR")
        executable = Path(given) if given else EXECUTABLE.absolute()
        if not executable.is_file():
            raise EmulatorError(
                f"there is no emulator at {executable}: `make run` and `make test` install it"
            )
        python = str(executable.with_name("python"))
        for attempt in range(3):
            # Between the choice of a free port and its use somebody else may take it.
            self.port = free_port()
            self._home = tempfile.TemporaryDirectory(
                prefix="billhook-emulator-", ignore_cleanup_errors=True
            )
            self._process = subprocess.Popen(
                [str(executable)] if given else [python, *SERVED_BY, "--port", str(self.port)],
                env=self._environment(self._home.name),
                cwd=self._home.name,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches us alone, and we end it in order.
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
            atexit.register(self.stop)
            if self._answers():
                return self
            self.stop()
            if attempt == 2:
                self._log.seek(0)
                raise EmulatorError(
                    "the emulator does not answer:"
                    f" {self._log.read()[-2000:].decode(errors='replace')}"
                )
        return self

    def stop(self) -> None:
        """End the process and wait for its end. Harmless when it has ended."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # All of its session: its children too.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._home:
            self._home.cleanup()

    def _environment(self, home: str) -> dict[str, str]:
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
            if name in os.environ
        }
        return kept | {
            "HOME": home,
            "TMPDIR": home,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    def _answers(self) -> bool:
        """Wait for its health page; False if the process ended or the time is up."""
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/_ministack/health")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200 and "services" in json.loads(body):
                    return self._process.poll() is None
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
            finally:
                connection.close()
        return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes another program: on Linux, ask to be ended when we end,
    however that happens.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
