"""How far the export of a night is, and what comes next in it.

A night is the day in UTC on which it begins. Its files are at keys that only the night and the
number of the part decide, so a step that is done again writes them again.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta

from chalicelib.domain.figures.exports.tables import TABLES
from chalicelib.values import frozen, replace

HELD = timedelta(minutes=6)
"""So long a run has the export for itself: longer than its function may take. A run that died
leaves it to one behind that."""

CLEAR, ACCOUNTS, REVENUE, EVENTS, SEAL = "clear", "accounts", "revenue", "events", "seal"
PHASES = (CLEAR, ACCOUNTS, REVENUE, EVENTS, SEAL)
"""A night's steps: the folder is emptied, then filled, and marked as complete at last."""

MARKER = "_SUCCESS"
"""The file that marks a complete night in the folder of each table. Readers of Parquet pass over
names that begin with `_`."""


@frozen
class NightlyExport:
    """The export of a night. `cursor` is where its phase goes on in its list, None before the first
    part; `part` the number of the next file. `feed` is behind the events that earlier nights have,
    None before the first. `rows` are those written so far by table. `held_until` is set while a run
    works on it; `version` counts the writes of this state.
    """

    night: str
    began: datetime
    phase: str = CLEAR
    cursor: str | None = None
    part: int = 0
    feed: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    held_until: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0


def due_export(state: NightlyExport | None, now: datetime) -> NightlyExport | None:
    """The export to begin or to go on with, held by this run; None if tonight's is complete, or
    another run works on it. A night that was not completed before the next one began is left as it
    is, without its marker; its events are in the next one.
    """
    night = now.astimezone(UTC).date().isoformat()
    if state and state.held_until and now < state.held_until:
        return None
    if state and state.night >= night:
        return None if state.ended_at else replace(state, held_until=now + HELD)
    feed, version = (state.feed, state.version) if state else (None, 0)
    return NightlyExport(night, now, feed=feed, held_until=now + HELD, version=version)


def with_part(state: NightlyExport, rows: Mapping[str, int], cursor: str | None) -> NightlyExport:
    """The state after a part with so many rows by table; without a cursor the phase is over."""
    counts = {name: state.rows.get(name, 0) + rows.get(name, 0) for name in TABLES}
    following = replace(state, rows=counts, cursor=cursor, part=state.part + 1)
    return following if cursor else with_next_phase(following)


def with_next_phase(state: NightlyExport) -> NightlyExport:
    """The state at the begin of the next phase."""
    following = PHASES[PHASES.index(state.phase) + 1]
    return replace(state, phase=following, cursor=None, part=0)


def sealed(state: NightlyExport, now: datetime) -> NightlyExport:
    """The state once the night is complete."""
    return replace(state, ended_at=now)


def folder(table: str, night: str) -> str:
    """Where a table's files of a night are."""
    return f"{table}/dt={night}/"


def part_key(table: str, state: NightlyExport) -> str:
    """The key of the next file of a table."""
    return f"{folder(table, state.night)}part-{state.part:05}.parquet"
