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
from local.aws.partner_bus import PartnerBus
from local.aws.queue_drain import NotSettled, Rest
from local.aws.ses_events import BY_HAND
from local.aws.table_stream import StreamTrigger
from local.clock_control import ClockControl
from local.control_room import pages
from local.control_room.at_intercom import AtIntercom
from local.control_room.example_site import site
from local.control_room.mailbox import Mailbox, Received
from local.control_room.overview import Customers
from local.control_room.request_input import (
    Refused,
    content_of,
    is_browser,
    is_form,
    wanted_envelope,
    wanted_moment,
    wanted_switch,
)
from local.control_room.sent_requests import Outgoing
from local.durations import iso
from local.http_server import Answer, Handle, Request, error_answer, json_answer
from local.intercom.server import IntercomServer
from local.shutdown import Stopped

OWN_NAMES = ("127.0.0.1", "localhost")

NOTICES = {
    "clock": "The clock has moved.",
    "settle": "The system is idle.",
    "stream": "The table’s stream is switched, and the system is idle.",
}
"""What the control room says after a form, by the last part of the form's address."""

Answers = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the control room shows about the system. `product_url` is the example product's address,
    where it runs. `has_stripe_pages` says whether Stripe is the
    simulated one, which has a page for each customer.
    """

    api_key: str
    webhook_secret: str
    stripe_base: str
    emulator: str
    has_stripe_pages: bool
    admin_key: str = ""
    product_url: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the control room shows and changes. `app` answers all requests outside /_local;
    `intercom` is the stand-in, where it runs.
    """

    rest: Rest
    clock_control: ClockControl
    stream: StreamTrigger
    mailbox: Mailbox
    outgoing: Outgoing
    calls: Calls
    customers: Customers
    partner_bus: PartnerBus
    app: Handle
    intercom: IntercomServer | None = None


class Control:
    """Answers the requests under /_local."""

    def __init__(self, facts: Facts, parts: Parts) -> None:
        self._facts, self._parts = facts, parts
        intercom = AtIntercom(parts.intercom, parts.clock_control.settle)
        self._routes: list[tuple[str, re.Pattern[str], Answers]] = [
            (method, re.compile(path), answers)
            for method, path, answers in (
                ("GET", r"/_local", self._page),
                ("GET", r"/_local/state", lambda _: json_answer(self.state())),
                ("POST", r"/_local/clock", self._clock),
                ("POST", r"/_local/settle", self._settle),
                ("POST", r"/_local/stream", self._stream),
                ("POST", r"/_local/eventbridge", self._eventbridge),
                ("GET", r"/_local/outgoing", self._outgoing),
                ("GET", r"/_local/calls", lambda _: json_answer(parts.calls.to_json())),
                ("GET", r"/_local/mail", self._mail),
                ("GET", r"/_local/mail(?:box)?/(\d{1,9})", self._letter),
                ("GET", r"/_local/mailbox", lambda _: pages.mailbox(self._mails())),
                ("POST", rf"/_local/mail/(\d{{1,9}})/({'|'.join(BY_HAND)})", self._happen),
                ("GET", r"/_local/site(?:/([a-z.]{1,40}))?", self._site),
                ("GET", r"/_local/stripe", lambda _: _see(facts.stripe_base)),
                ("GET", r"/_local/intercom(?:/([A-Za-z0-9_-]{1,64}))?", intercom.shown),
                (
                    "POST",
                    r"/_local/intercom/([A-Za-z0-9_-]{1,64})/(unsubscribe|subscribe)",
                    intercom.unsubscribe,
                ),
                ("GET", r"/_local/accounts/([A-Za-z0-9_-]{1,64})/timeline", self._timeline),
                ("GET", r"/_local/accounts/([A-Za-z0-9_-]{1,64})/billing", self._billing),
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

    def _answered(self, answers: Answers, request: Request, *arguments: Any) -> Answer:
        try:
            return answers(request, *arguments)
        except Refused as refusal:
            if is_form(request):
                return self._page(request, 400, str(refusal.args[0]))
            return error_answer(400, "invalid", *refusal.args)
        except NotSettled as left:
            if is_form(request):
                return self._page(request, 504, str(left))
            return error_answer(504, "not_settled", str(left))
        except Stopped:
            return error_answer(503, "stopping", "Billhook is ending.")

    def state(self) -> dict[str, Any]:
        """The system as it is now. `stuck` lists what is still due after the last move of the
        clock.
        """
        return {
            "now": iso(clock.now()),
            "api_key": self._facts.api_key,
            "admin_key": self._facts.admin_key,
            "webhook_secret": self._facts.webhook_secret,
            "stripe_base": self._facts.stripe_base,
            "product_url": self._facts.product_url,
            "queues": self._parts.rest.depths(),
            "due_at": self._parts.rest.next_due(),
            "stuck": self._parts.clock_control.stuck,
        }

    def _clock(self, request: Request) -> Answer:
        self._parts.clock_control.move_to(wanted_moment(request, clock.now()))
        return self._done(request)

    def _settle(self, request: Request) -> Answer:
        self._parts.clock_control.settle()
        return self._done(request)

    def _stream(self, request: Request) -> Answer:
        self._parts.stream.switch(wanted_switch(request))
        return self._settle(request)

    def _eventbridge(self, request: Request) -> Answer:
        """Whether the rule on Stripe's partner bus matched the event. Whatever else comes over a
        bus is left.
        """
        return json_answer({"matched": self._parts.partner_bus.put(wanted_envelope(request))})

    def _done(self, request: Request) -> Answer:
        """The state as JSON, or after a form a redirect to the page."""
        if is_form(request):
            return _see(f"/_local?done={request.path.rpartition('/')[2]}")
        return json_answer(self.state())

    def _outgoing(self, request: Request) -> Answer:
        calls = self._parts.outgoing.calls()
        return pages.sent_requests(calls) if is_browser(request) else json_answer(calls)

    def _mail(self, request: Request) -> Answer:
        if is_browser(request):
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
        if request.path.startswith("/_local/mailbox") or is_browser(request):
            return pages.mail(mail)
        return json_answer(mail)

    def _happen(self, request: Request, number: str, kind: str) -> Answer:
        received = self._received(number)
        self._parts.mailbox.happen(received, kind)
        self._parts.clock_control.settle()
        if is_browser(request) or is_form(request):
            return _see(f"/_local/mailbox/{number}")
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
        path = f"/accounts/{account_id}/timeline"
        answer = self._parts.app(
            Request("GET", path, request.query, headers, b"", request.source_ip)
        )
        if answer.status != 200 or not is_browser(request):
            return answer
        content = json.loads(answer.body)
        return pages.timeline(account_id, content["entries"], content.get("cursor"))

    def _billing(self, request: Request, account_id: str) -> Answer:
        """The customer's billing page, without the mailed link that a customer needs."""
        cookie = self._parts.customers.billing_cookie(account_id)
        if cookie is None:
            return error_answer(404, "not_found", "There is no such account.")
        return _see("/billing", ("Set-Cookie", cookie))

    def _site(self, request: Request, name: str | None) -> Answer:
        """The example site. Its form posts to the host name of this request."""
        if request.path == "/_local/site":
            return Answer(301, b"", [("Location", "/_local/site/")])
        return site(name or "", f"http://{request.headers['Host']}") or error_answer(
            404, "not_found", "There is nothing at this address."
        )

    def _page(self, request: Request, status: int = 200, problem: str = "") -> Answer:
        state, facts, now = self.state(), self._facts, clock.now()
        customers = self._parts.customers.all()
        return pages.control_room(
            status,
            now=now,
            trial_end=pages.next_trial_end(customers, now),
            due_at=state["due_at"] and datetime.fromisoformat(state["due_at"]),
            stuck=state["stuck"],
            queues=state["queues"],
            stream_is_on=self._parts.stream.is_on,
            customers=customers,
            mails=self._mails()[::-1],
            notice=NOTICES.get(dict(request.query).get("done", ""), ""),
            problem=problem,
            amount=content_of(request).get("advance", "") if is_form(request) else "",
            product=facts.product_url,
            has_intercom=self._parts.intercom is not None,
            stripe_pages=facts.stripe_base if facts.has_stripe_pages else "",
            facts={
                "API key": facts.api_key,
                "Admin key": facts.admin_key,
                "Webhook secret": facts.webhook_secret,
                "Stripe": facts.stripe_base,
                "AWS emulator": facts.emulator,
                **({"Example product": facts.product_url} if facts.product_url else {}),
            },
        )


def _see(path: str, *headers: tuple[str, str]) -> Answer:
    return Answer(303, b"", [("Location", path), *headers])


def _is_own(host: str) -> bool:
    return host.rsplit(":", 1)[0] in OWN_NAMES
