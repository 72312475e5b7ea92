"""The peers' own environments, below out/peers: made on demand from the package registries, kept
until what they are made of changes.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.server import ROOT

PLACE = ROOT / "out" / "peers"
DJSTRIPE = ROOT / "bench" / "peers" / "requirements-djstripe.txt"
"""What dj-stripe needs to answer, pinned and hashed by `make locks`."""
SYNC_ENGINE = {"@supabase/stripe-sync-engine": "0.48.5", "stripe": "20.0.0"}
VERSIONS = {"dj-stripe": "2.11.0", "sync-engine": SYNC_ENGINE["@supabase/stripe-sync-engine"]}


class NoNode(Exception):
    """node and npm are not installed."""


def django() -> Path:
    """The Python that has dj-stripe. Raises CalledProcessError if pip fails."""
    place, made_of = PLACE / "djstripe", DJSTRIPE.read_text()
    python = place / "bin" / "python"
    if not _is(place, made_of):
        print(f"installing dj-stripe {VERSIONS['dj-stripe']}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
        subprocess.run([*command, "--require-hashes", "-r", str(DJSTRIPE)], check=True)
        _keep(place, made_of)
    return python


def node_modules() -> Path:
    """The folder that holds the node_modules of the sync engine. Raises NoNode, and
    CalledProcessError if npm fails.
    """
    place, made_of = PLACE / "sync-engine", json.dumps(SYNC_ENGINE)
    if not shutil.which("node") or not shutil.which("npm"):
        raise NoNode("Install node and npm: the sync engine needs them.")
    if not _is(place, made_of):
        print(f"installing the sync engine {VERSIONS['sync-engine']}", flush=True)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        package = {"name": "peers", "private": True, "type": "module", "dependencies": SYNC_ENGINE}
        (place / "package.json").write_text(json.dumps(package))
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(command, cwd=place, check=True)
        _keep(place, made_of)
    return place


def _is(place: Path, made_of: str) -> bool:
    stamp = place / "made-of"
    return stamp.is_file() and stamp.read_text() == made_of


def _keep(place: Path, made_of: str) -> None:
    (place / "made-of").write_text(made_of)
