"""Builds the OpenAPI document: API endpoints from their declarations, pages with a summary only."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain import errors
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import document_schema, example
from chalicelib.domain.security.api_keys import SCOPES
from chalicelib.entry.http.endpoint import ENDPOINTS, IDEMPOTENCY_KEY, Endpoint
from chalicelib.entry.http.responses import status_of
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import Field, Schema, object_schema

VERSION = "1.0.0"
PATH_SCHEMAS: Mapping[str, Schema] = {
    "account_id": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "description": "The id of an account.",
        "examples": ["acc_1a2b3c"],
    },
    "email": {"type": "string", "format": "email", "description": "An e-mail address."},
    "endpoint_id": {
        "type": "string",
        "pattern": "^we_[0-9a-f]{16}$",
        "description": "The id of a webhook endpoint.",
        "examples": ["we_1a2b3c4d5e6f7081"],
    },
    "invoice_id": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,255}$"},
    "token": {"type": "string", "description": "The token of a signed link."},
}
STATUSES = {
    200: "Success.",
    201: "Created.",
    202: "Accepted, and not finished: a message or a payment has to follow.",
    204: "Success, without a body.",
    303: "Redirect to a page.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    500: "An internal error. It is safe to repeat the request.",
}
HTML = "text/html"
FORM = "application/x-www-form-urlencoded"


def document(routes: Iterable[tuple[str, str, str]], base_url: str, product: str) -> dict[str, Any]:
    """The OpenAPI document for routes, each a method, a path and, for a page, a summary (else an
    empty text).

    Raises KeyError for a route that is neither declared nor a page.
    """
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary in sorted(routes):
        described = _page(method, path, summary) if summary else _endpoint(ENDPOINTS[method, path])
        paths.setdefault(path, {})[method.lower()] = _with_components(described, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Billing of {product}",
            "version": VERSION,
            "description": (
                "Trials, access, subscriptions and charges. Times are in ISO 8601 with their UTC"
                " offset, amounts in minor units of the currency."
            ),
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "webhooks": _with_components(_webhooks(), schemas),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": (
                        "An API key, created by the operator of this stage. "
                        + " ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items())
                    ),
                }
            },
        },
    }


def _webhooks() -> dict[str, Any]:
    """What is sent for each type of domain event."""
    return {type: {"post": _webhook(type, one.meaning)} for type, one in CATALOGUE.items()}


def _webhook(type: str, meaning: str) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in re.split("[._]", type))
    content = {
        "schema": document_schema(type) | {"title": f"{name}Event"},
        "example": json.loads(example(type)),
    }
    return {
        "summary": meaning,
        "operationId": f"event_{re.sub('[._]', '_', type)}",
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {"2XX": {"description": "The event was taken."}},
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": endpoint.help,
        "operationId": _operation_id(endpoint.method, endpoint.path),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint),
        "security": [{"key": [endpoint.scope]}] if endpoint.scope else [],
    }
    if endpoint.body is not None and endpoint.method != "GET":
        described["requestBody"] = _request_body(endpoint, endpoint.body)
    return described


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = _path_parameters(endpoint.path)
    found += [
        {
            "name": field.name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(field),
        }
        for field in endpoint.query
    ]
    if endpoint.idempotency:
        required = endpoint.idempotency == "required"
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


def _without_null(field: Field) -> Schema:
    return Field(field.name, field.kind, field.help, True, field.example).schema()


def _request_body(endpoint: Endpoint, body: tuple[Field, ...]) -> dict[str, Any]:
    example = {field.name: field.example for field in body if field.example is not None}
    content: dict[str, Any] = {
        "application/json": {"schema": object_schema(body), "example": example}
    }
    if FORM in endpoint.content_types:  # a form has text fields only: attributes[team]=5
        content[FORM] = {
            "schema": object_schema(
                field for field in body if field.kind.schema["type"] == "string"
            )
        }
    return {"required": any(field.required for field in body), "content": content}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    described = {
        str(status): _response(status, schema) for status, schema in endpoint.answers.items()
    }
    if endpoint.method == "OPTIONS":
        return described
    kinds: set[type[errors.BillhookError]] = {
        errors.InvalidInput,
        errors.Unavailable,
        *endpoint.errors,
    }
    kinds |= {errors.Unauthorized, errors.Forbidden} if endpoint.scope else set()
    kinds |= {errors.TooLarge} if endpoint.method == "POST" else set()
    by_status: dict[int, list[str]] = {500: [], 415: []}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(status_of(kind("")), []).append(
            f"{kind.code}: {(kind.__doc__ or '').splitlines()[0]}"
        )
    content = {"application/json": {"schema": response_schemas.ERROR}} | (
        {HTML: {"schema": {"type": "string"}}} if FORM in endpoint.content_types else {}
    )
    return described | {
        str(status): {"description": " ".join(codes) or STATUSES[status], "content": content}
        for status, codes in sorted(by_status.items())
    }


def _response(status: int, schema: Schema | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": STATUSES[status]}
    if status == 303:
        described["headers"] = {"Location": {"schema": {"type": "string"}}}
    if schema is not None:
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _page(method: str, path: str, summary: str) -> dict[str, Any]:
    """A page for people. Its content is not part of the API."""
    html = {HTML: {"schema": {"type": "string"}}}
    either = html | {"application/json": {"schema": response_schemas.ERROR}}
    described: dict[str, Any] = {
        "summary": summary,
        "operationId": _operation_id(method, path),
        "x-page": True,
        "parameters": _path_parameters(path),
        "responses": {
            "200": {"description": "The page.", "content": html},
            "303": _response(303, None),
            "4XX": {"description": "A page that explains the error.", "content": either},
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


def _with_components(value: Any, schemas: dict[str, Any]) -> Any:
    """`value` with each schema that has a title replaced by a reference. Adds those to `schemas`,
    by title.
    """
    if isinstance(value, list):
        return [_with_components(item, schemas) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _with_components(item, schemas) for name, item in value.items()}
    if inner.get("type") == "object" and isinstance(inner.get("title"), str):
        schemas[inner["title"]] = inner
        return {"$ref": f"#/components/schemas/{inner['title']}"}
    return inner
