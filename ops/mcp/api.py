"""The API of one system, as the tools call it."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.errors import InvalidInput, Unavailable

TIMEOUT_SECONDS = 30
_KINDS = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}


@dataclass(frozen=True, slots=True)
class Api:
    """A system's address and a key to it."""

    base: str
    key: str

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, str]:
        """(status, text of the answer). Raises Unavailable, and InvalidInput for an address that is
        none.
        """
        parts = urlsplit(self.base)
        if parts.scheme not in _KINDS or not parts.hostname:
            raise InvalidInput("The address must begin with https://, or http:// locally.", "url")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self.key}", "Billhook-Client": "mcp"}
        sent = None
        if body is not None:
            sent, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, parts.path.rstrip("/") + path, sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.base} cannot be reached: {error}.") from error
        finally:
            connection.close()

    def description(self) -> dict[str, Any]:
        """The system's OpenAPI description. Raises Unavailable."""
        status, text = self.call("GET", "/openapi.json")
        if status != 200:
            raise Unavailable(f"{self.base}/openapi.json answered {status}.")
        found: dict[str, Any] = json.loads(text)
        return found
