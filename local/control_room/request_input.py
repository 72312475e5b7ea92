"""What a request to the control room asks for: JSON from a program, or a form from a page."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from local.durations import iso, length, moment
from local.http_server import Request

FORM = "application/x-www-form-urlencoded"
SWITCH = {"true": True, "false": False}


class Refused(Exception):
    """A request that is answered with 400; the arguments are a message and the field to blame."""


def is_browser(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("Accept", "")


def is_form(request: Request) -> bool:
    """Whether this is a form of a page, so that the answer leads back to one. curl calls whatever
    it sends a form: JSON is JSON all the same, and no body is a form from a browser only.
    """
    if not request.headers.get("Content-Type", "").startswith(FORM):
        return False
    body = request.body.lstrip()
    return not body.startswith((b"{", b"[")) if body else is_browser(request)


def content_of(request: Request) -> Any:
    """The fields of a form, or what the body says as JSON. Raises Refused."""
    if is_form(request):
        return dict(parse_qsl(request.body.decode(errors="replace")))
    try:
        return json.loads(request.body)
    except ValueError:
        raise Refused("The body is no JSON.") from None


def wanted_moment(request: Request, now: datetime) -> datetime:
    """The moment to which `/_local/clock` is asked to move. Raises Refused."""
    content = content_of(request)
    if (
        not isinstance(content, dict)
        or len(content) != 1
        or not content.keys() <= {"to", "advance"}
    ):
        raise Refused(
            'Please say either {"to": "2027-01-31T12:00:00Z"} or {"advance": "3d"}, and nothing'
            " else."
        )
    (name, value), *_ = content.items()
    try:
        wanted = moment(value) if name == "to" else now + length(value)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError):
        example = (
            "a moment such as 2027-01-31T12:00:00Z or Unix seconds"
            if name == "to"
            else "a length such as 3d, 12h, 30m, 10s or 2w"
        )
        raise Refused(f"{name} is {example}.", name) from None
    if wanted < now:
        raise Refused(f"The clock only goes forward: it is {iso(now)} already.", name)
    return wanted


def wanted_switch(request: Request) -> bool:
    """Whether `/_local/stream` is asked to switch the stream on. Raises Refused."""
    content = content_of(request)
    if is_form(request):
        content = {name: SWITCH.get(value) for name, value in content.items()}
    match content:
        case {"on": bool(on), **more} if not more:
            return on
    raise Refused('Please say either {"on": false} or {"on": true}, and nothing else.')


def wanted_envelope(request: Request) -> dict[str, Any]:
    """The event that `/_local/eventbridge` is given, in EventBridge's envelope. Raises Refused."""
    content = content_of(request)
    if not isinstance(content, dict) or is_form(request):
        raise Refused(
            'Please send one event as EventBridge delivers it, such as {"source":'
            ' "aws.partner/stripe.com/ed_test_1", "detail-type": "invoice.paid", "detail": {…}}.'
        )
    return content
