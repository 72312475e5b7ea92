"""The report's numbers, found the long way."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.changes.timeline import Entry
from ops.report.counting import Line


def recount(entries: Sequence[Entry], now: datetime) -> list[Line]:
    """The same numbers, found the long way: each number is a question put to all entries anew."""
    entries = sorted(entries, key=lambda entry: (entry.at, entry.id, entry.type))

    def about(account: str, key: str) -> list[Entry]:
        mine = [entry for entry in entries if entry.account_id == account and entry.kind == "mail"]
        return [
            entry
            for entry in mine
            if (entry.id == key and entry.type != "mail.unclear")
            or entry.data.get("message") == key
        ]

    keys = {
        (entry.account_id, entry.data.get("message") or entry.id)
        for entry in entries
        if entry.kind == "mail" and entry.id != "lifecycle"
    }
    known = {(account, key): about(account, key) for account, key in keys}
    refused = {
        one
        for one, told in known.items()
        if any(entry.type in {"mail.rejected", "mail.not_rendered"} for entry in told)
    }
    groups: dict[str, list[tuple[str, str, datetime, bool]]] = {}
    for (account, key), told in known.items():
        out = any(entry.type == "mail.held_out" for entry in told)
        if told and (out or (account, key) not in refused):
            name = key if key.startswith("broadcast@") else key.split("@")[0]
            groups.setdefault(name, []).append((account, key, told[0].at, out))
    everything = [one for group in groups.values() for one in group]
    found = []
    for name, group in sorted(groups.items()):
        paid = {_blamed(group, entry) for entry in entries if _pays(entry)} - {None}
        left = {
            _blamed([one for one in everything if not one[3]], entry)
            for entry in entries
            if entry.type == "mail.unsubscribed"
        } - {None}
        out, inside = [one[:2] for one in group if one[3]], [one[:2] for one in group if not one[3]]
        delivered = [
            one for one in inside if any(entry.type == "mail.delivered" for entry in known[one])
        ]
        young = sum(at > now - timedelta(days=14) for _, _, at, _ in group)
        counts = (
            len(inside),
            len(delivered),
            len(left & set(inside)),
            len(paid & set(inside)),
            len(out),
            len(paid & set(out)),
            young,
        )
        found.append(Line(name, *counts))
    return found


def _pays(entry: Entry) -> bool:
    data = entry.data
    return entry.type == "trial.converted" or (
        entry.type == "access.granted"
        and (data.get("access_before"), data["reason"]) == ("none", "active")
    )


def _blamed(
    messages: Sequence[tuple[str, str, datetime, bool]], entry: Entry
) -> tuple[str, str] | None:
    before = [
        (at, key)
        for account, key, at, _ in messages
        if account == entry.account_id and at <= entry.at
    ]
    return (
        (entry.account_id, max(before)[1])
        if before and max(before)[0] + timedelta(days=14) >= entry.at
        else None
    )
