"""Intercom, as strict as its public documentation says: attributes that nobody made are refused, so
are wrong types; ids and addresses are unique among users; archived contacts are found by their own
id alone; calls are limited in windows of ten seconds.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from chalicelib.domain.outgoing.answers import CallAnswer

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "float": (int, float),
    "date": int,
    "boolean": bool,
}
KNOWN_FIELDS = {
    "role", "external_id", "email", "name", "signed_up_at", "unsubscribed_from_emails",
    "custom_attributes",
}  # fmt: skip
Json = dict[str, Any]


@dataclass
class IntercomStandIn:
    """Takes calls and answers them. `fails` may answer in its place; `now` is its clock."""

    now: Callable[[], datetime]
    contacts: dict[str, Json] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    archived_attributes: set[str] = field(default_factory=set)
    most_attributes: int = 250
    events: list[Json] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fails: Callable[[str, str], CallAnswer | None] = lambda method, path: None
    limit: int = 1666
    window: int = -1
    in_window: int = 0

    def __call__(self, method: str, path: str, body: Any) -> CallAnswer:
        self.calls.append((method, path))
        if failure := self.fails(method, path):
            return failure
        window = int(self.now().timestamp()) // 10
        if window != self.window:
            self.window, self.in_window = window, 0
        self.in_window += 1
        if self.in_window > self.limit:
            return self._answer(429, _errors("rate_limit_exceeded", "Exceeded rate limit"))
        status, answer, *more = self._handle(
            method,
            path.partition("?")[0].split("/")[1:],
            body,
            dict(parse_qsl(path.partition("?")[2])),
        )
        return self._answer(status, answer, **(more[0] if more else {}))

    def _answer(self, status: int, body: Json, **headers: str) -> CallAnswer:
        told = {
            "date": format_datetime(self.now(), usegmt=True),
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(self.limit - self.in_window, 0)),
            "x-ratelimit-reset": str((self.window + 1) * 10),
            **headers,
        }
        text = json.dumps(body)
        return CallAnswer(status, None, text[:200], None, text.encode(), told)

    def _handle(
        self, method: str, path: list[str], body: Any, query: dict[str, str]
    ) -> tuple[Any, ...]:
        match method, path:
            case "GET", ["me"]:
                workspace = {"type": "app", "id_code": "abc123", "name": "Acme", "region": "US"}
                return 200, {"type": "admin", "id": "1", "email": "ada@acme.test", "app": workspace}
            case _, ["data_attributes", *id]:
                return self._attributes(method, id, body, query)
            case "POST", ["events"]:
                return self._event(body)
            case "GET", ["contacts"]:
                return self._list(query)
            case "POST", ["contacts", *what]:
                return self._post(what, body)
            case _, ["contacts", *what]:
                return self._contact(method, what, body)
        return 404, _errors("not_found", "Unknown route")

    def _attributes(
        self, method: str, id: list[str], body: Any, query: dict[str, str]
    ) -> tuple[Any, ...]:
        match method, id:
            case "GET", []:
                return self._list_attributes(query)
            case "POST", []:
                return self._make_attribute(body)
            case "PUT", [number]:
                return self._archive_attribute(int(number), body)
        return 404, _errors("not_found", "Unknown route")

    def _post(self, what: list[str], body: Any) -> tuple[Any, ...]:
        match what:
            case []:
                return self._create(body)
            case ["search"]:
                return self._search(body)
            case ["merge"]:
                return self._merge(body)
            case [id, "archive" | "unarchive" as verb]:
                return self._archive(id, verb == "archive")
        return 404, _errors("not_found", "Unknown route")

    def _contact(self, method: str, what: list[str], body: Any) -> tuple[Any, ...]:
        match method, what:
            case "GET", ["find_by_external_id", id]:
                return self._find(unquote(id))
            case "GET", [id]:
                return (200, self.contacts[id]) if id in self.contacts else _missing()
            case "PUT", [id]:
                return self._change(id, body)
            case "DELETE", [id]:
                return (200, {"deleted": True}) if self.contacts.pop(id, None) else _missing()
        return 404, _errors("not_found", "Unknown route")

    def _make_attribute(self, body: Json) -> tuple[int, Json]:
        name = body["name"]
        if name in self.attributes:
            return 400, _errors("parameter_invalid", f"You already have '{name}' in your contact")
        if body["model"] != "contact" or body["data_type"] not in TYPES:
            return 400, _errors("parameter_invalid", "Unknown model or type")
        if len(self.attributes) - len(self.archived_attributes) >= self.most_attributes:
            return 400, _errors("parameter_invalid", "You have reached the limit of attributes")
        self.attributes[name] = body["data_type"]
        return 200, {"name": name}

    def _list_attributes(self, query: dict[str, str]) -> tuple[int, Json]:
        rows = [
            {
                "type": "data_attribute", "id": number, "model": "contact", "name": name,
                "full_name": f"custom_attributes.{name}", "data_type": type, "custom": True,
                "archived": name in self.archived_attributes,
            }
            for number, (name, type) in enumerate(self.attributes.items(), start=1)
            if query.get("include_archived") == "true" or name not in self.archived_attributes
        ]  # fmt: skip
        return 200, {"type": "list", "data": rows if query.get("model") == "contact" else []}

    def _archive_attribute(self, number: int, body: Json) -> tuple[int, Json]:
        if not 0 < number <= len(self.attributes):
            return _missing()
        name = list(self.attributes)[number - 1]
        (self.archived_attributes.add if body["archived"] else self.archived_attributes.discard)(
            name
        )
        return 200, {"name": name, "archived": body["archived"]}

    def _wrong(self, body: Json) -> str | None:
        if unknown := body.keys() - KNOWN_FIELDS:
            return f"Unknown parameters: {unknown}"
        for name, value in body.get("custom_attributes", {}).items():
            if name not in self.attributes or name in self.archived_attributes:
                return f"Custom attribute '{name}' does not exist"
            if value is not None and (
                not isinstance(value, TYPES[self.attributes[name]]) or len(str(value)) > 255
            ):
                return f"Custom attribute '{name}' has a wrong type"
        return None

    def _create(self, body: Json) -> tuple[int, Json]:
        if wrong := self._wrong(body):
            return 400, _errors("parameter_invalid", wrong)
        for id, one in self.contacts.items():
            same_id = one.get("external_id") and one["external_id"] == body.get("external_id")
            same_email = _email(one) and _email(one) == _email(body)
            if one["role"] == "user" and (same_id or same_email):
                wrong = f"A contact matching those details already exists with id={id}"
                return 409, _errors("conflict", wrong)
        id = f"c{len(self.contacts) + len(self.merged) + len(self.events) + 1:023}"
        self.contacts[id] = {"id": id, "type": "contact", "archived": False, **body}
        return 200, self.contacts[id]

    def _search(self, body: Json) -> tuple[int, Json]:
        """By email and role, both with `=`: all that is asked for."""
        query = body["query"]
        wanted = {part["field"]: part["value"] for part in query["value"]}
        if query["operator"] != "AND" or wanted.keys() != {"email", "role"}:
            return 400, _errors("parameter_invalid", "Query")
        found = [
            one
            for one in self.contacts.values()
            if one["role"] == wanted["role"]
            and _email(one) == wanted["email"].lower()
            and not one["archived"]
        ]
        return 200, {"type": "list", "data": found, "total_count": len(found)}

    def _merge(self, body: Json) -> tuple[int, Json]:
        lead, user = self.contacts.get(body["from"]), self.contacts.get(body["into"])
        if lead is None or user is None:
            return _missing()
        if lead["role"] != "lead" or user["role"] != "user":
            return 400, _errors("parameter_invalid", "Only a lead can be merged, into a user")
        del self.contacts[body["from"]]
        return 200, user

    def _list(self, query: dict[str, str]) -> tuple[int, Json]:
        """In the order in which they were made; archived ones are not in it."""
        size = min(int(query.get("per_page", 50)), 150)
        there = [one for one in self.contacts.values() if not one["archived"]]
        start = int(query.get("starting_after", 0))
        pages: Json = {"type": "pages", "per_page": size}
        if start + size < len(there):
            pages["next"] = {"per_page": size, "starting_after": str(start + size)}
        page = there[start : start + size]
        return 200, {"type": "list", "data": page, "total_count": len(there), "pages": pages}

    def _find(self, external_id: str) -> tuple[Any, ...]:
        if external_id in self.merged:
            link = f'<https://api.intercom.io/contacts/{self.merged[external_id]}>; rel="x"'
            return 410, _errors("gone", "The contact was merged"), {"link": link}
        for one in self.contacts.values():
            if one.get("external_id") == external_id and not one["archived"]:
                return 200, one
        return _missing()

    def _change(self, id: str, body: Json) -> tuple[int, Json]:
        one = self.contacts.get(id)
        if one is None or one["archived"]:
            return _missing()
        if wrong := self._wrong(body):
            return 400, _errors("parameter_invalid", wrong)
        for other, held in self.contacts.items():
            same_email = _email(held) and _email(held) == _email(body)
            if other != id and held["role"] == "user" and same_email:
                wrong = f"A contact matching those details already exists with id={other}"
                return 409, _errors("conflict", wrong)
        attributes = {**one.get("custom_attributes", {}), **body.get("custom_attributes", {})}
        one |= {**body, "custom_attributes": attributes}
        return 200, one

    def _archive(self, id: str, archived: bool) -> tuple[int, Json]:
        if id not in self.contacts:
            return _missing()
        self.contacts[id]["archived"] = archived
        return 200, {"id": id, "archived": archived}

    def _event(self, body: Json) -> tuple[int, Json]:
        person = next(
            (
                one
                for one in self.contacts.values()
                if one.get("external_id") == body["user_id"] and not one["archived"]
            ),
            None,
        )
        if person is None:
            return 404, _errors("not_found", "User Not Found")
        if "." in body["event_name"] or "$" in body["event_name"]:
            return 400, _errors("parameter_invalid", "Name")
        flat = all(
            not isinstance(value, dict) or value.keys() == {"amount", "currency"}
            for value in body["metadata"].values()
        )
        if len(body["metadata"]) > 10 or not flat or not isinstance(body["created_at"], int):
            return 400, _errors("parameter_invalid", "Metadata")
        same = [
            one
            for one in self.events
            if (one["user_id"], one["event_name"].lower(), one["created_at"])
            == (body["user_id"], body["event_name"].lower(), body["created_at"])
        ]
        if not same:
            self.events.append(body)
        return 202, {}

    def of(self, account_id: str) -> Json:
        """The contact of an account."""
        (one,) = [one for one in self.contacts.values() if one.get("external_id") == account_id]
        return one


def _email(one: Json) -> str:
    return str(one.get("email") or "").lower()


def _missing() -> tuple[int, Json]:
    return 404, _errors("not_found", "User Not Found")


def _errors(code: str, message: str) -> Json:
    return {"type": "error.list", "errors": [{"code": code, "message": message}]}
