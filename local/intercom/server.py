"""Intercom's HTTP end on loopback, what it holds, for people to look at, and what it tells."""

import copy
import hmac
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
from local.client import Client
from local.http_server import Answer, Request, Server, json_answer
from local.intercom.stand_in import IntercomStandIn, Json


class IntercomServer:
    """Intercom's API at `base`, for who has `token`. Its port is taken at once. `now` is its clock:
    that of its limits and of the header Date. It signs what it tells with `webhook_secret`.
    """

    def __init__(self, now: Callable[[], datetime], token: str = "") -> None:
        self.stand_in, self._now = IntercomStandIn(now), now
        self.token = token or secrets.token_urlsafe(24)
        self.webhook_secret = secrets.token_hex(20)
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

    def unsubscribe(self, account_id: str, unsubscribed: bool, billhook: str) -> int | None:
        """The contact of this account unsubscribes from mail, or subscribes again, at Intercom,
        which tells it to Billhook at this address as it does (developers.intercom.com, Webhooks).
        The status of the answer; None where there is no such contact.
        """
        with self._lock:
            there = [
                one
                for one in self.stand_in.contacts.values()
                if one.get("external_id") == account_id and not one["archived"]
            ]
            for one in there:
                one["unsubscribed_from_emails"] = unsubscribed
            item = copy.deepcopy(there[0]) if there else None
        if item is None:
            return None
        notification = {
            "type": "notification_event",
            "topic": "contact.unsubscribed" if unsubscribed else "contact.subscribed",
            "id": f"notif_{secrets.token_hex(12)}",
            "created_at": int(self._now().timestamp()),
            "delivery_attempts": 1,
            "data": {"type": "notification_event_data", "item": item},
        }
        body = json.dumps(notification).encode()
        signature = hmac.new(self.webhook_secret.encode(), body, "sha1").hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature": f"sha1={signature}"}
        status, _ = Client(billhook).call("POST", "/webhooks/intercom", body, headers)
        return status

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
