"""The part of billing.toml that is about mail, read and checked."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from zoneinfo import available_timezones

from chalicelib.domain.policy.holdout import MOST
from chalicelib.domain.policy.keys import Key, one_of, read, table, text, texts, whole
from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES
from chalicelib.domain.policy.policy import Milestone
from chalicelib.domain.policy.sequences import (
    ANCHORS,
    CONDITIONS,
    CONDITIONS_OF,
    FORESEEN,
    REASONS_TO_LEAVE,
    STREAMS,
    Hours,
    MailPolicy,
    Step,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def duration(value: Any) -> timedelta | None:
    """What `3d`, `12h` or `30m` says, up to a year; None for anything else."""
    match = re.fullmatch(r"(\d{1,4})([mhdw])", value) if isinstance(value, str) else None
    length = int(match[1]) * _UNITS[match[2]] if match else None
    return length if length is not None and length <= timedelta(days=366) else None


def _duration(value: Any) -> str | None:
    return (
        None
        if duration(value) is not None
        else "must be a length of time such as 3d, 12h or 30m, a year at most"
    )


def _address(value: Any) -> str | None:
    _, address = parseaddr(value) if isinstance(value, str) else ("", "")
    fits = re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) and not re.search(
        r"[\x00-\x1f]", str(value)
    )
    return None if fits else "must be an e-mail address, with or without a name"


def _link(value: Any) -> str | None:
    return (
        None
        if isinstance(value, str) and re.fullmatch(r"https://[^\s<>\"]+", value)
        else "must be an https address"
    )


def _in_languages(value: Any) -> str | None:
    """A text, or one for each of some languages."""
    known = isinstance(value, dict) and value and value.keys() <= LANGUAGES.keys()
    fits = text(value) is None or (known and all(text(one) is None for one in value.values()))
    return None if fits else f"must be a text, or a text for some of {', '.join(LANGUAGES)}"


def _by_language(value: str | Mapping[str, str] | None, language: str) -> dict[str, str]:
    return {language: value} if isinstance(value, str) else dict(value or {})


def _share(value: Any) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
    return (
        None
        if fits
        else (
            f"must be a share from 0 to {MOST}: of a message that most do not get, little can be"
            " learnt"
        )
    )


def _zone(value: Any) -> str | None:
    return None if value in available_timezones() else "is no zone of the IANA database"


def _days(value: Any) -> str | None:
    fits = isinstance(value, list) and value and set(value) <= set(DAYS)
    return None if fits else f"must list at least one of {', '.join(DAYS)}"


def _hours(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(hour, int) for hour in value)
        and 0 <= value[0] < value[1] <= 24
    )
    return None if fits else "must be two hours of the day, the first before the second"


_MAIL = {
    "product": Key(text, 'product = "Acme"'),
    "sender": Key(text, 'sender = "Ada"'),
    "from_lifecycle": Key(_address, 'from_lifecycle = "Ada at Acme <ada@mail.acme.example>"'),
    "from_billing": Key(_address, 'from_billing = "Acme <billing@mail.acme.example>"'),
    "support_email": Key(_address, 'support_email = "help@acme.example"'),
    "postal_address": Key(text, 'postal_address = "Acme Ltd, 1 High Street, Leeds, UK"'),
    "app_url": Key(_link, 'app_url = "https://app.acme.example"'),
    "billing_url": Key(
        _link, 'billing_url = "https://app.acme.example/billing"', "", required=False
    ),
    "booking_url": Key(_link, 'booking_url = "https://cal.example/ada"', "", required=False),
    "timezone": Key(_zone, 'timezone = "Europe/Vienna"', "UTC", required=False),
    "days": Key(
        _days,
        'days = ["mon", "tue", "wed", "thu", "fri"]',
        ["mon", "tue", "wed", "thu", "fri"],
        required=False,
    ),
    "hours": Key(_hours, "hours = [9, 18]", [9, 18], required=False),
    "a_day": Key(whole(1, 10), "a_day = 1", 1, required=False),
    "a_week": Key(whole(1, 50), "a_week = 3", 3, required=False),
    "language": Key(one_of(*LANGUAGES), 'language = "en"', DEFAULT, required=False),
    "news": Key(_in_languages, 'news = "Reports can be sent by mail now."', required=False),
    "news_url": Key(_link, 'news_url = "https://acme.example/news"', "", required=False),
    "unproved": Key(
        texts,
        'unproved = ["welcome", "three_days", "ended"]',
        ["welcome", "three_days", "ended"],
        required=False,
    ),
}


_MILESTONE = {
    "name": Key(
        lambda value: (
            None
            if isinstance(value, str) and _NAME.fullmatch(value)
            else "must be made of a-z, 0-9 and _"
        ),
        'name = "connected_data"',
    ),
    "title": Key(_in_languages, 'title = "Connect your data"', required=False),
    "article_url": Key(
        _link, 'article_url = "https://acme.example/help/connect"', "", required=False
    ),
    "after": Key(_duration, 'after = "2d"', "2d", required=False),
}


def read_milestones(raw: Mapping[str, Any], mistakes: list[str]) -> dict[str, Milestone]:
    """What the product may report, by name: each a name alone, or a table with more."""
    value = raw.get("milestones", [])
    tables = (
        [{"name": one} if isinstance(one, str) else one for one in value]
        if isinstance(value, list)
        else [None]
    )
    names = [one.get("name") if isinstance(one, dict) else None for one in tables]
    if len(set(map(str, names))) < len(names) or not all(
        isinstance(name, str) and _NAME.fullmatch(name) for name in names
    ):
        mistakes.append(
            "milestones: must list different names made of a-z, 0-9 and _. Example: milestones ="
            ' ["connected_data"]'
        )
        return {}
    before = len(mistakes)
    found = [
        read(one, _MILESTONE, f"milestones[{place}].", mistakes)
        for place, one in enumerate(tables, 1)
        if one is not None
    ]
    if len(mistakes) > before:
        return {}
    mail = raw.get("mail")
    language = str(mail.get("language", DEFAULT)) if isinstance(mail, dict) else DEFAULT
    return {
        one["name"]: Milestone(
            one["name"],
            _by_language(one["title"], language),
            one["article_url"],
            duration(one["after"]) or timedelta(0),
        )
        for one in found
    }


def read_mail(raw: Mapping[str, Any], mistakes: list[str]) -> MailPolicy | None:
    """The table `mail`; None if there is none, and then no mail is sent."""
    if "mail" not in raw:
        return None
    before = len(mistakes)
    mail = read(table(raw, "mail", mistakes), _MAIL, "mail.", mistakes)
    if len(mistakes) > before:
        return None
    return MailPolicy(
        product=mail["product"],
        sender=mail["sender"],
        senders={"lifecycle": mail["from_lifecycle"], "billing": mail["from_billing"]},
        support_email=mail["support_email"],
        postal_address=mail["postal_address"],
        app_url=mail["app_url"],
        billing_url=mail["billing_url"],
        booking_url=mail["booking_url"],
        timezone=mail["timezone"],
        hours=Hours(frozenset(DAYS.index(day) for day in mail["days"]), *mail["hours"]),
        a_day=mail["a_day"],
        a_week=mail["a_week"],
        unproved=tuple(mail["unproved"]),
        language=mail["language"],
        news=_by_language(mail["news"], mail["language"]),
        news_url=mail["news_url"],
    )


def read_steps(
    raw: Mapping[str, Any],
    plans: Collection[str],
    milestones: Collection[str],
    messages: Collection[str] | None,
    has_mail: bool,
    mistakes: list[str],
) -> tuple[Step, ...]:
    """The steps of all sequences that are on, in the order of the file."""
    sequences = table(raw, "sequences", mistakes)
    if sequences and not has_mail and "mail" not in raw:
        mistakes.append(
            'mail: is needed where there are sequences. Example: [mail] product = "Acme"'
        )
    keys = _step_keys(plans, milestones, messages)
    steps = [
        step
        for name in sequences
        for step in _sequence(name, table(sequences, name, mistakes), keys, mistakes)
    ]
    ids = [step.id for step in steps]
    unproved = raw["mail"].get("unproved", []) if isinstance(raw.get("mail"), dict) else []
    if isinstance(unproved, list):
        strange = sorted({str(id) for id in unproved} - set(ids))
        mistakes += [
            f'mail.unproved: there is no step "{id}" in the sequences. Example: unproved ='
            ' ["welcome"]'
            for id in strange
        ]
    mistakes += [
        f'sequences: the step id "{id}" is there twice. Example: id = "{id}_2"'
        for id in sorted({id for id in ids if ids.count(id) > 1})
    ]
    _check_hold_outs(steps, mistakes)
    silent = {name for name in sequences if table(sequences, name, []).get("on") is False}
    return tuple(step for step in steps if step.sequence not in silent)


def _sequence(
    name: str, sequence: Mapping[str, Any], keys: Mapping[str, Key], mistakes: list[str]
) -> list[Step]:
    anchor = sequence.get("anchor")
    if one_of(*ANCHORS)(anchor):
        mistakes.append(
            f"sequences.{name}.anchor: must be one of {', '.join(ANCHORS)}. Example: anchor ="
            ' "trial_ends"'
        )
    for unknown in set(sequence) - {"anchor", "on", "steps"}:
        mistakes.append(f"sequences.{name}.{unknown}: no such key. Known here: anchor, on, steps")
    if not isinstance(sequence.get("on", True), bool):
        mistakes.append(f"sequences.{name}.on: must be true or false. Example: on = false")
    steps = []
    for place, content in enumerate(sequence.get("steps", []), 1):
        before = len(mistakes)
        where = f"sequences.{name}.steps[{place}]."
        step = read(content if isinstance(content, dict) else {}, keys, where, mistakes)
        _check_fit(step, anchor, where, mistakes)
        if len(mistakes) == before:
            steps.append(_step(name, str(anchor), step))
    return steps


def _check_fit(step: Mapping[str, Any], anchor: Any, where: str, mistakes: list[str]) -> None:
    """What a step says must be known of the moment that it is anchored to."""
    if (step["before"] is None) == (step["after"] is None):
        mistakes.append(
            f'{where}after: one of before and after must be given. Example: before = "3d"'
        )
    elif anchor not in FORESEEN and step["before"] is not None:
        mistakes.append(
            f"{where}before: only the end of a trial or of a card and the next try are known before"
            ' they come. Example: after = "3d"'
        )
    for key in ("if", "unless"):
        for condition in step[key] if isinstance(step[key], list) else []:
            anchors = CONDITIONS_OF.get(str(condition).partition(":")[0], frozenset(ANCHORS))
            if anchor not in anchors and anchor in ANCHORS:
                mistakes.append(
                    f'{where}{key}: "{condition}" is known of {" and ".join(sorted(anchors))} only.'
                    f' Example: {key} = ["access"]'
                )


def _check_hold_outs(steps: list[Step], mistakes: list[str]) -> None:
    notices = [step for step in steps if step.hold_out and step.stream == "billing"]
    mistakes += [
        f"sequences.{step.sequence}: {step.id} is a billing notice, which is for everybody."
        " Example: hold_out = 0"
        for step in notices
    ]


def _step_keys(
    plans: Collection[str], milestones: Collection[str], messages: Collection[str] | None
) -> dict[str, Key]:
    condition = _conditions(plans, milestones)
    return {
        "id": Key(
            lambda value: (
                None
                if isinstance(value, str) and _NAME.fullmatch(value)
                else "must be made of a-z, 0-9 and _"
            ),
            'id = "three_days"',
        ),
        "before": Key(_duration, 'before = "3d"', required=False),
        "after": Key(_duration, 'after = "1d"', required=False),
        "message": Key(text if messages is None else one_of(*messages), 'message = "welcome"'),
        "stream": Key(one_of(*STREAMS), 'stream = "lifecycle"', "lifecycle", required=False),
        "tolerance": Key(_duration, 'tolerance = "1d"', "1d", required=False),
        "at_any_hour": Key(one_of(True, False), "at_any_hour = true", False, required=False),
        "on_any_day": Key(one_of(True, False), "on_any_day = true", False, required=False),
        "hold_out": Key(_share, "hold_out = 0.1", 0, required=False),
        "if": Key(condition, 'if = ["no_card"]', [], required=False),
        "unless": Key(condition, 'unless = ["milestone:connected_data"]', [], required=False),
    }


def _conditions(plans: Collection[str], milestones: Collection[str]) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if texts(value):
            return "must be a list of conditions"
        for condition in value:
            kind, _, name = condition.partition(":")
            if kind not in CONDITIONS or bool(name) != (
                kind in {"milestone", "plan", "source", "reason"}
            ):
                return (
                    f'has "{condition}", which is no condition; there are {", ".join(CONDITIONS)}'
                )
            if (
                (kind == "plan" and name not in plans)
                or (kind == "milestone" and name not in milestones)
                or (kind == "reason" and name not in REASONS_TO_LEAVE)
            ):
                return f'names the {kind} "{name}", which there is not'
        return None

    return check


def _step(sequence: str, anchor: str, step: Mapping[str, Any]) -> Step:
    length = duration(step["after"] if step["before"] is None else step["before"]) or timedelta(0)
    return Step(
        id=step["id"],
        sequence=sequence,
        anchor=anchor,
        offset=-length if step["before"] is not None else length,
        message=step["message"],
        stream=step["stream"],
        tolerance=duration(step["tolerance"]) or timedelta(0),
        at_any_hour=step["at_any_hour"],
        on_any_day=step["on_any_day"],
        only_if=tuple(step["if"]),
        unless=tuple(step["unless"]),
        hold_out=float(step["hold_out"]),
    )
