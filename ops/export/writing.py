"""Writes records into a folder, a file for each kind of them."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from chalicelib.domain.errors import InvalidInput
from ops.export.cells import FORMATS, Record
from ops.export.export import PART
from ops.export.records import COLUMNS


def write_records(
    found: Iterable[tuple[str, Record]], folder: Path, format: str
) -> Mapping[str, int]:
    """Write each record behind the last one of its kind, as it comes. `format` is one of FORMATS.
    Returns how many each file has. The files are for their owner's eyes alone. Until all are
    complete, their names end with PART.

    Raises InvalidInput for a folder that is neither new nor empty, and whatever reading raises: an
    export that broke off is begun again in another folder.
    """
    write, head = FORMATS[format]
    counts = Counter(dict.fromkeys(COLUMNS, 0))
    with ExitStack() as opened:
        files = _open(folder, format, opened)
        for name, file in files.items():
            file.write(head(COLUMNS[name]))
        for name, record in found:
            files[name].write(write(record, COLUMNS[name]))
            counts[name] += 1
    for name in COLUMNS:
        os.replace(_part(folder, name, format), folder / f"{name}.{format}")
    return counts


def _part(folder: Path, name: str, format: str) -> Path:
    return folder / f"{name}.{format}{PART}"


def _open(folder: Path, format: str, opened: ExitStack) -> dict[str, TextIO]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty: name a folder that is new.", "folder")
        return {
            name: opened.enter_context(
                os.fdopen(
                    os.open(_part(folder, name, format), os.O_WRONLY | os.O_CREAT, 0o600),
                    "w",
                    encoding="utf-8",
                    newline="",
                )
            )
            for name in COLUMNS
        }
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written to: {error}", "folder") from error
