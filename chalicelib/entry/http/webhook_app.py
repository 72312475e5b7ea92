"""The app of the webhook's own function: one route, and nothing loaded that it does not need. With
the whole app a cold start takes more than twice as long, and after a quiet hour each first webhook
of a burst is one.
"""

from typing import Any, cast

from chalice.app import Chalice, Response

from chalicelib.entry.http.middleware.every_response import answered
from chalicelib.entry.http.webhooks import PATH, receive_stripe

app = Chalice(app_name="billhook", configure_logs=False)


@app.middleware("http")
def handle_request(request: Any, get_response: Any) -> Response:
    """Answer a request as the API's app does."""
    return answered(request, get_response)


@app.route(PATH, methods=["POST"])
def webhook() -> Response:
    """The one route."""
    return cast(Response, receive_stripe(app.current_request))
