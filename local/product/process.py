"""Starts and ends the example product, a process of its own on loopback, as a product would be."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.runtime.clock import Clock
from local.aws.emulator import die_with_parent

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
STOP_SECONDS = 1
WAITING = 128


class ExampleProduct:
    """The example product at `base`. Its port is taken at once, and requests wait there until the
    process has started: what starts next need not wait for it.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0), backlog=WAITING)
        self.base = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._ahead = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def policy(self) -> InstancePolicy:
        """Its `[instance]` in the policy."""
        return InstancePolicy(
            target=f"{self.base}/instances",
            hosts=(HOST,),
            suspend_after=timedelta(hours=24),
            delete_after=timedelta(days=90),
            deadline=timedelta(minutes=60),
        )

    def start(self, billhook: str, key: str, secret: str, clock: Clock) -> None:
        """Start it with the address of Billhook, an API key, and the secret of instances. Its time
        is the clock's: tokens end and signatures age by that.
        """
        self._follow(clock)
        passed = (self._socket.fileno(), self._ahead.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.product.serve", *map(str, passed)],
            cwd=ROOT,
            env=os.environ
            | {
                "PRODUCT_URL": self.base,
                "BILLHOOK_URL": billhook,
                "BILLHOOK_KEY": key,
                "INSTANCE_SECRET": secret,
            },
            stdin=subprocess.DEVNULL,
            pass_fds=passed,
            # A session of its own: Ctrl-C reaches us alone, and we end it.
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        self._socket.close()

    def _follow(self, clock: Clock) -> None:
        """Have the process know how far the clock is ahead, before a move of it returns."""
        move_to = clock.move_to

        def move(moment: datetime) -> None:
            move_to(moment)
            tell()

        def tell() -> None:
            ahead = (clock.now() - datetime.now(UTC)).total_seconds()
            os.pwrite(self._ahead.fileno(), struct.pack("d", ahead), 0)

        tell()
        clock.move_to = move  # type: ignore[method-assign]

    def stop(self) -> None:
        """End it and wait for its end. Harmless when it has ended, or was never started."""
        self._socket.close()
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
