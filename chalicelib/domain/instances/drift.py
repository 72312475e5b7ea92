"""Compares the instances that Billhook knows with those that the provisioner lists."""

import json
from collections.abc import Iterator, Mapping

from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.errors import InvalidInput

STATES = frozenset({"ready", "suspended", "deleted"})


def read_list(text: str) -> dict[str, str]:
    """The state of each account's instance, by the provisioner's own list: `{"instances":
    [{"account_id": …, "status": …}]}`. Raises InvalidInput for another text.
    """
    try:
        rows = json.loads(text)["instances"]
        listed = {str(row["account_id"]): str(row["status"]) for row in rows}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidInput(
            'The list must be JSON: {"instances": [{"account_id": "acc_1", "status": "ready"}]}.',
            "list",
        ) from error
    for status in listed.values():
        if status not in STATES:
            raise InvalidInput(
                f"A status in the list must be one of {', '.join(sorted(STATES))}.", "list"
            )
    return listed


def differences(
    known: Mapping[str, Instance | None], listed: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(account, what differs), by account. What is under way differs for a while, and is left
    out.
    """
    there = {id: state for id, state in listed.items() if state != "deleted"}
    for id in sorted({*known, *there}):
        if id not in known:
            yield id, f"{there[id]} there, and no account here"
            continue
        instance = known[id]
        if instance and instance.open_request:
            continue
        state = instance.state if instance else "none"
        is_here, is_there = state in {"ready", "suspended"}, id in there
        if is_here and not is_there:
            yield id, f"{state} here, and no instance there"
        elif is_there and not is_here:
            yield id, f"{there[id]} there, and none for the account here"
        elif is_here and state != there[id]:
            yield id, f"{state} here, and {there[id]} there"
