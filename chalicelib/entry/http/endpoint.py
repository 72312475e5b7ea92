"""Declared API endpoints: who may call one, its input and its responses. One declaration both
serves the endpoint and describes it in OpenAPI.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, cast

from chalice.app import Blueprint

from chalicelib.domain.errors import BillhookError, InvalidInput
from chalicelib.entry.http.responses import (
    json_errors,
    query_fields,
    refuse_repeated,
    source_address,
)
from chalicelib.entry.http.schemas.request import (
    Field,
    Schema,
    json_object,
    matching,
    read_fields,
    refuse_unknown,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.values import frozen

if TYPE_CHECKING:
    from chalicelib.usecases.operators.audit import Act

IDEMPOTENCY_KEY = Field(
    "Idempotency-Key",
    matching(r"[\x21-\x7e]{1,255}", "must be 1 to 255 printable ASCII characters without spaces"),
    "A unique key that you choose for this request. If you repeat the request with the same key,"
    " nothing more happens and you get the same response, for ever.",
    required=True,
    example="4f6c8b2e-0d1a-4d57-9f3e-2b7f5a1c9e10",
)

TAKES_KEY = frozenset({"optional", "required"})
"""The values of `Endpoint.idempotency` for endpoints that take an Idempotency-Key."""


@frozen
class Endpoint:
    """One endpoint. `help` is its summary in OpenAPI.

    `scope` is the scope that the API key needs, None for a public endpoint. `body` None means no
    body; a body without required fields may be left out. `answers` maps a status to the schema of
    its body, None for an empty body. `errors` are the errors beyond those of every endpoint.
    `audit` is the action under which a change is in the audit log; empty if it changes nothing.
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
    audit: str = ""


@frozen
class CheckedRequest:
    """The checked input of a request: each declared field by its name, None where left out, and
    the Idempotency-Key, if there is one.
    """

    body: Mapping[str, Any]
    query: Mapping[str, Any]
    key: str | None


ENDPOINTS: dict[tuple[str, str], Endpoint] = {}
"""Every declared endpoint, by method and path."""

View = Callable[..., Any]


def declare(endpoint: Endpoint) -> Endpoint:
    """Describe an endpoint that is not served by `serve`."""
    ENDPOINTS[endpoint.method, endpoint.path] = endpoint
    return endpoint


def serve(bp: Blueprint, endpoint: Endpoint) -> Callable[[View], View]:
    """Declare an endpoint and serve it by the decorated view. Checks the API key, the query and the
    body, then calls the view with the ids in the path and the checked `request`.

    The key is checked first, so that a caller without one learns nothing about accounts and fields.
    """
    declare(endpoint)

    def decorate(view: View) -> View:
        @json_errors
        @functools.wraps(view)
        def served(**ids: str) -> Any:
            request = bp.current_request
            if not endpoint.scope:
                return view(**ids, request=_checked(endpoint, request))
            key = wiring.key_ring().check(
                request.headers.get("authorization"), endpoint.scope, clock.now()
            )
            checked = _checked(endpoint, request)
            if not endpoint.audit:
                if request.headers.get("billhook-client") == "mcp":
                    # Without the account, which may be erased or none.
                    wiring.note(_act(endpoint, f"key:{key.name}", {}, checked, request))
                return view(**ids, request=checked)
            with wiring.audited(_act(endpoint, f"key:{key.name}", ids, checked, request)):
                return view(**ids, request=checked)

        bp.route(
            endpoint.path, methods=[endpoint.method], content_types=list(endpoint.content_types)
        )(served)
        return view

    return decorate


def _act(
    endpoint: Endpoint, actor: str, ids: Mapping[str, str], checked: CheckedRequest, request: Any
) -> "Act":
    """What the caller asks for, as the audit log has it."""
    from chalicelib.usecases.operators.audit import Act

    others = {name: id for name, id in ids.items() if name not in ("account_id", "email")}
    asked = {**others, **checked.query, **checked.body}
    if not endpoint.audit:
        asked = {"call": f"{endpoint.method} {endpoint.path}"}
    return Act(
        actor,
        endpoint.audit or "mcp.read",
        ids.get("account_id"),
        {name: value for name, value in asked.items() if value is not None},
        source_address(request),
        checked.key,
    )


def _checked(endpoint: Endpoint, request: Any) -> CheckedRequest:
    query = query_fields(request)
    # What is public is also asked for by browsers and probes, which add parameters of their own.
    if endpoint.scope or endpoint.query:
        refuse_unknown(query, endpoint.query, what="parameter")
        refuse_repeated(request)
    return CheckedRequest(
        _body(endpoint, cast(bytes, request.raw_body or b"")),
        read_fields(query, endpoint.query),
        _key(endpoint, request),
    )


def _body(endpoint: Endpoint, raw: bytes) -> Mapping[str, Any]:
    fields = endpoint.body or ()
    if endpoint.method == "GET" or (not raw and not any(field.required for field in fields)):
        return {field.name: None for field in fields}
    values = json_object(raw)
    refuse_unknown(values, fields)
    return read_fields(values, fields)


def _key(endpoint: Endpoint, request: Any) -> str | None:
    if endpoint.idempotency not in TAKES_KEY:
        return None
    key = request.headers.get("idempotency-key")
    if key is None and endpoint.idempotency == "optional":
        return None
    if key is None:
        raise InvalidInput(
            "The header Idempotency-Key is missing. Send a unique key with each charge, so that"
            " none is made twice.",
            "Idempotency-Key",
        )
    return str(IDEMPOTENCY_KEY.read({"Idempotency-Key": key}))
