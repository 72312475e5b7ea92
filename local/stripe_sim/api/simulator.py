"""The simulated Stripe as a server: the API, its pages, what tests do by hand, and webhooks."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.http_server import Answer, NoAnswer, Request, Server, json_answer
from local.stripe_sim.api.api import FAULTS, Api, ApiRequest, Fault, Silence
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import as_json
from local.stripe_sim.api.params import parse_body
from local.stripe_sim.hosted import hosted_pages
from local.stripe_sim.lifecycle.engine import CataloguePrice, Engine
from local.stripe_sim.lifecycle.store import SETTINGS
from local.stripe_sim.webhooks.delivery import Delivery, Endpoint
from local.stripe_sim.webhooks.delivery_faults import Shares
from local.stripe_stub import StripeStub

FORM = "application/x-www-form-urlencoded"
ANSWERED = (200, 303, 404)
"""The statuses of answers that tell what there is; all others are failures."""


class StripeSimulator:
    """Stripe on loopback, by the clock of `now`. It answers reads of recordings that it was told,
    too.
    """

    def __init__(self, now: Callable[[], datetime], port: int = 0) -> None:
        self._server = Server(port, self._handle)
        self._now = now
        self.engine = Engine(self._second, lambda: self._server.base)
        self.api = Api(self.engine)
        self.delivery = Delivery(self._second, self._endpoints)
        self._told = StripeStub()
        self._writes = self._failures = 0
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="stripe-clock", daemon=True)
        self.engine.store.heard = self.delivery.take
        self.engine.store.told = self._told.subscriptions

    @property
    def base(self) -> str:
        return self._server.base

    def start(self) -> None:
        """Answer from now on, and let things fall due as time passes."""
        self._server.start()
        self.delivery.start()
        self._ticker.start()

    def close(self) -> None:
        """End everything."""
        self._stopping.set()
        self.delivery.close()
        self._server.close()
        self._told.close()

    def listen(self, url: str, secret: str) -> None:
        """The endpoint that events are delivered to, and the secret that signs them."""
        self.delivery.listen(url, secret)

    def link_back_to(self, url: str) -> None:
        """The page that each of its own pages links back to."""
        self.engine.home = url

    def register(self, prices: Iterable[CataloguePrice]) -> None:
        """What can be bought from the start."""
        self.engine.register(prices)

    def next_due(self) -> datetime | None:
        """The next moment at which something happens by itself."""
        moments = [
            at for at in (self.engine.next_due(), self.delivery.next_due()) if at is not None
        ]
        return datetime.fromtimestamp(min(moments), UTC) if moments else None

    def catch_up(self) -> None:
        """Do all that is due by now."""
        self.engine.catch_up(to_act=False)
        self.delivery.catch_up()

    def at_rest(self) -> bool:
        """Whether no webhook is under way."""
        return self.delivery.at_rest()

    def await_rest(self, seconds: float) -> bool:
        """Return once no webhook is under way, or after some seconds; whether that is so."""
        return self.delivery.await_rest(seconds)

    def changes(self) -> tuple[int, int]:
        """How much was done here so far, and asked for in vain: the same later means that nothing
        was.
        """
        return len(self.engine.store.events) + self._writes, self._failures

    def _endpoints(self, type: str) -> list[Endpoint]:
        made = self.engine.store.all("webhook_endpoint")
        wanting = [
            one
            for one in made
            if one["status"] == "enabled" and {type, "*"} & {*one["enabled_events"]}
        ]
        return [Endpoint(one["url"], one["_secret"]) for one in reversed(wanting)]

    def _second(self) -> int:
        return int(self._now().timestamp())

    def _tick(self) -> None:
        while not self._stopping.wait(1):
            self.catch_up()

    def _handle(self, request: Request) -> Answer:
        self._writes += request.method != "GET"
        try:
            answer = self._answer(request)
        except NoAnswer:
            self._failures += 1
            raise
        self._failures += answer.status not in ANSWERED
        return answer

    def _answer(self, request: Request) -> Answer:
        segments = [segment for segment in request.path.split("/") if segment]
        try:
            if segments[:1] in (["v1"], ["v2"]):
                return self._call(request)
            with self.engine.lock:
                self.engine.catch_up()
                if segments[:1] == ["_test"]:
                    return self._by_hand(segments[1:], request)
                return hosted_pages.answer(self.engine, request)
        except StripeRefusal as refusal:
            return json_answer(refusal.to_json(), refusal.status)

    def _call(self, request: Request) -> Answer:
        sent = parse_body(request.path, request.body.decode(errors="replace"))
        headers = request.headers
        asked = ApiRequest(
            request.method,
            request.path,
            [*request.query, *sent],
            headers.get("Idempotency-Key"),
            headers.get("Stripe-Version"),
            headers.get("Authorization"),
        )
        if told := self._told_answer(request):
            return told
        try:
            reply = self.api.reply(asked)
        except Silence:
            raise NoAnswer from None
        lines = {"Content-Type": "application/json", **reply.headers}
        if asked.key:
            lines["Idempotency-Key"] = asked.key
        return Answer(reply.status, as_json(reply.body), list(lines.items()))

    def _told_answer(self, request: Request) -> Answer | None:
        """The answer from a recording that was told, to a read about an object that the engine does
        not know.
        """
        if request.method != "GET":
            return None
        ids = [
            segment
            for segment in request.path.split("/")
            if "_" in segment
            and segment not in ("payment_methods", "payment_intents", "invoice_payments")
        ]
        ids += [value for name, value in request.query if name in ("customer", "invoice")]
        known = [id for kind in self.engine.store.objects.values() for id in ids if id in kind]
        if not ids or known:
            return None
        answer = self._told.answer(request)
        return answer if answer.status == 200 and (b'"data": []' not in answer.body) else None

    def _by_hand(self, path: list[str], request: Request) -> Answer:
        """What a customer or a bank does, and faults; for tests."""
        given = _given(request)
        engine, store = self.engine, self.engine.store
        match request.method, path:
            case _, ["recordings"]:
                return self._told.answer(request)
            case "POST", ["checkout", id]:
                session = store.find("checkout.session", id)
                engine.checkout.complete(session, given.get("card"), authenticated=True)
                return json_answer(
                    {
                        "id": id,
                        "status": session["status"],
                        "subscription": session["subscription"],
                        "setup_intent": session["setup_intent"],
                    }
                )
            case "POST", ["customers", id, "card"]:
                method = engine.checkout.set_default_card(
                    store.find("customer", id), str(given.get("card", ""))
                )
                return json_answer({"id": method["id"], "customer": id})
            case "POST", ["customers", id, "authenticate"]:
                for invoice in [
                    one
                    for one in store.all("invoice")
                    if one["customer"] == id and one["status"] == "open"
                ]:
                    engine.checkout.authenticate(invoice)
                return json_answer({"customer": id})
            case "POST", [("disputes" | "invoices"), *_]:
                return self._by_the_bank(path, given)
            case "POST", ["settings"]:
                return self._settings(given)
            case "POST", [("webhooks" | "faults") as what]:
                return self._spoil(what, given)
        raise StripeRefusal(
            f"Unrecognized request URL ({request.method}: {request.path}).", status=404
        )

    def _by_the_bank(self, path: list[str], given: dict[str, Any]) -> Answer:
        """What a bank does: a debit ends, a payment is disputed."""
        engine, store = self.engine, self.engine.store
        match path:
            case ["invoices", id, "debit"]:
                invoice = store.find("invoice", id)
                intent = engine.invoices.intents.prepare(invoice)
                engine.end_debit(intent, str(given.get("outcome", "succeeded")))
                return json_answer({"id": id, "status": invoice["status"]})
            case ["disputes"]:
                dispute = engine.payments.dispute(
                    store.find("charge", given.get("charge")), given.get("reason", "fraudulent")
                )
                return json_answer({"id": dispute["id"]})
            case ["disputes", id, ("won" | "lost") as status]:
                engine.payments.close_dispute(store.find("dispute", id), status)
                return json_answer({"id": id, "status": status})
        raise StripeRefusal(
            f"Unrecognized request URL (POST: /_test/{'/'.join(path)}).", status=404
        )

    def _spoil(self, what: str, given: dict[str, Any]) -> Answer:
        """Calls that go wrong, and webhooks that get lost, from now on."""
        if what == "webhooks":
            shares = {one.name: float(given.get(one.name, 0)) for one in fields(Shares)}
            self.delivery.spoil(Shares(**shares), given.get("seed"))
            return json_answer(given)
        how = str(given.get("how"))
        if how not in FAULTS:
            raise StripeRefusal(f"There is no fault {how}: there are {', '.join(FAULTS)}.", "how")
        self.api.faults.append(
            Fault(
                how,
                int(given.get("times", 1)),
                given.get("path", ""),
                given.get("method", ""),
            )
        )
        return json_answer({"faults": len(self.api.faults)})

    def _settings(self, given: dict[str, Any]) -> Answer:
        for name, value in given.items():
            if name not in SETTINGS:
                raise StripeRefusal(
                    f"There is no setting {name}: there are {', '.join(SETTINGS)}.",
                    name,
                    "parameter_unknown",
                )
            self.engine.store.settings[name] = value
        return json_answer(self.engine.store.settings)


def _given(request: Request) -> dict[str, Any]:
    # curl says that its -d is a form, whatever it holds.
    if request.headers.get("Content-Type", "").startswith(
        FORM
    ) and not request.body.lstrip().startswith(b"{"):
        return dict(parse_qsl(request.body.decode(errors="replace")))
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        raise StripeRefusal("The body is no JSON.") from None
    if not isinstance(given, dict):
        raise StripeRefusal("The body must be a JSON object.")
    return given
