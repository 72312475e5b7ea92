"""A smoke test of a stage that was just deployed, from outside: does each function answer, and
refuse, as it must?
"""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 29
"""API Gateway's own time-out."""


@dataclass(frozen=True, slots=True)
class Look:
    """A request that needs no key, and the answer that the stage must give. `shows` says what it
    proves.
    """

    method: str
    path: str
    status: int
    code: str | None
    shows: str


LOOKS = (
    Look("GET", "/healthz", 200, None, "the API's function starts"),
    Look("HEAD", "/healthz", 200, None, "methods that no view declares reach the function too"),
    Look(
        "POST",
        "/webhooks/stripe",
        400,
        "signature_refused",
        "the webhook's function starts and reads its secret; what is not signed is refused",
    ),
    Look("GET", "/accounts/acc_1/access", 401, "unauthorized", "nobody asks without a key"),
    Look("GET", "/welcome/nobody", 404, None, "links are checked with their keys"),
)


def look(endpoint: str) -> Iterator[tuple[Look, str | None]]:
    """Each of LOOKS with what is wrong, None if nothing is."""
    for one in LOOKS:
        yield one, _wrong(one, endpoint)


def _wrong(wanted: Look, endpoint: str) -> str | None:
    try:
        status, body = _call(wanted.method, endpoint.rstrip("/") + wanted.path)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    code, message = (body.get(name) for name in ("code", "message"))
    if status != wanted.status or (wanted.code and code != wanted.code):
        return f"answers {status} {code or ''}: {message or 'no reason given'}"
    return None


def _call(method: str, url: str) -> tuple[int, dict[str, Any]]:
    """The status, and the error if the answer has one."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            method,
            parts.path,
            b"{}" if method == "POST" else None,
            {"Content-Type": "application/json", "Accept": "application/json"},
        )
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    try:
        body = json.loads(content)
    except ValueError:
        return answer.status, {}
    return answer.status, body.get("error", {}) if isinstance(body, dict) and isinstance(
        body.get("error"), dict
    ) else {}
