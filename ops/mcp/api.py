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
        return status, answer.decode(errors="replace")

    def description(self) -> dict[str, Any]:
        """The system's OpenAPI description. Raises Unavailable, also where something else
        answers.
        """
        status, text = self.call("GET", "/openapi.json")
        try:
            found: Any = json.loads(text) if status == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict) or not {"info", "paths"} <= found.keys():
            raise Unavailable(
                f"At this address is no Billhook: its /openapi.json answered {status}, without the"
                " description of the API."
            )
        return found
