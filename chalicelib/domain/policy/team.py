"""Reads and checks the part of billing.toml about mail to the team."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policy.keys import Key, boolean, read_keys, table, text_list, whole_number
from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.domain.security.dashboard import ROLES

NOTICES = {
    "signup": "A free trial began.",
    "conversion": "A trial was paid for, or a former customer pays again.",
    "failed_payment": "A payment failed for the first time.",
    "finalization_failed": "An invoice cannot be finalized, and will not be paid until it can.",
    "second_subscription": "A customer pays for two subscriptions: cancel one, and refund it.",
    "cancellation": (
        "A subscription was canceled, at once or for a later time: with the reason, if one was"
        " given."
    ),
    "feedback": (
        "By the link in a message, a customer gave or changed the reason for not staying."
    ),
    "complaint": "A customer reported a billing notice as spam.",
    "instance_stalled": "The provisioner did not do in time what was asked for an instance.",
}
"""The notices to the team. Each has a switch in billing.toml, as `digest` has."""


MOST_ADDRESSES = 10


def _addresses(value: Any) -> str | None:
    plain = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
    fits = (
        text_list(value) is None
        and 1 <= len(value) <= MOST_ADDRESSES
        and all(plain.fullmatch(address) for address in value)
    )
    return None if fits else f"must list from 1 to {MOST_ADDRESSES} different e-mail addresses"


def _roles(value: Any) -> str | None:
    fits = isinstance(value, dict) and all(role in ROLES for role in value.values())
    return None if fits else f"must name a role for addresses: {' or '.join(ROLES)}"


_SWITCHES = {
    name: Key(boolean, f"{name} = true", True, required=False) for name in (*NOTICES, "digest")
}


_OPERATORS = {
    "mail": Key(_addresses, 'mail = ["team@acme.example"]'),
    "digest_hour": Key(whole_number(0, 23), "digest_hour = 8", 8, required=False),
    "roles": Key(_roles, 'roles = { "ben@acme.example" = "look" }', {}, required=False),
    **_SWITCHES,
}


def read_team(raw: Mapping[str, Any], mistakes: list[str]) -> TeamPolicy | None:
    """The table `operators`; None if there is none or if it has a mistake. Without it the team gets
    no mail.
    """
    if "operators" not in raw:
        return None
    before = len(mistakes)
    values = read_keys(table(raw, "operators", mistakes), _OPERATORS, "operators.", mistakes)
    if "mail" not in raw:
        mistakes.append(
            'mail: is required to send mail to the team. Example: [mail] product = "Acme"'
        )
    if len(mistakes) == before:
        known = {address.lower() for address in values["mail"]}
        mistakes += [
            f"operators.roles: {address} is not in operators.mail. Example:"
            f" {_OPERATORS['roles'].example}"
            for address in values["roles"]
            if address.lower() not in known
        ]
    if len(mistakes) > before:
        return None
    return TeamPolicy(
        tuple(values["mail"]),
        frozenset(name for name in NOTICES if values[name]),
        values["digest"],
        values["digest_hour"],
        values["roles"],
    )
