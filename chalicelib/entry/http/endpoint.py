"""A call of the API as it is declared: who may make it, what it takes and answers. The same
declaration serves it and describes it.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from chalice.app import Blueprint

from chalicelib.domain.errors import BillhookError, InvalidInput
from chalicelib.entry.http.request_schema import (
    Field,
    Schema,
    json_object,
    matching,
    read_fields,
    refuse_unknown,
)
from chalicelib.entry.http.responses import answered, query_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock

IDEMPOTENCY_KEY = Field(
    "Idempotency-Key",
    matching(r"[\x21-\x7e]{1,255}", "must be 1 to 255 printable letters without spaces"),
    "A name of your own for this one call. The same again under it does nothing more and gives the"
    " same answer, for ever.",
    required=True,
    example="4f6c8b2e-0d1a-4d57-9f3e-2b7f5a1c9e10",
)

KEPT = frozenset({"optional", "required"})
"""What `Call.idempotency` may be for a call that takes an Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `scope` is what its key must allow, None for a call without a key. `body` None
    takes none; one of no required field may be left out as a whole. `answers` are the schemas by
    status, None for an empty body; `errors` what can go wrong beside what always can.
    """

    method: str
    path: str
    help: str
    scope: str | None = None
    body: tuple[Field, ...] | None = None
    query: tuple[Field, ...] = ()
    answers: Mapping[int, Schema | None] = field(default_factory=dict)
    errors: tuple[type[BillhookError], ...] = ()
    idempotency: str = ""
    content_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a call, checked: each declared field by its name, and the caller's
    Idempotency-Key, if there is one.
    """

    body: Mapping[str, Any]
    query: Mapping[str, Any]
    key: str | None


CALLS: dict[tuple[str, str], Call] = {}
"""Every call that is declared, by method and path."""

View = Callable[..., Any]


def declared(call: Call) -> Call:
    """Make a call known that is served by other means."""
    CALLS[call.method, call.path] = call
    return call


def serve(bp: Blueprint, call: Call) -> Callable[[View], View]:
    """Serve a declared call by a view, which gets the ids in the path and `given`: once its key,
    its query and its body have been checked.

    The key comes first: a stranger learns nothing of which accounts and fields there are.
    """
    declared(call)

    def decorate(view: View) -> View:
        @answered
        @functools.wraps(view)
        def served(**ids: str) -> Any:
            request = bp.current_request
            if call.scope:
                wiring.key_ring().check(
                    request.headers.get("authorization"), call.scope, clock.now()
                )
            return view(**ids, given=_given(call, request))

        bp.route(call.path, methods=[call.method], content_types=list(call.content_types))(served)
        return view

    return decorate


def _given(call: Call, request: Any) -> Given:
    query = query_of(request)
    if call.query:
        refuse_unknown(query, call.query, what="parameter")
    return Given(
        _body(call, cast(bytes, request.raw_body or b"")),
        read_fields(query, call.query),
        _key(call, request),
    )


def _body(call: Call, raw: bytes) -> Mapping[str, Any]:
    fields = call.body or ()
    if call.method == "GET" or (not raw and not any(field.required for field in fields)):
        return {field.name: None for field in fields}
    given = json_object(raw)
    refuse_unknown(given, fields)
    return read_fields(given, fields)


def _key(call: Call, request: Any) -> str | None:
    if call.idempotency not in KEPT:
        return None
    key = request.headers.get("idempotency-key")
    if key is None and call.idempotency == "optional":
        return None
    if key is None:
        raise InvalidInput(
            "The header Idempotency-Key is missing: give each charge a name of your own, so that"
            " none is made twice.",
            "Idempotency-Key",
        )
    return str(IDEMPOTENCY_KEY.read({"Idempotency-Key": key}))
