"""Packs the code for Lambda: with bytecode, without the data of unused languages, and the same
bytes for the same files.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can store."""

_COMPILE = """
import compileall, py_compile, sys
done = compileall.compile_dir(
    sys.argv[1],
    quiet=1,
    stripdir=sys.argv[1],
    prependdir="/var/task",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    workers=1,
)
sys.exit(not done)
"""


def keep_locales(folder: Path, languages: Iterable[str]) -> None:
    """Delete Babel's data of all languages except these and those that they build on: of 31 MB half
    a MB remains. Raises FileNotFoundError for a language that Babel does not know.
    """
    data = folder / "babel" / "locale-data"
    kept = {data / f"{name}.dat" for name in ("root", *languages)}
    for path in kept:
        path.stat()
    for path in set(data.glob("*.dat")) - kept:
        path.unlink()


def compile_all(folder: Path) -> None:
    """Put bytecode beside every module below `folder`, for the Python that runs this.

    /var/task is read-only on Lambda, so without it every cold start would compile everything again.
    Unchecked: the sources there never change. Raises CalledProcessError for a module that does not
    compile.
    """
    # A process of its own: the order of a frozenset in bytecode hangs on the hash seed.
    command = [sys.executable, "-c", _COMPILE, str(folder)]
    seed = {"PYTHONHASHSEED": "0"}
    subprocess.run(command, check=True, env=seed)  # noqa: S603  # nosec B603 # our own compiler


def pack(folder: Path, archive: Path) -> None:
    """Zip the files below `folder` in order, readable to all and with one time, so that the same
    files give the same bytes.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _LONG_AGO)
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, path.read_bytes(), compresslevel=9)
