"""The libraries of the package: the wheels of requirements.txt, each with a hash that is named
there.

Chalice fetches by name and version once more where the first file does not fit Lambda, and checks
no hash then. So it packages without libraries, and these are put in beside its code.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from chalicelib.domain.errors import InvalidInput

PLATFORMS = {
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
}
"""Tags of the wheels that run on Lambda, by its name of the architecture. They ask for glibc 2.17;
Lambda's oldest image, Amazon Linux 2, has 2.26.
"""


def add_libraries(requirements: Path, architecture: str, code: Path) -> None:
    """Fetch what `requirements` pins, for Lambda and for the Python that runs this, and lay it into
    the folder `code`.

    Raises InvalidInput, with what pip says, if a file's hash is none of those that are named or if
    there is no wheel.
    """
    with tempfile.TemporaryDirectory(prefix="billhook-wheels-") as place:
        fetch(requirements, architecture, Path(place))
        for wheel in sorted(Path(place).iterdir()):
            unpack(wheel, code)


def fetch(requirements: Path, architecture: str, to: Path) -> None:
    """Download the wheels into the folder `to`. Raises InvalidInput."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", "{}.{}".format(*sys.version_info)]
    command += [f"--platform={platform}" for platform in PLATFORMS[architecture]]
    command += ["--dest", str(to), "--requirement", str(requirements)]
    done = subprocess.run(  # noqa: S603  # nosec B603 # pip, with arguments of our own
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InvalidInput(f"pip could not fetch {requirements.name}:\n{done.stderr}")


def unpack(wheel: Path, code: Path) -> None:
    """Lay a wheel's modules and its metadata into `code`. Its programs stay out: nothing on Lambda
    calls them.

    Raises InvalidInput if it has other data, for which there is no place there.
    """
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top, _, rest = name.partition("/")
            if not top.endswith(".data"):
                archive.extract(name, code)
            elif not rest.startswith("scripts/"):
                raise InvalidInput(f"{wheel.name} has a file that Lambda has no place for: {name}")
