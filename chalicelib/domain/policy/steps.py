"""Reads and checks the sequences of billing.toml and their steps."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.policy.holdout import LARGEST_SHARE
from chalicelib.domain.policy.keys import (
    Check,
    Key,
    boolean,
    duration,
    duration_text,
    identifier,
    one_of,
    read_keys,
    table,
    text,
    text_list,
)
from chalicelib.domain.policy.people import INTERCOM, SEGMENT
from chalicelib.domain.policy.reasons import END_REASONS
from chalicelib.domain.policy.sequences import (
    ANCHORS,
    ANCHORS_OF_CONDITION,
    CONDITIONS,
    KNOWN_IN_ADVANCE,
    STREAMS,
    Step,
)

_WITH_ARGUMENT = frozenset({"milestone", "plan", "source", "reason"})
"""The conditions that are written `kind:name`."""


def read_steps(
    raw: Mapping[str, Any],
    plans: Collection[str],
    milestones: Collection[str],
    messages: Collection[str] | None,
    has_mail: bool,
    mistakes: list[str],
) -> tuple[Step, ...]:
    """The steps of all sequences that are on, in the order of the file. `messages` are the existing
    ones; None if they are not known.
    """
    sequences = table(raw, "sequences", mistakes)
    if sequences and not has_mail and "mail" not in raw:
        mistakes.append('mail: is required by the sequences. Example: [mail] product = "Acme"')
    keys = _step_keys(plans, milestones, messages)
    steps = [
        step
        for name in sequences
        for step in _sequence(name, table(sequences, name, mistakes), keys, mistakes)
    ]
    _check_unproved(raw, steps, mistakes)
    _check_ids(steps, mistakes)
    _check_holdouts(steps, mistakes)
    off = {name for name in sequences if table(sequences, name, []).get("on") is False}
    return tuple(step for step in steps if step.sequence not in off)


def _check_unproved(raw: Mapping[str, Any], steps: list[Step], mistakes: list[str]) -> None:
    unproved = raw["mail"].get("unproved", []) if isinstance(raw.get("mail"), dict) else []
    if isinstance(unproved, list):
        unknown = sorted({str(id) for id in unproved} - {step.id for step in steps})
        mistakes += [
            f'mail.unproved: there is no step "{id}" in the sequences. Example: unproved ='
            ' ["welcome"]'
            for id in unknown
        ]


def _check_ids(steps: list[Step], mistakes: list[str]) -> None:
    ids = [step.id for step in steps]
    mistakes += [
        f'sequences: the step id "{id}" is used twice. Example: id = "{id}_2"'
        for id in sorted({id for id in ids if ids.count(id) > 1})
    ]


def _check_holdouts(steps: list[Step], mistakes: list[str]) -> None:
    mistakes += [
        f"sequences.{step.sequence}: {step.id} is a billing notice, which every customer must get."
        " Example: hold_out = 0"
        for step in steps
        if step.hold_out and step.stream == "billing"
    ]


def _sequence(
    name: str, sequence: Mapping[str, Any], keys: Mapping[str, Key], mistakes: list[str]
) -> list[Step]:
    anchor = sequence.get("anchor")
    if wrong := one_of(*ANCHORS)(anchor):
        mistakes.append(f'sequences.{name}.anchor: {wrong}. Example: anchor = "trial_ends"')
    for unknown in set(sequence) - {"anchor", "on", "steps"}:
        mistakes.append(f"sequences.{name}.{unknown}: no such key. Known here: anchor, on, steps")
    if not isinstance(sequence.get("on", True), bool):
        mistakes.append(f"sequences.{name}.on: must be true or false. Example: on = false")
    steps = []
    for place, content in enumerate(sequence.get("steps", []), 1):
        before = len(mistakes)
        where = f"sequences.{name}.steps[{place}]."
        values = read_keys(content if isinstance(content, dict) else {}, keys, where, mistakes)
        _check_anchor(values, anchor, where, mistakes)
        if values["message"] is None and values["via"] is None:
            mistakes.append(f'{where}message: is required. Example: message = "welcome"')
        if len(mistakes) == before:
            steps.append(_step(name, str(anchor), values))
    return steps


def _check_anchor(values: Mapping[str, Any], anchor: Any, where: str, mistakes: list[str]) -> None:
    """The step's time and conditions must make sense for its anchor."""
    if (values["before"] is None) == (values["after"] is None):
        mistakes.append(f'{where}after: set either before or after. Example: before = "3d"')
    elif anchor not in KNOWN_IN_ADVANCE and values["before"] is not None:
        mistakes.append(
            f"{where}before: only {', '.join(sorted(KNOWN_IN_ADVANCE))} are known in advance."
            ' Example: after = "3d"'
        )
    for key in ("if", "unless"):
        for condition in values[key] if isinstance(values[key], list) else []:
            kind = str(condition).partition(":")[0]
            anchors = ANCHORS_OF_CONDITION.get(kind, frozenset(ANCHORS))
            if anchor not in anchors and anchor in ANCHORS:
                mistakes.append(
                    f'{where}{key}: "{condition}" needs the anchor {" or ".join(sorted(anchors))}.'
                    f' Example: {key} = ["access"]'
                )


def _step_keys(
    plans: Collection[str], milestones: Collection[str], messages: Collection[str] | None
) -> dict[str, Key]:
    condition = _conditions(plans, milestones)
    return {
        "id": Key(identifier, 'id = "three_days"'),
        "before": Key(duration_text, 'before = "3d"', required=False),
        "after": Key(duration_text, 'after = "1d"', required=False),
        "message": Key(
            text if messages is None else one_of(*messages), 'message = "welcome"', required=False
        ),
        "via": Key(one_of(INTERCOM, SEGMENT), f'via = "{INTERCOM}"', required=False),
        "stream": Key(one_of(*STREAMS), 'stream = "lifecycle"', "lifecycle", required=False),
        "tolerance": Key(duration_text, 'tolerance = "1d"', "1d", required=False),
        "at_any_hour": Key(boolean, "at_any_hour = true", False, required=False),
        "on_any_day": Key(boolean, "on_any_day = true", False, required=False),
        "hold_out": Key(_share, "hold_out = 0.1", 0, required=False),
        "if": Key(condition, 'if = ["no_card"]', [], required=False),
        "unless": Key(condition, 'unless = ["milestone:connected_data"]', [], required=False),
    }


def _share(value: Any) -> str | None:
    fits = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= LARGEST_SHARE
    )
    if fits:
        return None
    return (
        f"must be a share from 0 to {LARGEST_SHARE}: with more held out, too few accounts get the"
        " message to measure its effect"
    )


def _conditions(plans: Collection[str], milestones: Collection[str]) -> Check:
    names = {"plan": plans, "milestone": milestones, "reason": END_REASONS}

    def check(value: Any) -> str | None:
        if text_list(value):
            return "must be a list of conditions"
        for condition in value:
            kind, _, name = condition.partition(":")
            if kind not in CONDITIONS or bool(name) != (kind in _WITH_ARGUMENT):
                return f'has "{condition}", which is not one of {", ".join(CONDITIONS)}'
            if kind in names and name not in names[kind]:
                return f'names the {kind} "{name}", which does not exist'
        return None

    return check


def _step(sequence: str, anchor: str, values: Mapping[str, Any]) -> Step:
    is_before = values["before"] is not None
    length = duration(values["before" if is_before else "after"]) or timedelta(0)
    return Step(
        id=values["id"],
        sequence=sequence,
        anchor=anchor,
        offset=-length if is_before else length,
        message=values["message"] or "",
        stream=values["stream"],
        tolerance=duration(values["tolerance"]) or timedelta(0),
        at_any_hour=values["at_any_hour"],
        on_any_day=values["on_any_day"],
        only_if=tuple(values["if"]),
        unless=tuple(values["unless"]),
        hold_out=float(values["hold_out"]),
        via=values["via"] or "",
    )
