"""One HTTP request to an address that an operator named."""

import http.client
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.domain.errors import InvalidInput, Unavailable

TIMEOUT_SECONDS = 30
_KINDS = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of the answer; redirects are not followed. Raises InvalidInput for an address
    that is none and for a header that cannot be sent, and Unavailable if nothing answers. No error
    tells a header's value or a password: those are secrets.
    """
    scheme, host, port, target = _address(url)
    for name, value in (headers or {}).items():
        if not re.fullmatch(r"[\x20-\x7e]*", value):
            raise InvalidInput(
                f"{name} has a letter that cannot be sent, such as a line end or an accent: look at"
                " the key that you gave.",
                "key",
            )
    connection = _KINDS[scheme](host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        where = f"{host}:{port}" if port else host
        raise Unavailable(f"{where} does not answer: {type(error).__name__}.") from error
    finally:
        connection.close()


def _address(url: str) -> tuple[str, str, int | None, str]:
    """(scheme, host, port, path with query) of an address. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("The address has no such host or port.", "url") from error
    if parts.scheme not in _KINDS or not parts.hostname or not url.isascii():
        raise InvalidInput("The address must begin with https://, or http:// locally.", "url")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port, target
