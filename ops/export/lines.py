"""The table's items as plain JSON with ISO times, readable without Billhook."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.aws.events.audit import entry_of
from chalicelib.aws.items import Item, account_of

Line = dict[str, Any]

FILES = {
    "accounts": (
        "One account a line, with all that is known of it: profile, Stripe's customers,"
        " subscriptions and invoices, milestones, what became of each mail, consent, and"
        " `standing`, its access as last written. `epoch` and `version` count its restorations and"
        " its writes."
    ),
    "timeline": (
        "What happened to an account: `kind` says where it is from, `data` what it told."
        " `kept_until` is when it would have been forgotten."
    ),
    "messages": (
        "The claim of every mail, `step@occasion`: `sent` once SES had it, with SES's `message_id`."
    ),
    "pointers": (
        "By what else an account is found: `customer` (Stripe's id), `external` (the product's id),"
        " `email` and `trial` (keyed hashes)."
    ),
    "suppressions": "Addresses that must not be written to, as keyed hashes, with the reason.",
    "erased": "Accounts and customers that were erased, as keyed hashes.",
    "audit": (
        "Who changed what, by key, operator or command. An entry about an account is there twice:"
        " in the log of all, and in the account's own with its `detail`."
    ),
    "keys": "The API keys that were made, without their secrets: they open nothing elsewhere.",
    "others": (
        "What is none of these: counters that pass away, and where walks over the table are."
        " Attributes as they lie in the table."
    ),
}
"""Every file of an export, with its content."""


def line_of(item: Item) -> tuple[str, Line]:
    """The file that an item belongs to, and its line there. Raises NewerSchemaVersion for an
    account of a newer release.
    """
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    kind, _, value = pk.partition("#")
    of_account = {
        "ACCOUNT": ("accounts", _account),
        "LOG": ("timeline", _entry),
        "MESSAGE": ("messages", _claim),
        "AUDIT": ("audit", _audited),
    }
    found = of_account.get(sk.partition("#")[0]) if kind == "ACCOUNT" else _BESIDE.get(kind)
    if found is None:
        return "others", plain(item)
    file, of = found
    return file, of(value, sk, item)


def plain(item: Item) -> Line:
    """An item's attributes as plain values."""
    return {name: _value(value) for name, value in sorted(item.items())}


def _account(id: str, sk: str, item: Item) -> Line:
    line: Line = msgspec.to_builtins(account_of(item))
    return line


def _entry(account_id: str, sk: str, item: Item) -> Line:
    _, at, kind, id = sk.split("#", 3)
    body = msgspec.json.decode(item["body"]["S"])
    return {
        "account_id": account_id,
        "at": at,
        "kind": kind,
        "id": id,
        "type": body["type"],
        "data": body.get("data", {}),
        **_kept_until(item),
    }


def _claim(account_id: str, sk: str, item: Item) -> Line:
    told = {
        name: value for name, value in plain(item).items() if name not in {"pk", "sk", "taken_by"}
    }
    return {"account_id": account_id, "message": sk.partition("#")[2], **told}


def _audited(value: str, sk: str, item: Item) -> Line:
    entry = entry_of(item)
    return {
        "id": entry.id,
        "at": sk.split("#", 2)[1],
        "actor": entry.actor,
        "action": entry.action,
        "account_id": entry.account_id,
        "detail": entry.detail,
        "from": entry.source or None,
    }


def _pointer(value: str, sk: str, item: Item) -> Line:
    kind = item["pk"]["S"].partition("#")[0].lower()
    return {"kind": kind, "value": value, "account_id": item["account_id"]["S"]}


def _hashed(value: str, sk: str, item: Item) -> Line:
    return {"hash": value} | {
        name: told for name, told in plain(item).items() if name not in {"pk", "sk"}
    }


def _key(_: str, sk: str, item: Item) -> Line:
    return {"id": sk.partition("#")[2]} | {
        name: told for name, told in plain(item).items() if name not in {"pk", "sk", "secret_hash"}
    }


_BESIDE: dict[str, tuple[str, Callable[[str, str, Item], Line]]] = {
    **dict.fromkeys(("CUSTOMER", "EXTERNAL", "EMAIL", "TRIAL"), ("pointers", _pointer)),
    "SUPPRESSED": ("suppressions", _hashed),
    "ERASED": ("erased", _hashed),
    "KEYS": ("keys", _key),
    "AUDIT": ("audit", _audited),
}


def _kept_until(item: Item) -> Line:
    return (
        {
            "kept_until": (
                datetime.fromtimestamp(int(item["ttl"]["N"]), UTC)
                .isoformat()
                .replace("+00:00", "Z")
            )
        }
        if "ttl" in item
        else {}
    )


def _value(attribute: Any) -> Any:
    ((type, value),) = attribute.items()
    match type:
        case "N":
            return float(value) if {".", "E", "e"} & set(value) else int(value)
        case "M":
            return {name: _value(inner) for name, inner in value.items()}
        case "L":
            return [_value(inner) for inner in value]
        case "B":
            return b64encode(value).decode()
        case "NULL":
            return None
        case _:
            return value
