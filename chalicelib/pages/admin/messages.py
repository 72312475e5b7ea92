"""What the dashboard shows of the messages in billing.toml."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from chalicelib.domain.policy.sequences import Step


def sequences_view(steps: Iterable[Step]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each sequence with its messages, in the order of billing.toml."""
    found: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        found.setdefault(step.sequence, []).append(
            {
                "id": step.id,
                "when": when_of(step),
                "stream": step.stream,
                "only_if": ", ".join(step.only_if),
                "unless": ", ".join(step.unless),
                "held_out": f"{step.hold_out:.0%}" if step.hold_out else "",
            }
        )
    return list(found.items())


def when_of(step: Step) -> str:
    """When a message goes out: "3 days after trial_started"."""
    anchor = step.anchor.replace("_", " ")
    if not step.offset:
        return f"At: {anchor}"
    side = "after" if step.offset > timedelta(0) else "before"
    return f"{_spoken(abs(step.offset))} {side}: {anchor}"


def _spoken(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    raise AssertionError("every number of minutes is one of minutes")
