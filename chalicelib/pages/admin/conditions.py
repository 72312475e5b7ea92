"""What the dashboard shows of the conditions that need a person."""

from typing import Any

from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions


def open_now(known: OpenConditions | None) -> list[dict[str, Any]]:
    """The conditions that are open, the newest first, each with what it means."""
    entries = known.entries if known else ()
    return [
        {
            "name": one.name,
            "means": CONDITIONS[one.name].means if one.name in CONDITIONS else "",
            "since": one.since,
            "seen_at": one.seen_at,
            "details": one.details,
        }
        for one in sorted(entries, key=lambda one: one.seen_at, reverse=True)
    ]
