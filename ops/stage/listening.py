"""Follows the events of a stage or of the local system, and forwards each to an address.

It reads GET /events, so it needs no endpoint and no public address. What it has read is kept in a
file, so it goes on where it stopped.
"""

import hashlib
import ipaddress
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.domain.outgoing.signature import as_secret, key_of, signed_headers
from ops.stage.requests import call

FOLDER = Path.home() / ".config" / "billhook" / "listen"
"""Where is kept what was read, and the secret; a file for each address."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListenState:
    """What is kept of one address: the secret that signs, and the cursor behind the last event that
    was read, with the key that it was read with. Another key may be that of another system: the
    local one is a new one at each start.
    """

    secret: str
    cursor: str | None = None
    key: str = ""


class StateFile:
    """The file of one address."""

    def __init__(self, base: str, key: str, folder: Path = FOLDER) -> None:
        self._path = folder / f"{hashlib.sha256(base.encode()).hexdigest()[:16]}.json"
        self._key = hashlib.sha256(key.encode()).hexdigest()[:16]

    def load(self) -> ListenState:
        """What was kept. The first time it keeps a new secret."""
        try:
            kept = ListenState(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            kept = ListenState(as_secret(secrets.token_bytes(32)))
        if kept.key != self._key:
            kept = ListenState(kept.secret, None, self._key)
            self.save(kept)
        return kept

    def save(self, kept: ListenState) -> None:
        """Keep it, for the user's own eyes."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.touch(mode=0o600)
        self._path.write_text(json.dumps(asdict(kept)))


class EventsApi:
    """GET /events of one system."""

    def __init__(self, base: str, key: str) -> None:
        self._base, self._key = base.rstrip("/"), key

    def page(self, cursor: str | None, types: Sequence[str]) -> tuple[list[Event], str]:
        """The events behind the cursor, and the next cursor. Where the cursor is too old it goes on
        with the oldest event that there is. Raises InvalidInput for what the API refuses, and
        Unavailable.
        """
        asked = {"cursor": cursor, "types": ",".join(types)}
        query = urlencode({name: value for name, value in asked.items() if value})
        headers = {"Authorization": f"Bearer {self._key}"}
        status, content = call("GET", f"{self._base}/events?{query}", headers=headers)
        told = _json(content)
        error = told.get("error", {})
        if status == 410 and error.get("oldest"):
            return [], str(error["oldest"])
        if status != 200 and status < 500 and status != 429:
            raise InvalidInput(str(error.get("message", f"{self._base} answers {status}.")), "key")
        if status != 200:
            raise Unavailable(f"{self._base} answers {status}.")
        return told["events"], told["cursor"]


def check_target(url: str, any_target: bool) -> None:
    """Raises InvalidInput unless events may be forwarded to the address: http or https, on this
    machine unless any target is wanted.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("Forward to an address such as http://127.0.0.1:3000/hooks.", "forward")
    if not any_target and not _is_loopback(parts.hostname):
        raise InvalidInput(
            "Events are forwarded to this machine only: add --any-target for another.", "forward"
        )


def forward(event: Event, url: str, secret: str) -> str:
    """Post the event as an endpoint gets it, and say how it went."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    headers = signed_headers(str(event["id"]), body, [key_of(secret)], datetime.now(UTC))
    try:
        status, _ = call("POST", url, body, {"Content-Type": "application/json", **headers})
    except Unavailable as error:
        return error.message
    return str(status)


def follow(
    api: EventsApi,
    file: StateFile,
    types: Sequence[str],
    wait: Callable[[], None] = lambda: time.sleep(1),
) -> Iterator[Event]:
    """The events from the last one read on, without end. The events of an answer count as read once
    the next answer is asked for. Raises InvalidInput for what the API refuses; a system that does
    not answer is asked again.
    """
    kept = file.load()
    while True:
        try:
            events, cursor = api.page(kept.cursor, types)
        except Unavailable:
            wait()
            continue
        yield from events
        if cursor == kept.cursor:
            wait()
            continue
        kept = replace(kept, cursor=cursor)
        file.save(kept)


def line_of(event: Event) -> str:
    """The event on one line."""
    data = event["data"]
    return f"{event['timestamp']}  {event['type']}  {data['account_id']}  #{event['sequence']}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _json(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def key_for(base: str, given: str | None, local: str = "api_key") -> str:
    """The key that was given, else that of BILLHOOK_KEY, else the local system's: its field `local`
    of `/_local/state`. Raises InvalidInput if there is none.
    """
    # A key that was read from a file often has a line end behind it.
    return (given or os.environ.get("BILLHOOK_KEY") or "").strip() or local_key(base, local)


def local_key(base: str, name: str) -> str:
    """The key of the local system, `api_key` or `admin_key`. Raises InvalidInput if there is none
    at that address.
    """
    try:
        status, content = call("GET", f"{base.rstrip('/')}/_local/state")
        if status == 200:
            return str(json.loads(content)[name])
    except (Unavailable, ValueError):
        pass  # no local system is there: told below
    raise InvalidInput(
        "Which key? Give one by --key or BILLHOOK_KEY, or start the local system.", "key"
    )
