"""Makes the virtual environments that development needs, and makes them again when their
requirements have changed.

Run by whatever `python3` a machine has, so it uses the standard library only and must be readable
to an old Python, if only to refuse it.
"""

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = {
    ".venv": ("requirements-dev.txt", "requirements.txt"),
    ".emulator": ("requirements-emulator.txt",),
    ".checks": ("requirements-checks.txt",),
}
"""Each environment with the file that is installed into it, followed by the files which that one
includes.
"""


def fingerprint(name: str) -> str:
    """What an environment was made of: its requirements, this Python, and its place (the scripts in
    it hold absolute paths).
    """
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{ROOT}\n".encode())
    for file in REQUIREMENTS[name]:
        digest.update((ROOT / file).read_bytes())
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
    """Make the environment from nothing."""
    source = REQUIREMENTS[name][0]
    print(f"Installing {source} into {name} …", file=sys.stderr, flush=True)
    shutil.rmtree(ROOT / name, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(ROOT / name)], check=True)
    install = [
        str(ROOT / name / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "-r",
        source,
    ]
    # Only the second failure is shown: the first is most often a connection that broke.
    if subprocess.run(install, cwd=ROOT, capture_output=True, check=False).returncode != 0:
        subprocess.run(install, cwd=ROOT, stdout=sys.stderr, check=True)


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


if __name__ == "__main__":
    main()
