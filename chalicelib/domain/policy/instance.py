"""Reads and checks the part of billing.toml about instances of the product."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.targets import ascii_host, is_this_machine, read_target
from chalicelib.domain.policy.keys import Key, read_keys, table, whole_number
from chalicelib.domain.policy.policy import InstancePolicy, Policy

EVENTBRIDGE = "eventbridge"
STEPFUNCTIONS = "stepfunctions:"

DEFAULT_BUS = "default"
"""The bus of the AWS account, if billing.toml names none."""

_MACHINE = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}"
    r":stateMachine:[A-Za-z0-9_-]{1,80}(:[A-Za-z0-9_-]{1,80})?"
)

MOST_HOSTS = 20


def _target(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a URL, eventbridge, or stepfunctions: and an ARN"
    if value == EVENTBRIDGE:
        return None
    if value.startswith(STEPFUNCTIONS):
        named = _MACHINE.fullmatch(value.removeprefix(STEPFUNCTIONS))
        return None if named else "must name a state machine's ARN behind stepfunctions:"
    try:
        # This machine is refused by a deployment (`refuse_local`), not by the file.
        read_target(value, loopback=True, field="")
    except InvalidInput as error:
        return error.message.strip().removesuffix(".")
    return None


def _hosts(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_HOSTS
        and all(isinstance(host, str) and _host(host) for host in value)
        and len({_host(host) for host in value}) == len(value)
    )
    return (
        None
        if fits
        else f"must list from 1 to {MOST_HOSTS} different host names, such as example.app"
    )


def _host(name: str) -> str | None:
    """A host name in ASCII; None for what is none. One label alone would allow a whole top-level
    domain.
    """
    try:
        host = ascii_host(name)
    except ValueError:
        return None
    return host if "." in host or ":" in host or is_this_machine(host) else None


def _delete_after(value: Any) -> str | None:
    """0 for never; else time enough to hear of a mistake before the data is gone."""
    is_never = value == 0 and value is not False
    wrong = None if is_never else whole_number(7, 3660)(value)
    return f"{wrong}, or 0 for never" if wrong else None


_INSTANCE = {
    "target": Key(_target, 'target = "https://app.example.com/instances"'),
    "hosts": Key(_hosts, 'hosts = ["example.app"]'),
    "suspend_after_hours": Key(
        whole_number(1, 24 * 366), "suspend_after_hours = 24", 24, required=False
    ),
    "delete_after_days": Key(_delete_after, "delete_after_days = 90", 0, required=False),
    "deadline_minutes": Key(whole_number(1, 1440), "deadline_minutes = 60", 60, required=False),
    "existing_a_minute": Key(whole_number(1, 1000), "existing_a_minute = 10", 10, required=False),
    "mail_waits_minutes": Key(whole_number(0, 1440), "mail_waits_minutes = 5", 5, required=False),
}


def read_instance(raw: Mapping[str, Any], mistakes: list[str]) -> InstancePolicy | None:
    """The table `instance`; None if there is none or if it has a mistake."""
    if "instance" not in raw:
        return None
    before = len(mistakes)
    values = read_keys(table(raw, "instance", mistakes), _INSTANCE, "instance.", mistakes)
    if len(mistakes) > before:
        return None
    return InstancePolicy(
        target=values["target"],
        hosts=tuple(host for name in values["hosts"] if (host := _host(name))),
        suspend_after=timedelta(hours=values["suspend_after_hours"]),
        delete_after=timedelta(days=values["delete_after_days"]) or None,
        deadline=timedelta(minutes=values["deadline_minutes"]),
        existing_a_minute=values["existing_a_minute"],
        mail_waits=timedelta(minutes=values["mail_waits_minutes"]),
    )


def bus_of(policy: Policy) -> str | None:
    """The name or ARN of the event bus that something is put onto; None if nothing is."""
    asks_by_bus = policy.instance is not None and policy.instance.target == EVENTBRIDGE
    return policy.bus.name or (DEFAULT_BUS if asks_by_bus else None)


def machine_of(policy: InstancePolicy | None) -> str | None:
    """The ARN of the state machine that makes the instances; None if none does. A version or an
    alias behind it belongs to it.
    """
    if policy is None or not policy.target.startswith(STEPFUNCTIONS):
        return None
    return policy.target.removeprefix(STEPFUNCTIONS)


def refuse_local_instances(policy: InstancePolicy | None) -> None:
    """Check the policy of a deployed stage: it calls and names no address of the local system.
    Raises InvalidInput.
    """
    if policy is None:
        return
    if policy.target.startswith("http"):
        read_target(policy.target, field="instance.target")
    if local := [host for host in policy.hosts if is_this_machine(host)]:
        raise InvalidInput(
            f"instance.hosts names {local[0]}, which only the local system may.", "instance.hosts"
        )
