"""Billhook's Chalice app: the HTTP blueprints put together, and the event functions made known to
the packager.
"""

from typing import Any

from chalice.app import Chalice, Response

from chalicelib.entry import (
    feedback,
    http_accounts,
    http_actions,
    http_customer,
    http_feedback,
    http_leaving,
    http_openapi,
    http_pages,
    http_plan,
    http_signups,
    http_webhooks,
    queue_act,
    queue_events,
    queue_mail,
    schedules,
    stream,
)
from chalicelib.entry.presenting import reshaped, size_refused
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
    http_accounts,
    http_actions,
    http_customer,
    http_feedback,
    http_leaving,
    http_openapi,
    http_pages,
    http_plan,
    http_signups,
    http_webhooks,
    queue_act,
    queue_events,
    queue_mail,
    schedules,
    feedback,
    stream,
):
    app.register_blueprint(room.bp)
