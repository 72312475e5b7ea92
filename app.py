"""Billhook's Chalice app: registers the HTTP routes and the event functions."""

from typing import Any

from chalice.app import Chalice, Response

from chalicelib.entry.http import (
    access_tokens,
    accounts,
    actions,
    charges,
    links,
    openapi_route,
    signups,
    suppressions,
    webhooks,
)
from chalicelib.entry.http.middleware import reader
from chalicelib.entry.http.middleware.cors import add_cors
from chalicelib.entry.http.middleware.methods import respond
from chalicelib.entry.http.responses import (
    add_security_headers,
    reformat_error,
    refuse_large_body,
)
from chalicelib.entry.pages import billing, cancellation, details, exit_feedback, mail_links, plan
from chalicelib.entry.triggers import (
    act_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
)
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import flush, name_request

app = Chalice(app_name="billhook", configure_logs=False)


@app.middleware("http")
def handle_request(request: Any, get_response: Any) -> Response:
    """Answer an HTTP request: add its route to the logs, note the reader's language, refuse a body
    that is too large, answer HEAD and OPTIONS, bring Chalice's own errors into Billhook's form, add
    the headers that every response has and those of CORS, and emit metrics.
    """
    name_request(request)
    reader.begin(request)
    try:
        declared = app.routes.get(request.context.get("resourcePath"), {})
        response = refuse_large_body(request) or reformat_error(
            respond(request, declared, get_response)
        )
        return add_cors(request, add_security_headers(response, settings().stage != "local"))
    finally:
        flush()


for module in (
    access_tokens,
    accounts,
    actions,
    charges,
    billing,
    exit_feedback,
    cancellation,
    details,
    links,
    openapi_route,
    mail_links,
    plan,
    signups,
    suppressions,
    webhooks,
    act_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
):
    app.register_blueprint(module.bp)
