"""Billhook's Chalice app: registers the HTTP routes and the event functions."""

from typing import Any

from chalice.app import Chalice, Response

from chalicelib.entry.admin import actions as operators_actions
from chalicelib.entry.admin import (
    customer,
    customers,
    figures,
    health,
    mails,
    overviews,
    sign_in,
    today,
)
from chalicelib.entry.admin.session import without_traces
from chalicelib.entry.http import (
    access_tokens,
    accounts,
    audit,
    events,
    instances,
    links,
    people_webhooks,
    reports,
    suppressions,
    webhook_endpoints,
    webhooks,
)
from chalicelib.entry.http.actions import actions, charges
from chalicelib.entry.http.middleware import reader
from chalicelib.entry.http.middleware.cors import add_cors
from chalicelib.entry.http.middleware.every_response import answered
from chalicelib.entry.http.middleware.methods import respond
from chalicelib.entry.http.openapi import route as openapi
from chalicelib.entry.http.signups import signups
from chalicelib.entry.pages import billing, cancellation, details, exit_feedback, mail_links, plan
from chalicelib.entry.triggers import (
    act_queue,
    deliveries_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
)

app = Chalice(app_name="billhook", configure_logs=False)


@app.middleware("http")
def handle_request(request: Any, get_response: Any) -> Response:
    """Answer an HTTP request: note the reader's language, answer HEAD and OPTIONS, and add the
    headers of CORS to what every response has.
    """
    reader.begin(request)
    declared = app.routes.get(request.context.get("resourcePath"), {})
    response = answered(
        request,
        lambda request: without_traces(request, respond(request, declared, get_response)),
    )
    return add_cors(request, response)


for module in (
    access_tokens,
    accounts,
    audit,
    actions,
    charges,
    events,
    billing,
    exit_feedback,
    cancellation,
    details,
    instances,
    links,
    openapi,
    mail_links,
    people_webhooks,
    plan,
    reports,
    signups,
    suppressions,
    webhook_endpoints,
    webhooks,
    today,
    figures,
    health,
    mails,
    overviews,
    customers,
    customer,
    operators_actions,
    sign_in,
    act_queue,
    deliveries_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
):
    app.register_blueprint(module.bp)
