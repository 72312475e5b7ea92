"""The API of one system, as the tools call it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import Unavailable
from ops.stage.requests import call


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
        headers = {"Authorization": f"Bearer {self.key}", "Billhook-Client": "mcp"}
        sent = None
        if body is not None:
            sent, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        status, answer = call(method, self.base.rstrip("/") + path, sent, headers)
        return status, answer.decode()

    def description(self) -> dict[str, Any]:
        """The system's OpenAPI description. Raises Unavailable."""
        status, text = self.call("GET", "/openapi.json")
        if status != 200:
            raise Unavailable(f"{self.base}/openapi.json answered {status}.")
        found: dict[str, Any] = json.loads(text)
        return found
