"""What Chalice and SAM cannot say about API Gateway: it passes every method of a route on, and its
own errors have the headers of all others.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.entry.http.responses import (
    ALWAYS_SENT,
    HTTPS_ONLY,
    NO_CONTENT_OF_THE_GATEWAY,
)

ANY_METHOD = "x-amazon-apigateway-any-method"


def pass_every_method(paths: Mapping[str, dict[str, Any]]) -> None:
    """Add to each path of an API definition the methods that no view declares, handled by the same
    function: it answers HEAD and OPTIONS, and refuses others with 405. Without this API Gateway
    answers them with an error of its own.
    """
    for methods in paths.values():
        like = next(iter(methods.values()))
        methods[ANY_METHOD] = copy.deepcopy(
            {
                name: like[name]
                for name in like
                if name not in {"consumes", "summary", "description"}
            }
        )


def error_headers(sites: Sequence[str]) -> dict[str, str]:
    """The headers of API Gateway's own errors, given the sites in billing.toml: their scripts must
    be able to read them.

    A gateway response has fixed headers and cannot compare origins. So one site is named, and for
    several it is any site: these errors are fixed texts, the same for everybody.
    """
    if not sites:
        return {}
    if len(sites) == 1:
        return {"Access-Control-Allow-Origin": sites[0], "Vary": "Origin"}
    return {"Access-Control-Allow-Origin": "*"}


def add_error_headers(responses: Mapping[str, dict[str, Any]], sites: Sequence[str]) -> None:
    """Add to an API's gateway responses `error_headers` and those that every response has, in SAM's
    form.
    """
    sent = error_headers(sites) | ALWAYS_SENT | NO_CONTENT_OF_THE_GATEWAY | HTTPS_ONLY
    quoted = {name: f"'{value}'" for name, value in sent.items()}
    for response in responses.values():
        parameters = response.setdefault("ResponseParameters", {})
        parameters["Headers"] = parameters.get("Headers", {}) | quoted
