"""Figures in the table, and the files of exports."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from chalicelib.domain.figures.closing import Mark
from chalicelib.domain.figures.contributions import FigureKey


class FigureStore(Protocol):
    """Figures in the table: see aws/figures.py. Every method raises Unavailable."""

    def put(self, key: FigureKey, account_id: str, text: str, rank: int) -> None:
        """Write what an account contributes to a figure, unless a version of a higher rank has
        written it; an empty text for nothing.
        """

    def kept(
        self, of: Sequence[tuple[FigureKey, str]]
    ) -> dict[tuple[FigureKey, str], tuple[str, int]]:
        """These contributions, and the rank by which each was written, if it was: a consistent
        read.
        """

    def contributions(self, key: FigureKey) -> list[str]:
        """All contributions to a figure that are not empty."""

    def by_hash(self, key: FigureKey) -> dict[str, str]:
        """All contributions to a figure that are not empty, by the hash of the account's id."""

    def hash_of(self, account_id: str) -> str:
        """The hash that stands for an account."""

    def erased(self, hashes: Sequence[str]) -> set[str]:
        """Those of the hashes that stand for accounts that were erased."""

    def take_back(self, key: FigureKey, hash: str, rank: int) -> None:
        """Take back a contribution that is of no account."""

    def rows(self, kind: str, first: date, last: date) -> dict[date, str]:
        """The rows of these days that there are."""

    def rows_behind(
        self, kind: str, first: date, last: date
    ) -> tuple[tuple[date, str] | None, dict[date, str]]:
        """The last row before the day `first`, and the rows from it to the day `last`, the oldest
        first: one call.
        """

    def put_rows(self, kind: str, rows: Mapping[date, str]) -> None:
        """Write rows; an empty text deletes one."""

    def mark(self, key: FigureKey, at: datetime) -> None:
        """Mark a row that is to be written again."""

    def marks(self, kind: str) -> list[Mark]:
        """The marks of a kind's rows."""

    def unmark(self, kind: str, mark: Mark) -> None:
        """Take a mark away, unless the row was marked again since."""


class ExportFiles(Protocol):
    """Where the files of nightly exports are; see aws/jobs/export_files.py."""

    def put(self, key: str, content: bytes) -> None:
        """Write a file, in place of one of that name."""

    def clear(self, folder: str) -> None:
        """Delete all files whose name begins with `folder`."""
