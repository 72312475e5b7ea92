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
from pathlib import Path
from typing import TextIO

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = {
    ".venv": "requirements-dev.txt",
    ".emulator": "requirements-emulator.txt",
    ".checks": "requirements-checks.txt",
    ".replica": "requirements-replica.txt",
}
"""Each environment with the file that is installed into it. `make locks` writes these files."""


def fingerprint(name: str) -> str:
    """What an environment was made of: its requirements, this Python, and its place (the scripts in
    it hold absolute paths).
    """
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{ROOT}\n".encode())
    digest.update((ROOT / REQUIREMENTS[name]).read_bytes())
    return digest.hexdigest()


def ensure(name: str) -> None:
    """Return once the environment is there and up to date. Raises CalledProcessError when pip fails
    twice.
    """
    stamp = ROOT / name / "made-of"
    with (ROOT / (name + ".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text() == fingerprint(name)):
            make(name)
            # Last of all: an environment without its stamp was left half made, and is made anew.
            stamp.write_text(fingerprint(name))


def make(name: str) -> None:
    """Make the environment from nothing, and tell on stderr how far that is. Each file that is
    installed has a hash that its requirements name, and none runs code to be built. Raises
    CalledProcessError when pip fails twice.
    """
    source = REQUIREMENTS[name]
    shutil.rmtree(ROOT / name, ignore_errors=True)
    progress = Progress(name, sys.stderr)
    progress.begin(f"installing {source}, which takes some minutes")
    subprocess.run([sys.executable, "-m", "venv", str(ROOT / name)], check=True)
    install(
        [
            str(ROOT / name / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar=off",
            "--require-hashes",
            "--only-binary=:all:",
            "-r",
            source,
        ],
        progress,
    )


class Progress:
    """Tells how far pip is, from the lines that it prints. A terminal gets one line that changes,
    anything else the first and the last.
    """

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name, self._stream = name, stream
        self._collected = self._installing = 0

    def begin(self, text: str) -> None:
        """Tell what is done now, and count from nothing."""
        self._collected = self._installing = 0
        self._show(text, "\n")

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
            self._show(f"{self._installing} packages installed", "\n")

    def _update(self, text: str) -> None:
        if self._stream.isatty():
            self._show(text, "")

    def _show(self, text: str, end: str) -> None:
        start = "\r\x1b[K" if self._stream.isatty() else ""
        print(f"{start}{self._name}: {text}", end=end, file=self._stream, flush=True)


def install(command: "list[str]", progress: Progress) -> None:
    """Run pip, and once more if it fails: the first failure is most often a connection that broke.
    Tells what pip said, and raises CalledProcessError, if it fails twice.
    """
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    for attempt in (1, 2):
        said = []
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                progress.read(line)
        if process.returncode == 0:
            return
        progress.begin("pip failed" + (", trying again" if attempt == 1 else ":"))
    print("".join(said), file=sys.stderr)
    raise subprocess.CalledProcessError(process.returncode, command)


def main() -> None:
    """Make sure of the environments that are named on the command line; end with a sentence where
    that cannot be.
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
    for name in parser.parse_args().names:
        try:
            ensure(name)
        except subprocess.CalledProcessError:
            sys.exit(f"{name} could not be made; what pip said stands above.")
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == "__main__":
    main()
