"""The OpenAPI document of all routes: the calls by the declarations that serve them, the pages in a
word.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain import errors
from chalicelib.domain.security.api_keys import SCOPES
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.endpoint import CALLS, IDEMPOTENCY_KEY, Call
from chalicelib.entry.http.request_schema import Field, Schema, object_schema
from chalicelib.entry.http.responses import status_of

VERSION = "1.0.0"
PATH_SCHEMAS: Mapping[str, Schema] = {
    "account_id": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "description": "An account's id.",
        "examples": ["acc_1a2b3c"],
    },
    "invoice_id": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,255}$"},
    "token": {"type": "string", "description": "What a signed link carries."},
}
STATUSES = {
    200: "Done, and this is so now.",
    201: "Made.",
    202: "Taken; a mail says more.",
    204: "Done.",
    303: "Go on there.",
    413: "The body is too large.",
    415: "Another content type than those that are taken.",
    500: "Something failed on our side. The same again is safe.",
}
HTML = "text/html"
FORM = "application/x-www-form-urlencoded"


def document(routes: Iterable[tuple[str, str, str]], base_url: str, product: str) -> dict[str, Any]:
    """The document for routes, each a method, a path and, for a page, what it says of itself (else
    an empty text).

    Raises KeyError for a route that is neither declared nor a page.
    """
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, page in sorted(routes):
        described = _page(method, path, page) if page else _call(CALLS[method, path])
        paths.setdefault(path, {})[method.lower()] = _named(described, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Billing of {product}",
            "version": VERSION,
            "description": (
                "Trials, access, subscriptions and charges. Moments are in ISO 8601 with their"
                " offset, amounts in minor units."
            ),
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": (
                        "A key that the operator has made. "
                        + " ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items())
                    ),
                }
            },
        },
    }


def _call(call: Call) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": call.help,
        "operationId": _operation_id(call.method, call.path),
        "parameters": _parameters(call),
        "responses": _responses(call),
        "security": [{"key": [call.scope]}] if call.scope else [],
    }
    if call.body is not None and call.method != "GET":
        described["requestBody"] = _request_body(call, call.body)
    return described


def _parameters(call: Call) -> list[dict[str, Any]]:
    found = _path_parameters(call.path)
    found += [
        {"name": one.name, "in": "query", "required": one.required, "schema": _without_null(one)}
        for one in call.query
    ]
    if call.idempotency:
        required = call.idempotency == "required"
        found.append(
            {
                "name": IDEMPOTENCY_KEY.name,
                "in": "header",
                "required": required,
                "schema": IDEMPOTENCY_KEY.schema(),
            }
        )
    return found


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _without_null(one: Field) -> Schema:
    return Field(one.name, one.kind, one.help, True, one.example).schema()


def _request_body(call: Call, body: tuple[Field, ...]) -> dict[str, Any]:
    example = {one.name: one.example for one in body if one.example is not None}
    content: dict[str, Any] = {
        "application/json": {"schema": object_schema(body), "example": example}
    }
    if FORM in call.content_types:  # a form has texts alone: attributes[team]=5
        content[FORM] = {
            "schema": object_schema(one for one in body if one.kind.schema["type"] == "string")
        }
    return {"required": any(one.required for one in body), "content": content}


def _responses(call: Call) -> dict[str, Any]:
    shown = {str(status): _answer(status, schema) for status, schema in call.answers.items()}
    if call.method == "OPTIONS":
        return shown
    kinds: set[type[errors.BillhookError]] = {errors.InvalidInput, errors.Unavailable, *call.errors}
    kinds |= {errors.Unauthorized, errors.Forbidden} if call.scope else set()
    kinds |= {errors.TooLarge} if call.method == "POST" else set()
    by_status: dict[int, list[str]] = {500: [], 415: []}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(status_of(kind("")), []).append(
            f"{kind.code}: {(kind.__doc__ or '').splitlines()[0]}"
        )
    content = {"application/json": {"schema": response_schemas.ERROR}} | (
        {HTML: {"schema": {"type": "string"}}} if FORM in call.content_types else {}
    )
    return shown | {
        str(status): {"description": " ".join(codes) or STATUSES[status], "content": content}
        for status, codes in sorted(by_status.items())
    }


def _answer(status: int, schema: Schema | None) -> dict[str, Any]:
    told: dict[str, Any] = {"description": STATUSES[status]}
    if status == 303:
        told["headers"] = {"Location": {"schema": {"type": "string"}}}
    return told if schema is None else told | {"content": {"application/json": {"schema": schema}}}


def _page(method: str, path: str, says: str) -> dict[str, Any]:
    """A page for people: what is on it is nobody's contract."""
    html = {HTML: {"schema": {"type": "string"}}}
    either = html | {"application/json": {"schema": response_schemas.ERROR}}
    described: dict[str, Any] = {
        "summary": says,
        "operationId": _operation_id(method, path),
        "x-page": True,
        "parameters": _path_parameters(path),
        "responses": {
            "200": {"description": "The page.", "content": html},
            "303": _answer(303, None),
            "4XX": {"description": "A page that says why not.", "content": either},
            "5XX": {"description": "A page that asks to try again.", "content": either},
        },
        "security": [],
    }
    if method == "POST":
        described["requestBody"] = {
            "content": {
                FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
            }
        }
    return described


def _operation_id(method: str, path: str) -> str:
    return "_".join([method.lower(), *re.findall(r"[A-Za-z0-9]+", path)])


def _named(value: Any, schemas: dict[str, Any]) -> Any:
    """The same with each schema that has a title put among the components, and referred to."""
    if isinstance(value, list):
        return [_named(one, schemas) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _named(one, schemas) for name, one in value.items()}
    if inner.get("type") == "object" and isinstance(inner.get("title"), str):
        schemas[inner["title"]] = inner
        return {"$ref": f"#/components/schemas/{inner['title']}"}
    return inner
