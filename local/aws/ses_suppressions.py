"""SES's suppression list of the AWS account, which the emulator does not keep: what bounced for
good is on it until it is taken off.
"""

import threading
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from chalicelib.runtime.clock import clock


class SuppressionList:
    """The list, and its part of SES's API for a client that is attached."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def add(self, email: str) -> None:
        """Put an address on the list, after a bounce."""
        with self._lock:
            self._since.setdefault(email, clock.now())

    def addresses(self) -> list[str]:
        """Every address on the list."""
        with self._lock:
            return sorted(self._since)

    def attach(self, client: Any) -> Any:
        """The client, whose calls about the list are answered here."""
        events = client.meta.events
        events.register("before-call.sesv2.DeleteSuppressedDestination", self._delete)
        events.register("before-call.sesv2.ListSuppressedDestinations", self._list)
        return client

    def _delete(self, params: Any, **_: object) -> tuple[Any, Any]:
        email = unquote(params["url_path"].rpartition("/")[2])
        with self._lock:
            known = self._since.pop(email, None) is not None
        return _answer({}) if known else _not_found()

    def _list(self, **_: object) -> tuple[Any, Any]:
        with self._lock:
            found = [
                {"EmailAddress": email, "Reason": "BOUNCE", "LastUpdateTime": at}
                for email, at in sorted(self._since.items())
            ]
        return _answer({"SuppressedDestinationSummaries": found})


def _answer(body: Any, status: int = 200) -> tuple[Any, Any]:
    """An HTTP response and what botocore reads in it."""
    return SimpleNamespace(status_code=status), body


def _not_found() -> tuple[Any, Any]:
    error = {"Code": "NotFoundException", "Message": "The address is not on the list."}
    return _answer({"Error": error}, 404)
