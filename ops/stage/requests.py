"""One HTTP request to an address that an operator named."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.domain.errors import InvalidInput, Unavailable

TIMEOUT_SECONDS = 30
_KINDS = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of the answer; redirects are not followed. Raises InvalidInput for an address
    that is none, and Unavailable if nothing answers.
    """
    parts = urlsplit(url)
    if parts.scheme not in _KINDS or not parts.hostname:
        raise InvalidInput("The address must begin with https://, or http:// locally.", "url")
    connection = _KINDS[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{parts.netloc} does not answer: {type(error).__name__}.") from error
    finally:
        connection.close()
