"""What both apps do with every request: its route in the logs, a limit for its body, errors in one
form, the headers that every response has, and the metrics.
"""

from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.entry.http.responses import (
    add_security_headers,
    reformat_error,
    refuse_large_body,
)
from chalicelib.runtime.invocation import end_invocation
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import name_request


def answered(request: Any, get_response: Callable[[Any], Response]) -> Response:
    """The response to a request: that of `get_response`, with Chalice's own errors in Billhook's
    form, or the refusal of a body that is too large.
    """
    name_request(request)
    try:
        response = refuse_large_body(request) or reformat_error(get_response(request))
        return add_security_headers(response, settings().stage != "local")
    finally:
        end_invocation()
