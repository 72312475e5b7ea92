"""The control room's pages, for people: plain HTML that works without scripts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from chalicelib.domain.people.events import STEP
from chalicelib.localization.amounts import money
from local.aws.ses_events import BY_HAND
from local.control_room.overview import Customer
from local.durations import distance
from local.http_server import Answer

BUTTONS = {"bounce": "Bounce", "soft_bounce": "Bounce for now", "complain": "Complain"}
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
REQUESTS_SHOWN = 200
AN_HOUR = timedelta(hours=1)

PAGES = (
    ("/_local", "Control room"),
    ("/_local/mailbox", "Mailbox"),
    ("/_local/outgoing", "Sent requests"),
    ("/_local/intercom", "Intercom"),
    ("/_local/site/", "Example site"),
    ("/admin/sign-in", "Dashboard"),
    ("/_local/stripe", "Stripe"),
)

CALLS = (
    ("GET", "/_local/state", "", "the system as JSON"),
    ("GET", "/_local/mail", "", "every mail as JSON"),
    ("POST", "/_local/mail/{number}/{bounce|soft_bounce|complain}", "", "what happens to a mail"),
    ("GET", "/_local/outgoing", "", "every request to Stripe, SES and others as JSON"),
    ("GET", "/_local/intercom", "", "the contacts of the stand-in for Intercom, with their events"),
    ("GET", "/_local/calls", "", "which calls to AWS each function has made"),
    (
        "POST",
        "/_local/intercom/{account_id}/{unsubscribe|subscribe}",
        "",
        "a contact unsubscribes there from mail, or subscribes again, and Billhook is told",
    ),
    (
        "POST",
        "/_local/clock",
        '{"advance": "3d"} or {"to": "2027-01-31T12:00:00Z"}',
        "moves the clock forward; what falls due on the way happens",
    ),
    ("POST", "/_local/settle", "", "returns once the system is idle"),
    (
        "POST",
        "/_local/eventbridge",
        '{"source": "aws.partner/stripe.com/…", "detail": {…}}',
        "an event of Stripe’s over EventBridge",
    ),
    ("POST", "/_local/stream", '{"on": false}', "the table’s stream fails until it is on again"),
    ("POST", "/webhooks/stripe", "", "receives Stripe’s events"),
    (
        "GET",
        "/accounts/{account_id}/access",
        "",
        "what an account may use, with the API key as a Bearer token",
    ),
    ("GET", "/healthz", "", "whether the system answers"),
    ("GET", "/openapi.json", "", "all calls of the product, field by field"),
)
"""Calls for programs: method, path, body and what each does."""


def control_room(status: int = 200, **values: Any) -> Answer:
    """The system as it is now, with the buttons that change it. The values are those of
    local/control_room/templates/control_room.html.
    """
    return _page("control_room", "Control room", status, calls=CALLS, **values)


def next_trial_end(customers: Iterable[Customer], now: datetime) -> datetime | None:
    """When the next of the running trials ends, with those that end up to an hour later; None if
    none runs.
    """
    ends = [one.trial_ends for one in customers if one.trial_ends and one.trial_ends > now]
    return max((end for end in ends if end <= min(ends) + AN_HOUR), default=None)


def mailbox(mails: Sequence[dict[str, Any]]) -> Answer:
    """All mails, the newest first."""
    return _page("mailbox", "Mailbox", mails=mails[::-1])


def mail(mail: Mapping[str, Any]) -> Answer:
    """One mail as its reader sees it."""
    heads = {
        "At": _moment(mail["at"]),
        "From": mail["from"],
        "To": mail["to"],
        **mail["headers"],
        "Account": mail["account_id"],
        "Step": f"{mail['step']}@{mail['occasion']} ({mail['stream']})",
        "Events": ", ".join(mail["events"]),
    }
    return _page(
        "mail",
        "Mailbox",
        mail=mail,
        heads=heads,
        buttons=[(kind, BUTTONS[kind]) for kind in BY_HAND],
        unsubscribe=mail["headers"].get("List-Unsubscribe", "").strip("<>"),
        sandbox=SANDBOX,
    )


def sent_requests(calls: Sequence[dict[str, Any]]) -> Answer:
    """The requests to other systems, the newest first."""
    shown = [
        call | {"title": call["kind"].partition("?")[0], "details": _indented(call)}
        for call in calls[: -REQUESTS_SHOWN - 1 : -1]
    ]
    return _page("sent_requests", "Sent requests", calls=shown, left_out=len(calls) - len(shown))


def contacts(contacts: Sequence[dict[str, Any]], runs: bool) -> Answer:
    """The contacts that Intercom has, the newest first; `runs` says whether the stand-in does."""
    return _page("contacts", "Intercom", contacts=[_contact(one) for one in contacts], runs=runs)


def contact(contact: Mapping[str, Any]) -> Answer:
    """One contact at Intercom, with its attributes and events."""
    return _page("contact", "Intercom", contact=_contact(contact))


def _contact(contact: Mapping[str, Any]) -> dict[str, Any]:
    """A contact with its attributes and events as people read them."""
    own = {
        "signed_up_at": contact.get("signed_up_at"),
        "unsubscribed_from_emails": contact.get("unsubscribed_from_emails", False),
        "archived": contact.get("archived", False),
    }
    attributes = contact.get("custom_attributes", {})
    events = [
        {
            "name": event["event_name"],
            "at": _moment(datetime.fromtimestamp(event["created_at"], UTC)),
            "metadata": {name: _shown(name, value) for name, value in event["metadata"].items()},
            "is_step": event["event_name"].startswith(STEP),
        }
        for event in contact["events"]
    ]
    return {
        "id": contact.get("external_id"),
        "name": contact.get("name"),
        "email": contact.get("email"),
        "archived": own["archived"],
        "unsubscribed": own["unsubscribed_from_emails"],
        "attributes": attributes,
        "told": {name: _shown(name, value) for name, value in (own | attributes).items()},
        "events": events,
    }


def _shown(name: str, value: Any) -> str:
    """A value at Intercom: seconds as a moment, an amount in its currency."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case {"amount": int(amount), "currency": str(currency)}:
            return money(amount, currency)
        case float():
            return f"{value:.2f}"
        case int() if name.endswith("_at"):
            return _moment(datetime.fromtimestamp(value, UTC))
    return str(value)


def timeline(account_id: str, entries: Iterable[dict[str, Any]], cursor: str | None) -> Answer:
    """A page of an account's timeline, as the product's own call returns it."""
    shown = [entry | {"details": _indented(entry)} for entry in entries]
    return _page("timeline", "", account_id=account_id, entries=shown, cursor=cursor)


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _page(name: str, here: str, status: int = 200, **values: Any) -> Answer:
    template = _environment().get_template(f"{name}.html")
    html = template.render(here=here, pages=PAGES, **values)
    return Answer(
        status,
        html.encode(),
        [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("local.control_room"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": lambda moment: f"{moment:%A}, {moment.day} {moment:%B %Y}",
        "distance": distance,
        "moment": _moment,
        "time": lambda moment: f"{moment:%H:%M}",
        "words": lambda name: str(name).replace("_", " "),
    }
    return environment


def _moment(moment: datetime | str) -> str:
    """A moment in UTC, or its ISO form, as 2 Mar 2026, 09:00."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.day} {moment:%b %Y, %H:%M}"
