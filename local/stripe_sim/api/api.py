"""The API in front of the engine: keys, parameters, idempotency, faults on demand, and pages of
lists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from local.stripe_sim.api.calls import Call
from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.expansion import Expansion, in_list
from local.stripe_sim.api.idempotency import Keys
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.api.params import checked, parse_form
from local.stripe_sim.api.routes import ROUTES, Route
from local.stripe_sim.lifecycle.engine import Engine
from local.stripe_sim.lifecycle.store import API_VERSION, Request

REFUSALS: Mapping[str, Mapping[str, Any]] = {
    "401": {"message": "Invalid API Key provided.", "status": 401},
    "402": {
        "message": "Your card was declined.",
        "code": "card_declined",
        "status": 402,
        "type": "card_error",
        "decline_code": "generic_decline",
    },
    "403": {
        "message": "The provided key does not have the required permissions for this endpoint.",
        "status": 403,
    },
    "409": {
        "message": "This object cannot be accessed right now.",
        "code": "lock_timeout",
        "status": 409,
    },
    "429": {"message": "Too many requests.", "code": "rate_limit", "status": 429},
    "503": {"message": "Service unavailable.", "status": 503, "type": "api_error"},
}
"""Fault → the error of Stripe's that it is. Nothing is done, and nothing kept under the key."""

FAULTS = ("timeout_before", "timeout_after", "500", "500_after", *REFUSALS)
"""How a call can go wrong. A 500 is kept under the key, as at Stripe."""


class Silence(Exception):
    """The connection ends without an answer."""


@dataclass
class Fault:
    """The next `times` calls that fit go wrong, by one of FAULTS: before anything is done, or after
    it (`…_after`).
    """

    how: str
    times: int
    path: str = ""
    method: str = ""


@dataclass(frozen=True)
class ApiRequest:
    """One call as it comes in."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    key: str | None = None
    version: str | None = None
    authorization: str | None = "Bearer sk_test"


@dataclass(frozen=True)
class Reply:
    """What goes out: a status, a body, and headers that say how it came about."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """Answers calls with a status and a body."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.keys = Keys(engine.store.now)
        self._expansion = Expansion(engine.store)
        self.faults: list[Fault] = []
        self.calls: list[ApiRequest] = []

    def answer(self, asked: ApiRequest) -> tuple[int, Any]:
        """The status and the body of the answer to one call. Raises Silence where a fault is that
        there is none.
        """
        reply = self.reply(asked)
        return reply.status, reply.body

    def reply(self, asked: ApiRequest) -> Reply:
        """The answer to one call. Raises Silence where a fault is that there is none."""
        self.calls.append(asked)
        replayed = False
        try:
            if not re.match(r"(Bearer|Basic) \S", asked.authorization or ""):
                raise StripeRefusal("You did not provide an API key.", status=401)
            route, ids = _route(asked.method, asked.path)
            wanted = checked(route.params, parse_form(asked.pairs))
            fault = self._fault(asked)
            if fault and not fault.endswith("_after"):
                _go_wrong(fault)
            if asked.method == "GET" or asked.key is None:
                result = self._done(route, ids, wanted, asked, fault)
            else:
                fingerprint = f"{asked.method} {asked.path} {urlencode(sorted(asked.pairs))}"
                result, replayed = self.keys.run(
                    asked.key, fingerprint, lambda: self._done(route, ids, wanted, asked, fault)
                )
        except StripeRefusal as refusal:
            return Reply(refusal.status, refusal.to_json())
        if fault == "timeout_after":
            raise Silence
        return Reply(*result, {"Idempotent-Replayed": "true"} if replayed else {})

    def _fault(self, asked: ApiRequest) -> str | None:
        for fault in self.faults:
            if (
                fault.times > 0
                and asked.path.startswith(fault.path)
                and fault.method in ("", asked.method)
            ):
                fault.times -= 1
                return fault.how
        return None

    def _done(
        self,
        route: Route,
        ids: tuple[str, ...],
        wanted: Object,
        asked: ApiRequest,
        fault: str | None,
    ) -> tuple[int, Any]:
        """What Stripe keeps under the key: failures that came once the call had begun too."""
        store = self.engine.store
        if fault == "500":
            return 500, _failure()
        with self.engine.lock:
            self.engine.catch_up(to_act=asked.method != "GET")
            store.request = Request(
                store.id("event").replace("evt", "req"), asked.key, asked.version or API_VERSION
            )
            try:
                made = route.do(Call(self.engine, ids, wanted, asked.version))
                body = self._shown(made, asked, wanted)
            except StripeRefusal as refusal:
                if refusal.status not in (400, 402, 404):
                    raise
                return refusal.status, refusal.to_json()
            finally:
                store.request = Request()
        return (500, _failure()) if fault == "500_after" else (200, body)

    def _shown(self, made: Any, asked: ApiRequest, wanted: Object) -> Any:
        expand = wanted.get("expand") or []
        if not isinstance(made, list):
            return self._expansion.of(made, expand)
        kind = str(made[0]["object"]) if made else "object"
        page, has_more, following = _page(made, wanted, kind)
        if asked.path.startswith("/v2/"):
            rest = f"{asked.path}?limit={len(page)}&page={following}" if has_more else None
            return {"data": page, "next_page_url": rest, "previous_page_url": None}
        inner = in_list([one for one in expand if one != "total_count"])
        is_search = asked.path.endswith("/search")
        count = {"total_count": len(made)} if "total_count" in expand else {}
        return {
            "object": "search_result" if is_search else "list",
            "url": asked.path,
            "has_more": has_more,
            "data": [self._expansion.of(one, inner) for one in page],
            **({"next_page": following} if is_search else {}),
            **count,
        }


@lru_cache(1000)
def _route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    for route in ROUTES:
        match = route.path.fullmatch(path) if route.method == method else None
        if match:
            return route, match.groups()
    raise StripeRefusal(f"Unrecognized request URL ({method}: {path}).", status=404)


def _page(things: list[Object], wanted: Object, kind: str) -> tuple[list[Object], bool, str | None]:
    """A page of a list, whether more follow, and what names the next page of a search."""
    limit = int(wanted.get("limit", 10))
    if limit < 1:
        raise StripeRefusal(
            "This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer"
        )
    if limit > 100:
        raise StripeRefusal(
            f"This value must be less than or equal to 100 (it currently is '{limit}').",
            "limit",
            "parameter_invalid_integer",
        )
    after, before = wanted.get("starting_after"), wanted.get("ending_before")
    if after is not None and before is not None:
        raise StripeRefusal(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    ids = [one["id"] for one in things]
    for name in ("starting_after", "ending_before"):
        if wanted.get(name) is not None and wanted[name] not in ids:
            raise missing(kind, str(wanted[name]), name)
    if before is not None:
        earlier = things[: ids.index(before)]
        return earlier[-limit:], len(earlier) > limit, None
    if after is not None:
        things = things[ids.index(after) + 1 :]
    if page := wanted.get("page"):
        things = things[_place(page) :]
    more = len(things) > limit
    return things[:limit], more, str(_place(page or "0") + limit) if more else None


def _place(page: str) -> int:
    if not page.isdecimal():
        raise StripeRefusal(f"Invalid page: {page}", "page")
    return int(page)


def _go_wrong(how: str) -> None:
    """Fail before anything is done, for a fault that does."""
    if how == "timeout_before":
        raise Silence
    if how in REFUSALS:
        raise StripeRefusal(**REFUSALS[how])


def _failure() -> Any:
    return {"error": {"type": "api_error", "message": "An unknown error occurred."}}
