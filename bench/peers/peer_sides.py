"""The peers under test, each a server of its own with a database of its own: webhooks are posted to
it one after the other, as Stripe does.
"""

import http.client
import os
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers import environments
from bench.peers.django_site import ENDPOINT
from bench.peers.histories import Step
from bench.peers.postgres import Postgres
from bench.peers.processes import cpu_ms
from bench.peers.server import ROOT, ask
from bench.stubs import SECRET
from local.client import signature


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer. `statuses` is SQL for the id and status of each subscription."""

    pid: int
    port: int
    path: str
    database: str
    statuses: str

    def play(self, steps: list[Step], stripe: str) -> tuple[float, Counter[int]]:
        """Post each event after Stripe has lived it: CPU milliseconds, and how often each HTTP
        status was answered.
        """
        spent, answered = 0.0, Counter[int]()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for step in steps:
            ask(f"{stripe}/_happened", step.happened)
            payload = step.payload
            header = signature(payload, SECRET, int(time.time()))
            began = cpu_ms(self.pid)
            connection.request(
                "POST",
                self.path,
                payload,
                {"Stripe-Signature": header, "Content-Type": "application/json"},
            )
            response = connection.getresponse()
            response.read()
            spent += cpu_ms(self.pid) - began
            answered[response.status] += 1
        connection.close()
        return spent, answered


@contextmanager
def djstripe(postgres: Postgres, stripe: str) -> Iterator[Peer]:
    """dj-stripe behind gunicorn with one worker."""
    python, database = environments.django(), "djstripe"
    postgres.create(database)
    environment = dict(
        os.environ,
        PGHOST=str(postgres.folder),
        STRIPE_API_BASE=stripe,
        STRIPE_WEBHOOK_SECRET=SECRET,
        PYTHONPATH=str(ROOT),
        DJANGO_SETTINGS_MODULE="bench.peers.django_site",
    )
    site = [str(python), "-m", "bench.peers.django_site"]
    subprocess.run(site, cwd=ROOT, env=environment, check=True)
    port = _free_port()
    command = [str(python), "-m", "gunicorn", "bench.peers.django_site:application"]
    command += ["--workers", "1", "--bind", f"127.0.0.1:{port}", "--log-level", "critical"]
    command += ["--keep-alive", "75", "--worker-class", "gthread", "--threads", "1"]
    with _process(command, environment, postgres.folder / "djstripe.log") as server:
        _await(port, server)
        statuses = "SELECT id, stripe_data->>'status' FROM djstripe_subscription"
        yield Peer(server.pid, port, f"/stripe/webhook/{ENDPOINT}/", database, statuses)


@contextmanager
def sync_engine(postgres: Postgres, stripe: str, revalidate: bool) -> Iterator[Peer]:
    """The sync engine behind node:http; with `revalidate` it asks Stripe about each event."""
    modules = environments.node_modules()
    database = "revalidating" if revalidate else "sync_engine"
    postgres.create(database)
    port = _free_port()
    environment = dict(
        os.environ,
        MODULES=str(modules),
        PORT=str(port),
        STRIPE_API_BASE=stripe,
        STRIPE_WEBHOOK_SECRET=SECRET,
        DATABASE_URL=postgres.url(database),
        REVALIDATE="1" if revalidate else "",
    )
    script = ["node", str(Path(__file__).with_name("sync_engine.mjs"))]
    with _process(script, environment, postgres.folder / f"{database}.log") as server:
        _await(port, server)
        statuses = "SELECT id, status FROM stripe.subscriptions"
        yield Peer(server.pid, port, "/", database, statuses)


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        yield process
    except Exception:
        print(log.read_text()[-2000:])
        raise
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError("The peer does not answer.")
