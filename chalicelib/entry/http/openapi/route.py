"""GET /openapi.json: the OpenAPI document of all routes."""

import functools
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import SignatureRefused, TooLarge
from chalicelib.entry.http import webhooks
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, declare, serve
from chalicelib.entry.http.page_responses import PAGES
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.runtime import wiring

bp = Blueprint(__name__)

# Here and not beside its view, which the webhook's function loads without all this.
declare(
    Endpoint(
        "POST",
        webhooks.PATH,
        "Receives events from Stripe, signed by the header Stripe-Signature. 200 once the event is"
        " queued.",
        answers={200: response_schemas.RECEIVED},
        errors=(SignatureRefused, TooLarge),
    )
)

DASHBOARD = "admin"
"""The first part of the paths of the operators' dashboard."""


@serve(bp, Endpoint("GET", "/openapi.json", "This document.", answers={200: {"type": "object"}}))
def show_openapi(request: CheckedRequest) -> dict[str, Any]:
    """The OpenAPI document. Built on the first request."""
    return _document()


@functools.cache
def _document() -> dict[str, Any]:
    from chalicelib.entry.http.openapi.document import document

    policy = wiring.policy()
    return document(
        routes(bp.current_app.routes),
        wiring.links().base_url,
        policy.mail.product if policy.mail else "this product",
    )


def routes(registered: Any) -> list[tuple[str, str, str]]:
    """The method, path and summary of all routes of a Chalice app but those of the dashboard, which
    is for people alone. The summary is the first line of a page's docstring, and empty for an API
    endpoint.
    """
    found = []
    for path, methods in registered.items():
        if path.split("/")[1] == DASHBOARD:
            continue
        for method, entry in methods.items():
            view = entry.view_function
            summary = (view.__doc__ or "A page.").splitlines()[0] if view in PAGES else ""
            found.append((method, path, summary))
    return found
