"""The control room: everything under /_local."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from chalicelib.runtime.clock import clock
from local.aws.iam_recorder import Calls
from local.aws.queue_drain import NotSettled, Rest
from local.aws.ses_events import BY_HAND
from local.aws.table_stream import StreamTrigger
from local.clock_control import Clockwork
from local.control_room import pages
from local.control_room.example_site import site
from local.control_room.mailbox import Mailbox, Received
from local.control_room.sent_requests import Outgoing
from local.durations import iso, length, moment
from local.http_server import Answer, Handle, Request, error_answer, json_answer
from local.shutdown import Stopped

OWN_NAMES = ("127.0.0.1", "localhost")

Answers = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the control room tells of the system it stands in."""

    api_key: str
    webhook_secret: str
    stripe_base: str
    emulator: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What the control room looks at and turns. `app` answers everything that is
    not under /_local."""

    rest: Rest
    clockwork: Clockwork
    stream: StreamTrigger
    mailbox: Mailbox
    outgoing: Outgoing
    calls: Calls
    accounts: Callable[[], list[dict[str, Any]]]
    app: Handle


class Refused(Exception):
    """A request that is answered with 400; the arguments are a message and the field to blame."""


class Control:
    """Answers the requests under /_local."""

    def __init__(self, facts: Facts, parts: Parts) -> None:
        self._facts, self._parts = facts, parts
        self._routes: list[tuple[str, re.Pattern[str], Answers]] = [
            (method, re.compile(path), answers)
            for method, path, answers in (
                ("GET", r"/_local", self._page),
                ("GET", r"/_local/state", lambda _: json_answer(self.state())),
                ("POST", r"/_local/clock", self._clock),
                ("POST", r"/_local/settle", lambda _: self._settled()),
                ("POST", r"/_local/stream", self._stream),
                ("GET", r"/_local/outgoing", lambda _: json_answer(parts.outgoing.calls())),
                ("GET", r"/_local/calls", lambda _: json_answer(parts.calls.to_json())),
                ("GET", r"/_local/mail", self._mail),
                ("GET", r"/_local/mail(?:box)?/(\d{1,9})", self._letter),
                ("GET", r"/_local/mailbox", lambda _: pages.mailbox(self._mails())),
                ("POST", rf"/_local/mail/(\d{{1,9}})/({'|'.join(BY_HAND)})", self._happen),
                ("GET", r"/_local/site(?:/([a-z.]{1,40}))?", self._site),
                ("GET", r"/_local/accounts/([A-Za-z0-9_-]{1,64})/timeline", self._timeline),
            )
        ]

    def __call__(self, request: Request) -> Answer:
        # A page from elsewhere must not read the key, by a name that was made to point here, nor
        # press the buttons.
        origin = request.headers.get("Origin")
        if not _is_own(request.headers.get("Host", "")) or (
            origin and not _is_own(urlsplit(origin).netloc)
        ):
            return error_answer(
                403, "forbidden", "The control room answers to 127.0.0.1 and localhost only."
            )
        path = request.path.rstrip("/")
        for method, pattern, answers in self._routes:
            match = pattern.fullmatch(path) if method == request.method else None
            if match:
                return self._answered(answers, request, *match.groups())
        return error_answer(404, "not_found", "There is nothing at this address.")

    def _answered(self, answers: Answers, *arguments: Any) -> Answer:
        try:
            return answers(*arguments)
        except Refused as refusal:
            return error_answer(400, "invalid", *refusal.args)
        except NotSettled as left:
            return error_answer(504, "not_settled", str(left))
        except Stopped:
            return error_answer(503, "stopping", "Billhook is ending.")

    def state(self) -> dict[str, Any]:
        """The system as it is now; `stuck` is what the last move of the clock could
        not get done."""
        return {
            "now": iso(clock.now()),
            "api_key": self._facts.api_key,
            "webhook_secret": self._facts.webhook_secret,
            "stripe_base": self._facts.stripe_base,
            "queues": self._parts.rest.depths(),
            "due_at": self._parts.rest.next_due(),
            "stuck": self._parts.clockwork.stuck,
        }

    def _settled(self) -> Answer:
        self._parts.clockwork.settle()
        return json_answer(self.state())

    def _clock(self, request: Request) -> Answer:
        self._parts.clockwork.move_to(_wanted_moment(request.body, clock.now()))
        return json_answer(self.state())

    def _stream(self, request: Request) -> Answer:
        match _object(request.body):
            case {"on": bool(on), **more} if not more:
                self._parts.stream.switch(on)
                return self._settled()
        raise Refused('Please say either {"on": false} or {"on": true}, and nothing else.')

    def _mail(self, request: Request) -> Answer:
        if _is_browser(request):
            return pages.mailbox(self._mails())
        query = dict(request.query)
        after = query.get("after", "0")
        if not after.isdecimal():
            raise Refused("after is the number of a mail.", "after")
        account = query.get("account_id")
        return json_answer(
            [
                mail
                for mail in self._mails()
                if mail["number"] > int(after) and account in (None, mail["account_id"])
            ]
        )

    def _mails(self) -> list[dict[str, Any]]:
        return [received.to_json() for received in self._parts.mailbox.all()]

    def _letter(self, request: Request, number: str) -> Answer:
        mail = self._received(number).to_json()
        if request.path.startswith("/_local/mailbox") or _is_browser(request):
            return pages.letter(mail)
        return json_answer(mail)

    def _happen(self, request: Request, number: str, kind: str) -> Answer:
        received = self._received(number)
        self._parts.mailbox.happen(received, kind)
        self._parts.clockwork.settle()
        if _is_browser(request):
            return Answer(303, b"", [("Location", f"/_local/mailbox/{number}")])
        return json_answer(received.to_json())

    def _received(self, number: str) -> Received:
        received = self._parts.mailbox.find(int(number))
        if received is None:
            raise Refused(f"There is no mail {number}.", "number")
        return received

    def _timeline(self, request: Request, account_id: str) -> Answer:
        """The product's own call, with the key: a browser has no other way to send it."""
        headers = type(request.headers)()
        headers["Authorization"] = f"Bearer {self._facts.api_key}"
        headers["Host"] = request.headers["Host"]
        return self._parts.app(
            Request(
                "GET",
                f"/accounts/{account_id}/timeline",
                request.query,
                headers,
                b"",
                request.source_ip,
            )
        )

    def _site(self, request: Request, name: str | None) -> Answer:
        """The example site; its form posts to this system under the name by which
        it was asked for."""
        if request.path == "/_local/site":
            return Answer(301, b"", [("Location", "/_local/site/")])
        return site(name or "", f"http://{request.headers['Host']}") or error_answer(
            404, "not_found", "There is nothing at this address."
        )

    def _page(self, request: Request) -> Answer:
        return pages.control_room(
            self.state(),
            self._parts.accounts(),
            self._facts.emulator,
            len(self._parts.mailbox.all()),
        )


def _is_own(host: str) -> bool:
    return host.rsplit(":", 1)[0] in OWN_NAMES


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Refused("The body is no JSON.") from None


def _wanted_moment(body: bytes, now: datetime) -> datetime:
    """The moment that a request for `/_local/clock` names. Raises Refused."""
    content = _object(body)
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
