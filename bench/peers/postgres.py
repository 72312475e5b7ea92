"""A PostgreSQL of this bench's own: made in a new folder, on a socket there, gone at the end."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path

USER = "postgres"
STATEMENTS = "pg_stat_statements"


class NoPostgres(Exception):
    """No PostgreSQL server is installed."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `folder` holds its socket."""

    folder: Path
    programs: Path

    def query(self, database: str, sql: str) -> list[list[str]]:
        """The rows of a query, as texts."""
        command = [
            *(str(self.programs / "psql"), "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1"),
            *("-h", str(self.folder), "-U", USER, "-d", database, "-c", sql),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def create(self, database: str) -> None:
        """A new, empty database, whose statements are counted."""
        self.query(USER, f"CREATE DATABASE {database}")
        self.query(database, f"CREATE EXTENSION {STATEMENTS}")

    def drop(self, database: str) -> None:
        """Forget a database that nobody uses any more."""
        self.query(USER, f"DROP DATABASE {database} WITH (FORCE)")

    def forget_statements(self) -> None:
        """Count from nothing."""
        self.query(USER, f"SELECT {STATEMENTS}_reset()")

    def statements(self, database: str) -> int:
        """How many statements the database has run since."""
        ((number,),) = self.query(
            USER,
            f"SELECT coalesce(sum(calls), 0) FROM {STATEMENTS} WHERE dbid ="
            f" (SELECT oid FROM pg_database WHERE datname = '{database}')",
        )
        return int(number)

    def url(self, database: str) -> str:
        """How node-postgres connects."""
        return f"postgres://{USER}@localhost/{database}?host={self.folder}"


@contextmanager
def running() -> Iterator[Postgres]:
    """A server until the block ends. Raises NoPostgres."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="peers-"))
    # the server refuses to run as root
    who = "nobody" if os.geteuid() == 0 else None
    if who:
        shutil.chown(folder, who)
    data = folder / "data"
    _run([programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-N"], folder, who)
    server = subprocess.Popen(
        [
            *(programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="),
            *("-c", f"shared_preload_libraries={STATEMENTS}", "-c", "fsync=off"),
        ],
        cwd=folder,
        user=who,
        stderr=subprocess.DEVNULL,
    )
    try:
        postgres = Postgres(folder, programs)
        _await(postgres, server)
        postgres.query(USER, f"CREATE EXTENSION {STATEMENTS}")
        yield postgres
    finally:
        server.send_signal(signal.SIGINT)  # does not wait for who is still connected
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where initdb is: on the PATH, or where Debian keeps it."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += map(Path, sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True))
    for place in places:
        if all((place / name).exists() for name in ("initdb", "postgres", "psql")):
            return place
    raise NoPostgres("Install a PostgreSQL server: initdb is neither on the PATH nor in /usr/lib.")


def _await(postgres: Postgres, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        try:
            postgres.query(USER, "SELECT 1")
            return
        except subprocess.CalledProcessError:
            if server.poll() is not None:
                raise NoPostgres("The PostgreSQL server ended as it started.") from None
            time.sleep(0.1)
    raise NoPostgres("The PostgreSQL server does not answer.")


def _run(command: list[object], folder: Path, who: str | None) -> None:
    subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        user=who,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
