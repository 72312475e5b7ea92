"""Figures and counts of messages in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.figures.closing import Mark
from chalicelib.domain.figures.contributions import FigureKey
from chalicelib.domain.messaging.mail_counts import MailCount


@dataclass
class MemoryMailCounts:
    """Counts of messages in memory, by week, step and name."""

    numbers: Counter[tuple[date, str, str]] = field(default_factory=Counter)

    def count(self, week: date, step: str, name: str) -> None:
        self.numbers[week, step, name] += 1

    def of_weeks(self, first: date, last: date) -> list[MailCount]:
        return [
            MailCount(step, **{name: number})
            for (week, step, name), number in self.numbers.items()
            if first <= week <= last
        ]


@dataclass
class MemoryFigures:
    """Figures in memory, under the same conditions as in DynamoDB; `written` counts the puts."""

    graves: set[str] = field(default_factory=set)
    texts: dict[tuple[FigureKey, str], tuple[str, int]] = field(default_factory=dict)
    summed: dict[tuple[str, date], str] = field(default_factory=dict)
    marked: dict[tuple[str, date], datetime] = field(default_factory=dict)
    written: int = 0

    def put(self, key: FigureKey, account_id: str, text: str, rank: int) -> None:
        self.written += 1
        known = self.texts.get((key, account_id))
        if known is None or known[1] <= rank:
            self.texts[key, account_id] = (text, rank)

    def kept(
        self, of: Sequence[tuple[FigureKey, str]]
    ) -> dict[tuple[FigureKey, str], tuple[str, int]]:
        return {one: self.texts[one] for one in of if one in self.texts}

    def contributions(self, key: FigureKey) -> list[str]:
        return list(self.by_hash(key).values())

    def by_hash(self, key: FigureKey) -> dict[str, str]:
        return {id: text for (of, id), (text, _) in self.texts.items() if of == key and text}

    def hash_of(self, account_id: str) -> str:
        return account_id

    def erased(self, hashes: Sequence[str]) -> set[str]:
        return {one for one in hashes if tombstone_of_account(one) in self.graves}

    def take_back(self, key: FigureKey, hash: str, rank: int) -> None:
        self.put(key, hash, "", rank)

    def rows(self, kind: str, first: date, last: date) -> dict[date, str]:
        return {
            day: text
            for (of, day), text in sorted(self.summed.items())
            if of == kind and first <= day <= last
        }

    def rows_behind(
        self, kind: str, first: date, last: date
    ) -> tuple[tuple[date, str] | None, dict[date, str]]:
        found = {day: text for (of, day), text in self.summed.items() if of == kind}
        days = [day for day in found if day < first]
        return (max(days), found[max(days)]) if days else None, self.rows(kind, first, last)

    def put_rows(self, kind: str, rows: Mapping[date, str]) -> None:
        for day, text in rows.items():
            self.summed.pop((kind, day), None)
            if text:
                self.summed[kind, day] = text

    def mark(self, key: FigureKey, at: datetime) -> None:
        self.marked[key.kind, key.day] = at

    def marks(self, kind: str) -> list[Mark]:
        return [Mark(day, at) for (of, day), at in self.marked.items() if of == kind]

    def unmark(self, kind: str, mark: Mark) -> None:
        if self.marked.get((kind, mark.day)) == mark.at:
            del self.marked[kind, mark.day]
