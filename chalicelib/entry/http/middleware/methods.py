"""The HTTP methods that no route declares: HEAD is answered as GET is, OPTIONS with the methods
that there are, any other with 405.
"""

from collections.abc import Callable, Collection
from typing import Any

from chalice.app import Response

GetResponse = Callable[[Any], Response]


def respond(request: Any, declared: Collection[str], get_response: GetResponse) -> Response:
    """The response to a request of any method; `declared` are the methods of its route.

    HEAD runs the view of GET. The response keeps its body: API Gateway takes the length of the body
    for Content-Length and does not send it.
    """
    if request.method == "HEAD" and "HEAD" not in declared and "GET" in declared:
        _read_as_get(request)
        return get_response(request)
    if request.method == "OPTIONS" and "OPTIONS" not in declared:
        return Response("", status_code=204, headers={"Allow": allowed(declared)})
    response = get_response(request)
    if response.status_code == 405:
        response.headers["Allow"] = allowed(declared)
    return response


def allowed(declared: Collection[str]) -> str:
    """The value of `Allow` for a route with these methods."""
    methods = {*declared, "OPTIONS"} | ({"HEAD"} if "GET" in declared else set())
    return ", ".join(sorted(methods))


def _read_as_get(request: Any) -> None:
    """Let Chalice find the view of GET. It looks the method up in the event, after the
    middleware.
    """
    request.method = "GET"
    request.to_original_event()["requestContext"]["httpMethod"] = "GET"
