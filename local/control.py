"""The control room: everything under /_local."""

import html
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.runtime.clock import clock
from local.resources import Resources
from local.serving import Answer, Request, error_answer, json_answer
from local.settling import NotSettled, Rest

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LENGTH = re.compile(r"(\d{1,9})([smhdw])")
OWN_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the control room tells of the system it stands in."""

    api_key: str
    webhook_secret: str
    stripe_base: str
    emulator: str


class Refused(Exception):
    """A request that is answered with 400; the arguments are a message and the field to blame."""


class Control:
    """Answers the requests under /_local."""

    def __init__(self, facts: Facts, resources: Resources, rest: Rest) -> None:
        self._facts, self._resources, self._rest = facts, resources, rest
        self._moving = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        # A page from elsewhere whose name was made to point here must not read the key.
        if request.headers.get("Host", "").rsplit(":", 1)[0] not in OWN_NAMES:
            return error_answer(403, "forbidden", "The control room answers to 127.0.0.1 and localhost only.")
        routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/_local"): lambda _: self._page(),
            ("GET", "/_local/state"): lambda _: json_answer(self.state()),
            ("POST", "/_local/clock"): self._clock,
            ("POST", "/_local/settle"): lambda _: self._settled(),
        }
        route = routes.get((request.method, request.path.rstrip("/")))
        if route is None:
            return error_answer(404, "not_found", "There is nothing at this address.")
        try:
            return route(request)
        except Refused as refusal:
            return error_answer(400, "invalid", *refusal.args)
        except NotSettled as left:
            return error_answer(504, "not_settled", str(left))

    def state(self) -> dict[str, Any]:
        """The system as it is now."""
        return {
            "now": _iso(clock.now()),
            "api_key": self._facts.api_key,
            "webhook_secret": self._facts.webhook_secret,
            "stripe_base": self._facts.stripe_base,
            "queues": {
                "events": self._rest.depth(self._resources.events_queue_url),
                "dead_letters": self._rest.depth(self._resources.dead_letters_queue_url),
            },
            "due_at": self._rest.next_due(),
        }

    def _settled(self) -> Answer:
        self._rest.wait()
        return json_answer(self.state())

    def _clock(self, request: Request) -> Answer:
        with self._moving:
            self._move(_wanted_moment(request.body, clock.now()))
        return self._settled()

    def _move(self, moment: datetime) -> None:
        """Move the clock. What falls due on the way is to be played here: jump from one due moment to the next, and settle at each."""
        clock.move_to(moment)

    def _page(self) -> Answer:
        state = self.state()
        rows = {
            "clock": state["now"],
            "next due": state["due_at"] or "nothing",
            "events queue": state["queues"]["events"],
            "dead letters": state["queues"]["dead_letters"],
            "webhook secret": state["webhook_secret"],
            "API key": state["api_key"],
            "Stripe": state["stripe_base"],
            "AWS emulator": self._facts.emulator,
        }
        table = "\n".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows.items())
        return Answer(200, PAGE.replace("{table}", table).encode(), [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")])


def _wanted_moment(body: bytes, now: datetime) -> datetime:
    """The moment that a request for `/_local/clock` names. Raises Refused."""
    try:
        content = json.loads(body)
    except ValueError:
        raise Refused("The body is no JSON.") from None
    if not isinstance(content, dict) or len(content) != 1 or not content.keys() <= {"to", "advance"}:
        raise Refused('Please say either {"to": "2027-01-31T12:00:00Z"} or {"advance": "3d"}, and nothing else.')
    (name, value), *_ = content.items()
    try:
        moment = _moment(value) if name == "to" else now + _length(value)
    except (ValueError, TypeError, OverflowError, OSError):
        example = "a moment such as 2027-01-31T12:00:00Z or Unix seconds" if name == "to" else "a length such as 3d, 12h, 30m, 10s or 2w"
        raise Refused(f"{name} is {example}.", name) from None
    if moment < now:
        raise Refused(f"The clock only goes forward: it is {_iso(now)} already.", name)
    return moment


def _moment(value: Any) -> datetime:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float) or value.isdecimal():
        return datetime.fromtimestamp(float(value), UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _length(value: str) -> timedelta:
    match = LENGTH.fullmatch(value)
    if match is None:
        raise ValueError
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Billhook, on this machine</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}
th{text-align:left;padding-right:2rem} td{font-family:monospace}
</style>
</head>
<body>
<h1>Billhook, on this machine</h1>
<table>
{table}
</table>
<ul>
<li><a href="/_local/state">/_local/state</a>: the same as JSON</li>
<li>POST /_local/clock {"advance": "3d"} or {"to": "2027-01-31T12:00:00Z"}: moves the clock forward</li>
<li>POST /_local/settle: returns once everything has come to rest</li>
<li>POST /webhooks/stripe: where Stripe's events go</li>
<li>GET /accounts/{account_id}/access: what an account may use, with the API key as a Bearer token</li>
<li><a href="/healthz">/healthz</a></li>
</ul>
</body>
</html>
"""
