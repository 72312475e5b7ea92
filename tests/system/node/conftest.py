"""What is written in TypeScript and JavaScript, run by node against the local system.

Only the full run has these tests, and only where there are node and npm: they install packages.
package-lock.json has a hash for each, which `npm ci` checks.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.grids import GRID
from tests.fakes.services import ROOT

HERE = Path(__file__).parent
PLACE = ROOT / "out" / "node"

if GRID != "full" or not (shutil.which("node") and shutil.which("npm")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the installed packages, kept until the lock changes."""
    lock, stamp = (HERE / "package-lock.json").read_text(), PLACE / "made-of"
    if not stamp.is_file() or stamp.read_text() != lock:
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, PLACE)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=PLACE, check=True)
        stamp.write_text(lock)
    return PLACE / "node_modules"
