"""API Gateway on one machine: each request becomes a full REST proxy event, and
goes into the app."""

import base64
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalice.app import Chalice

from chalicelib.entry.http import webhook_app
from chalicelib.entry.http.responses import ALWAYS_SENT, NO_CONTENT_OF_THE_GATEWAY
from chalicelib.entry.http.webhooks import PATH
from local.aws.lambda_context import LambdaContext
from local.http_server import Answer, Request, error_answer
from ops.package.api_definition import error_headers

STAGE = "api"
OWN_APPS = {("POST", PATH): webhook_app.app}
"""The routes with a function of their own, whose app is another."""

NOT_FOUND = (404, "not_found", "There is nothing at this address.")


def make_thread_safe(app: Chalice) -> None:
    """Let many threads call the app at once: what Chalice keeps on it of a request is kept for each
    thread. An app that is thread-safe stays as it is.
    """
    if hasattr(app, "is_thread_safe"):
        return
    own = threading.local()

    def kept(name: str) -> property:
        return property(
            lambda _: getattr(own, name, None), lambda _, value: setattr(own, name, value)
        )

    kind = type(app)
    app.__class__ = type(
        f"Threaded{kind.__name__}",
        (kind,),
        {
            "is_thread_safe": True,
            "current_request": kept("current_request"),
            "lambda_context": kept("lambda_context"),
        },
    )


class ApiGateway:
    """Finds the route of a request, calls its app with the event that AWS would send, and gives
    back what it answers. `sites` are those of billing.toml, whose scripts may read the errors of
    API Gateway itself.
    """

    def __init__(self, app: Chalice, sites: Sequence[str] = ()) -> None:
        for one in (app, *OWN_APPS.values()):
            make_thread_safe(one)
        self._app = app
        self._error_headers = list(
            (error_headers(sites) | ALWAYS_SENT | NO_CONTENT_OF_THE_GATEWAY).items()
        )
        self._routes = [(_segments(template), template) for template in app.routes]

    def __call__(self, request: Request) -> Answer:
        found = self._find(request.path)
        if found is None:
            return self.own_error(error_answer(*NOT_FOUND))
        template, parameters = found
        methods = self._app.routes[template]
        cors = next((entry.cors for entry in methods.values() if entry.cors), None)
        if request.method == "OPTIONS" and request.method not in methods and cors:
            return _preflight(methods, cors)
        event = proxy_event(request, template, parameters)
        app = OWN_APPS.get((request.method, template), self._app)
        return _answer(app(event, LambdaContext("billhook-local-APIHandler", 29)))

    def own_error(self, answer: Answer) -> Answer:
        """An error that API Gateway answers by itself, with the headers of its gateway
        responses.
        """
        return replace(answer, headers=[*answer.headers, *self._error_headers])

    def _find(self, path: str) -> tuple[str, dict[str, str]] | None:
        """The route's template and its parameters, still percent-encoded as API Gateway leaves
        them. A fixed segment wins over a parameter.
        """
        segments = _segments(path)
        matches = []
        for wanted, template in self._routes:
            if len(wanted) == len(segments) and all(
                _fits(one, other) for one, other in zip(wanted, segments, strict=True)
            ):
                parameters = {
                    one[1:-1]: other
                    for one, other in zip(wanted, segments, strict=True)
                    if _is_parameter(one)
                }
                matches.append(([_is_parameter(one) for one in wanted], template, parameters))
        return min(matches, key=lambda match: match[0])[1:] if matches else None


def _preflight(methods: dict[str, Any], cors: Any) -> Answer:
    """API Gateway answers a CORS preflight by itself."""
    allowed = {
        "Access-Control-Allow-Methods": ",".join([*methods, "OPTIONS"])
    } | cors.get_access_control_headers()
    return Answer(200, b"", [(name, str(value)) for name, value in allowed.items()])


def _segments(path: str) -> list[str]:
    return path.split("/")[1:]


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _fits(wanted: str, segment: str) -> bool:
    return segment != "" if _is_parameter(wanted) else wanted == segment


def proxy_event(request: Request, template: str, parameters: dict[str, str]) -> dict[str, Any]:
    """A request to a route as API Gateway hands it to the function."""
    try:
        body, is_encoded = request.body.decode("utf-8") or None, False
    except UnicodeDecodeError:
        body, is_encoded = base64.b64encode(request.body).decode("ascii"), True
    all_headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        # Of names that differ only in case, the first spelling is kept.
        name = next((known for known in all_headers if known.lower() == name.lower()), name)
        all_headers.setdefault(name, []).append(value)
    query: dict[str, list[str]] = {}
    for name, value in request.query:
        query.setdefault(name, []).append(value)
    now = time.time()
    return {
        "resource": template,
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in all_headers.items()},
        "multiValueHeaders": all_headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": request.headers.get("Host", "127.0.0.1").split(":")[0],
            "extendedRequestId": uuid.uuid4().hex[:15],
            "httpMethod": request.method,
            "identity": {
                "sourceIp": request.source_ip,
                "userAgent": request.headers.get("User-Agent"),
                "user": None,
                "caller": None,
            },
            "path": f"/{STAGE}{request.path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": "local",
            "resourcePath": template,
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_encoded,
    }


def _answer(returned: Any) -> Answer:
    """What API Gateway makes of a function's return value. Raises TypeError where it would answer
    502.
    """
    headers = {
        name.lower(): (name, [str(value)])
        for name, value in (returned.get("headers") or {}).items()
    }
    for name, values in (returned.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = (name, [str(value) for value in values])
    body = returned.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("a body must be a str; bytes need a binary content type")
    content = base64.b64decode(body) if returned.get("isBase64Encoded") else body.encode("utf-8")
    headers.setdefault("content-type", ("Content-Type", ["application/json"]))
    return Answer(
        int(returned["statusCode"]),
        content,
        [(name, value) for name, values in headers.values() for value in values],
    )
