"""CORS: which responses may be read by scripts of the sites in billing.toml."""

from typing import Any

from chalice.app import Response

from chalicelib.runtime import wiring

ROUTES = frozenset({"/signups"})
"""The routes that other sites' scripts may call."""

PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "3600",
}
"""What a preflight of a listed site learns besides."""


def add_cors(request: Any, response: Response) -> Response:
    """The response with its CORS headers: on these routes every response has them, an error before
    the view included. Without them a script sees a network error, not what is wrong. Chalice's own
    CORS supports one fixed origin, and leaves them out of some errors.
    """
    if request.context.get("resourcePath") not in ROUTES:
        return response
    varies = response.headers.get("Vary")
    response.headers["Vary"] = f"Origin, {varies}" if varies else "Origin"
    origin = request.headers.get("origin")
    if origin and is_listed(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers.update(PREFLIGHT)
    return response


def is_listed(origin: str) -> bool:
    """Whether it is the origin of a site in billing.toml, or of Billhook's own pages."""
    signup = wiring.policy().signup
    return signup is not None and (origin in signup.sites or origin == wiring.links().origin)
