"""The part of billing.toml that says what the team is told."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import Key, one_of, read, table, texts, whole
from chalicelib.domain.policy.policy import OperatorsPolicy

NOTICES = {
    "signup": "A free trial began.",
    "conversion": "A trial is paid for, or a customer came back.",
    "failed_payment": "A payment failed for the first time.",
    "cancellation": (
        "A subscription was canceled, now or for a later moment: with the reason, where one was"
        " given."
    ),
    "feedback": (
        "Somebody said, by the link in a mail, why the trial or the subscription was left; or"
        " changed what was said."
    ),
}
"""Each with a switch in billing.toml, beside `digest`."""


MOST = 10


def _addresses(value: Any) -> str | None:
    plain = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
    fits = (
        texts(value) is None
        and 1 <= len(value) <= MOST
        and all(plain.fullmatch(one) for one in value)
    )
    return None if fits else f"must list from 1 to {MOST} different e-mail addresses"


_SWITCHES = {
    name: Key(one_of(True, False), f"{name} = true", True, required=False)
    for name in (*NOTICES, "digest")
}


_OPERATORS = {
    "mail": Key(_addresses, 'mail = ["team@acme.example"]'),
    "digest_hour": Key(whole(0, 23), "digest_hour = 8", 8, required=False),
    **_SWITCHES,
}


def read_operators(raw: Mapping[str, Any], mistakes: list[str]) -> OperatorsPolicy | None:
    """The table `operators`; None if there is none, and then the team is told nothing."""
    if "operators" not in raw:
        return None
    before = len(mistakes)
    told = read(table(raw, "operators", mistakes), _OPERATORS, "operators.", mistakes)
    if "mail" not in raw:
        mistakes.append(
            'mail: is needed where the team is told something. Example: [mail] product = "Acme"'
        )
    if len(mistakes) > before:
        return None
    return OperatorsPolicy(
        tuple(told["mail"]),
        frozenset(name for name in NOTICES if told[name]),
        told["digest"],
        told["digest_hour"],
    )
