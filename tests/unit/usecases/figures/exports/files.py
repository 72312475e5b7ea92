"""The files of nightly exports, in memory."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.errors import Unavailable
from tests.unit.domain.figures.exports.parquet_reading import read


@dataclass
class MemoryFiles:
    """Files by their key; `order` has each that was put. The put of the number `fails_at`, from 1,
    and no other, fails."""

    kept: dict[str, bytes] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    fails_at: int | None = None

    def put(self, key: str, content: bytes) -> None:
        self.order.append(key)
        if len(self.order) == self.fails_at:
            raise Unavailable("S3 is down.")
        self.kept[key] = content

    def clear(self, folder: str) -> None:
        for key in [one for one in self.kept if one.startswith(folder)]:
            del self.kept[key]

    def rows(self, table: str, night: str) -> list[dict[str, Any]]:
        """All rows of a table in a night."""
        folder = f"{table}/dt={night}/part-"
        keys = sorted(one for one in self.kept if one.startswith(folder))
        return [row for key in keys for row in read(self.kept[key])[1]]
