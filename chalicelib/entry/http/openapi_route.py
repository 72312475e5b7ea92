"""GET /openapi.json: every route, as its declaration says."""

import functools
from typing import Any

from chalice.app import Blueprint

from chalicelib.entry.http.endpoint import Call, Given, serve
from chalicelib.entry.http.page_responses import PAGES
from chalicelib.runtime import links, wiring

bp = Blueprint(__name__)


@serve(bp, Call("GET", "/openapi.json", "This document.", answers={200: {"type": "object"}}))
def show_openapi(given: Given) -> dict[str, Any]:
    """Made when it is first asked for: nothing else needs it."""
    return _document()


@functools.cache
def _document() -> dict[str, Any]:
    from chalicelib.entry.http.openapi import document

    policy = wiring.policy()
    return document(
        routes(bp.current_app.routes),
        links.base_url(),
        policy.mail.product if policy.mail else "this product",
    )


def routes(known: Any) -> list[tuple[str, str, str]]:
    """Method, path and, for a page, its docstring's first line, of all routes of a Chalice app."""
    found = []
    for path, methods in known.items():
        for method, entry in methods.items():
            view = entry.view_function
            says = (view.__doc__ or "A page.").splitlines()[0] if view in PAGES else ""
            found.append((method, path, says))
    return found
