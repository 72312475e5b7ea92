"""Exports all data of a table: a paged scan into files of JSON Lines, which can be resumed."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import translate_errors
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.security.visible_text import visible
from ops.export.lines import FILES, line_of
from ops.export.progress import bar
from ops.stage.tables import description
from ops.terminal import print_progress

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A_PAGE = 1000
"""How many items a page has at most; DynamoDB ends it at 1 MB."""

STATE = "export.json"

PART = ".part"
"""Ends the name of each file until the export is complete: half a file does not look whole."""

_README = """# What Billhook holds

Exported from the table {table}, from {began} to {ended}: {total:,} items.

Each `.jsonl` file has one JSON object a line, in UTF-8. Times are ISO 8601 in UTC. Money is an
integer in minor units of its currency. Names are Stripe's where Stripe has one.

| file | lines | what |
| --- | --- | --- |
{rows}

Each item is as it was when it was read. The reading took from the first to the last of these
times: an item that was written meanwhile may be in its older or its newer state, and an item that
was created meanwhile may be missing. For the state of one moment, restore the table to a point in
time and export the restored table with `--table`.

Keyed hashes are the first 40 hex digits of HMAC-SHA256 over the value (an address in lower case)
with the secret `hash-key` of the stage. Whoever has that key can check whether an address is among
them. Nobody can recover an address from a hash.

These files hold personal data: protect them as you protect the table. Stripe's own records are at
Stripe and are not included.
"""


@dataclass(slots=True)
class Progress:
    """The progress of an export. `sizes` are the bytes of each file up to the last complete page;
    the scan continues at `cursor`.
    """

    table: str
    began: str
    ended: str | None = None
    cursor: Any = None
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FILES, 0))
    lines: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FILES, 0))


def export(
    table: str,
    folder: Path,
    dynamodb: "DynamoDBClient",
    say: Callable[[str], None],
    now: Callable[[], datetime],
) -> Progress:
    """Write every item of the table into `folder`, which must be new, empty, or an interrupted
    export of this table. Until it is complete, the names of its files end with PART.

    `say` gets a line after each page. Raises InvalidInput for another folder, NewerSchemaVersion,
    Unavailable: run it again to continue after the last page.
    """
    about = description(dynamodb, table).get("ItemCount", 0)
    progress = _begun(table, folder, now())
    while progress.ended is None:
        with translate_errors():
            start = {"ExclusiveStartKey": progress.cursor} if progress.cursor else {}
            page = dynamodb.scan(TableName=table, Limit=A_PAGE, ConsistentRead=True, **start)
        _append(page["Items"], folder, progress)
        progress.cursor = page.get("LastEvaluatedKey")
        if progress.cursor is None:
            progress.ended = _iso(now())
            for name in FILES:
                os.replace(_part(folder, name), _whole(folder, name))
            _private(folder / "README.md", _readme(progress).encode())
        _keep(progress, folder)
        done = sum(progress.lines.values())
        say(bar(done, about))
    return progress


def counter(text: str) -> None:
    """A progress line that overwrites itself."""
    print_progress(text, sys.stderr)


def _begun(table: str, folder: Path, now: datetime) -> Progress:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = json.loads((folder / STATE).read_text()) if (folder / STATE).exists() else None
        others = [path.name for path in folder.iterdir()]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{folder} cannot be written to: {error}", "folder") from error
    if state is None and others:
        raise InvalidInput(f"{folder} is not empty: name a folder that is new.", "folder")
    if state is None:
        _keep(progress := Progress(table, _iso(now)), folder)
        return progress
    try:
        progress = Progress(**state)
    except TypeError as error:
        raise InvalidInput(
            f"{folder / STATE} does not say how far an export is: name a folder that is new.",
            "folder",
        ) from error
    if progress.table != table or progress.ended:
        raise InvalidInput(
            f"{folder} holds an export of {progress.table} from {progress.began} already: name a"
            " folder that is new.",
            "folder",
        )
    for name in FILES:
        # It broke off when some files had their names already, or a release before began it.
        if _whole(folder, name).exists() and not _part(folder, name).exists():
            os.replace(_whole(folder, name), _part(folder, name))
    return progress


def _whole(folder: Path, name: str) -> Path:
    return folder / f"{name}.jsonl"


def _part(folder: Path, name: str) -> Path:
    return folder / f"{name}.jsonl{PART}"


def _append(items: list[Any], folder: Path, progress: Progress) -> None:
    """Write a page behind the last one. What an interrupted run wrote after that is overwritten."""
    page: dict[str, list[bytes]] = {name: [] for name in FILES}
    for item in items:
        name, line = line_of(item)
        page[name].append(
            visible(json.dumps(line, ensure_ascii=False, separators=(",", ":")), kept="").encode()
            + b"\n"
        )
    for name, lines in page.items():
        with _opened(_part(folder, name)) as file:
            file.truncate(progress.sizes[name])
            file.seek(progress.sizes[name])
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            progress.sizes[name] = file.tell()
        progress.lines[name] += len(lines)


def _keep(progress: Progress, folder: Path) -> None:
    _private(folder / f"{STATE}.new", (json.dumps(asdict(progress), indent=1) + "\n").encode())
    os.replace(folder / f"{STATE}.new", folder / STATE)


def _private(path: Path, content: bytes) -> None:
    with _opened(path) as file:
        file.truncate(0)
        file.write(content)


def _opened(path: Path) -> BufferedRandom:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _readme(progress: Progress) -> str:
    rows = "\n".join(
        f"| {name}.jsonl | {progress.lines[name]:,} | {what} |" for name, what in FILES.items()
    )
    return _README.format(
        table=progress.table,
        began=progress.began,
        ended=progress.ended,
        total=sum(progress.lines.values()),
        rows=rows,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
