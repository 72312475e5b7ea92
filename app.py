"""Billhook's Chalice app: the HTTP blueprints put together, and the event functions made known to
the packager.
"""

from typing import Any

from chalice.app import Chalice, Response

from chalicelib.entry.http import accounts, actions, openapi_route, signups, webhooks
from chalicelib.entry.http.responses import reshaped, size_refused
from chalicelib.entry.pages import billing, cancellation, exit_feedback, mail_links, plan
from chalicelib.entry.triggers import (
    act_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
)
from chalicelib.runtime.telemetry import flush, on_call

app = Chalice(app_name="billhook", configure_logs=False)


@app.middleware("http")
def present(event: Any, get_response: Any) -> Response:
    """Logs that name the call; no body too large for it; Chalice's own errors in our shape; metrics
    written out with the answer.
    """
    on_call(event)
    try:
        return size_refused(event) or reshaped(get_response(event))
    finally:
        flush()


for room in (
    accounts,
    actions,
    billing,
    exit_feedback,
    cancellation,
    openapi_route,
    mail_links,
    plan,
    signups,
    webhooks,
    act_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
):
    app.register_blueprint(room.bp)
