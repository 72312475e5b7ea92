"""Makes the virtual environments that development needs, and makes them again when their
requirements have changed.

Run by whatever `python3` a machine has, so it uses the standard library only and must be readable
to an old Python, if only to refuse it.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = {
    ".venv": ("requirements-run.txt", "requirements-dev.txt"),
    ".emulator": ("requirements-emulator.txt",),
    ".checks": ("requirements-checks.txt",),
    ".replica": ("requirements-replica.txt",),
}
"""Each environment with the file that is installed into it. Of two the first is enough to run
Billhook, and the second holds all of the first. `make locks` writes these files.
"""


def fingerprint(source: str) -> str:
    """What an environment was made of: its requirements, this Python, and its place (the scripts in
    it hold absolute paths).
    """
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{ROOT}\n".encode())
    digest.update((ROOT / source).read_bytes())
    return digest.hexdigest()


class Display:
    """Tells how far several environments are that are made at once. A terminal gets one line that
    changes, anything else the lines that begin and end.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._doing: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._doing.pop(name, None)
            self._print(f"{name}: {text}", "\n")
            self._print_doing()

    def update(self, name: str, text: str) -> None:
        """What is done now, until there is more to tell."""
        with self._lock:
            self._doing[name] = text
            self._print_doing()

    def _print_doing(self) -> None:
        if self._doing and self._stream.isatty():
            told = " · ".join(f"{name}: {text}" for name, text in self._doing.items())
            self._print(told[: shutil.get_terminal_size().columns - 1], "")

    def _print(self, text: str, end: str) -> None:
        start = "\r\x1b[K" if self._stream.isatty() else ""
        print(f"{start}{text}", end=end, file=self._stream, flush=True)


class Maker:
    """Makes environments at once, each in a thread of its own."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._running: set[subprocess.Popen[str]] = set()
        self._failed: list[str] = []

    def make_all(self, names: "list[str]", to_run: bool) -> "list[str]":
        """Return once all of them are there and up to date, those that could not be made. What runs
        ends with the caller's KeyboardInterrupt.
        """
        threads = [
            threading.Thread(target=self._try, args=(name, to_run), daemon=True) for name in names
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            for process in self._running.copy():
                process.terminate()
            raise
        return self._failed

    def _try(self, name: str, to_run: bool) -> None:
        try:
            self.ensure(name, to_run)
        except subprocess.CalledProcessError:
            self._failed.append(name)

    def ensure(self, name: str, to_run: bool = False) -> None:
        """Return once the environment is there and up to date, with what running needs at least, or
        with all. Raises CalledProcessError when pip fails twice.
        """
        stamp, layers = ROOT / name / "made-of", REQUIREMENTS[name]
        source = layers[0] if to_run else layers[-1]
        enough = layers[layers.index(source) :]
        with (ROOT / (name + ".lock")).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made_of = stamp.read_text() if stamp.is_file() else ""
            if made_of in [fingerprint(each) for each in enough]:
                return
            progress = Progress(name, self._display)
            progress.begin(f"installing {source}")
            if made_of not in [fingerprint(each) for each in layers]:
                self.create(name)
            self.install(name, source, progress)
            # Last of all: an environment without its stamp was left half made, and is made anew.
            stamp.write_text(fingerprint(source))

    def create(self, name: str) -> None:
        """Make the environment from nothing, with pip alone."""
        shutil.rmtree(ROOT / name, ignore_errors=True)
        self._run([sys.executable, "-m", "venv", str(ROOT / name)], lambda line: None)

    def install(self, name: str, source: str, progress: "Progress") -> None:
        """Each file that is installed has a hash that its requirements name, and none runs code to
        be built. What is never imported is not compiled, which is most of it. Raises
        CalledProcessError when pip fails twice.
        """
        command = [
            str(ROOT / name / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar=off",
            "--no-compile",
            "--require-hashes",
            "--only-binary=:all:",
            "-r",
            source,
        ]
        try:
            self._run(command, progress.read)
        except subprocess.CalledProcessError:
            # Most often a connection that broke.
            progress.begin("pip failed, trying again")
            try:
                self._run(command, progress.read)
            except subprocess.CalledProcessError as failure:
                progress.begin(f"pip failed:\n{failure.output}")
                raise

    def _run(self, command: "list[str]", read: "Callable[[str], None]") -> None:
        """Raises CalledProcessError, with what the program said."""
        said = []
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(os.environ, PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        ) as process:
            self._running.add(process)
            for line in process.stdout or ():
                said.append(line)
                read(line)
        self._running.discard(process)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, "".join(said))


class Progress:
    """Tells how far one environment is, from the lines that pip prints."""

    def __init__(self, name: str, display: Display) -> None:
        self._name, self._display = name, display
        self._collected = self._installing = 0

    def begin(self, text: str) -> None:
        """Tell what is done now, and count from nothing."""
        self._collected = self._installing = 0
        self._display.line(self._name, text)

    def read(self, line: str) -> None:
        """Follow one line of pip's output."""
        word, _, rest = line.strip().partition(" ")
        if word == "Collecting":
            self._collected += 1
            self._update(f"{self._collected} packages found, {rest.split()[0]}")
        elif line.startswith("Installing collected packages: "):
            self._installing = line.count(",") + 1
            self._update(f"installing {self._installing} packages")
        elif line.startswith("Successfully installed"):
            self._display.line(self._name, f"{self._installing} packages installed")

    def _update(self, text: str) -> None:
        self._display.update(self._name, text)


def main() -> None:
    """Make sure of the environments that are named on the command line, at once; end with a
    sentence where that cannot be.
    """
    if sys.version_info < OLDEST:
        sys.exit(
            f"Billhook needs Python 3.11 or newer, but {sys.executable} is"
            f" {sys.version.split()[0]}: name another with make PYTHON=python3.11."
        )
    parser = argparse.ArgumentParser(
        description=(
            "Make the virtual environments that are named, where they are missing or out of date."
        )
    )
    parser.add_argument("names", nargs="+", choices=sorted(REQUIREMENTS), metavar="environment")
    parser.add_argument(
        "--to-run", action="store_true", help="without what only tests and lint need"
    )
    asked = parser.parse_args()
    try:
        failed = Maker(Display(sys.stderr)).make_all(asked.names, asked.to_run)
    except KeyboardInterrupt:
        sys.exit(130)
    if failed:
        sys.exit(f"{', '.join(failed)} could not be made; what pip said stands above.")


if __name__ == "__main__":
    main()
