"""Intercom's HTTP end on loopback, and what it holds, for people to look at."""

import copy
import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.people.intercom import VERSION
from chalicelib.domain.policy.people import FIELDS, INTERCOM
from chalicelib.domain.policy.policy import PeoplePolicy
from local.http_server import Answer, Request, Server, json_answer
from local.intercom.stand_in import IntercomStandIn, Json


class IntercomServer:
    """Intercom's API at `base`, for who has `token`. Its port is taken at once. `now` is its clock:
    that of its limits and of the header Date.
    """

    def __init__(self, now: Callable[[], datetime], token: str = "") -> None:
        self.stand_in = IntercomStandIn(now)
        self.token = token or secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self._server = Server(0, self._answer)
        self.base = self._server.base

    @property
    def policy(self) -> PeoplePolicy:
        """Its `[people]` in the policy."""
        return PeoplePolicy(INTERCOM, self.base, fields=frozenset(FIELDS))

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def contacts(self) -> list[Json]:
        """Every contact, the newest first, with its events in `events`, the newest first too."""
        with self._lock:
            held, events = copy.deepcopy((self.stand_in.contacts, self.stand_in.events))
        return [
            {
                **one,
                "events": [
                    {name: event[name] for name in ("event_name", "created_at", "metadata")}
                    for event in reversed(events)
                    if event["user_id"] == one.get("external_id")
                ],
            }
            for one in reversed(held.values())
        ]

    def _answer(self, request: Request) -> Answer:
        if request.headers["authorization"] != f"Bearer {self.token}":
            return _refusal(401, "unauthorized", "Access Token Invalid")
        if request.headers["intercom-version"] != VERSION:
            return _refusal(400, "intercom_version_invalid", "The requested version is invalid")
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            return _refusal(400, "parameter_invalid", "The body is no JSON")
        asked = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        with self._lock:
            answer = self.stand_in(request.method, asked, body)
        headers = [(name.title(), value) for name, value in answer.headers.items()]
        return Answer(
            answer.code or 500, answer.body, [("Content-Type", "application/json"), *headers]
        )


def _refusal(status: int, code: str, message: str) -> Answer:
    errors: list[Any] = [{"code": code, "message": message}]
    return json_answer({"type": "error.list", "errors": errors}, status)
