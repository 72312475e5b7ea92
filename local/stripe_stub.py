"""A stand-in for Stripe that only answers reads, from the histories that it was given."""

import json
import threading
from typing import Any

from chalicelib.runtime.clock import clock
from local.http_server import Answer, Request, Server, error_answer, json_answer
from local.recordings import Object, Recording, Truth


class StripeStub:
    """Serves customers, subscriptions, invoices and their payments as they are now, by the one
    clock. `POST /_test/recordings` tells it a history.
    """

    def __init__(self) -> None:
        self._recordings: dict[str, Recording] = {}
        self._lock = threading.Lock()
        self._server = Server(0, self.answer)

    @property
    def base(self) -> str:
        return self._server.base

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def tell(self, recording: Recording) -> None:
        """From now on, answer from this history too. The same history again replaces what was told
        of it.
        """
        with self._lock:
            self._recordings[recording.events[0]["id"]] = recording

    def subscriptions(self) -> list[Object]:
        """All subscriptions of the histories, as they are now."""
        return list(self._truth().subscriptions.values())

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        match request.method, [segment for segment in request.path.split("/") if segment]:
            case "POST", ["_test", "recordings"]:
                return self._told(request.body)
            case "GET", ["_test", "recordings"]:
                return json_answer(
                    [recording.account_id for recording in list(self._recordings.values())]
                )
            case "GET", ["v1", *rest]:
                if not request.headers.get("Authorization"):
                    return _refusal(
                        401, "invalid_request_error", None, "You did not provide an API key."
                    )
                return self._read(rest, request)
        return _refusal(
            404,
            "invalid_request_error",
            None,
            f"Unrecognized request URL ({request.method}: {request.path}).",
        )

    def _told(self, body: bytes) -> Answer:
        try:
            recording = Recording.from_json(json.loads(body))
            self.tell(recording)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return error_answer(400, "invalid", f"That is no recording: {error!r}.")
        return json_answer({"events": len(recording.events)})

    def _read(self, path: list[str], request: Request) -> Answer:
        truth = self._truth()
        query = dict(request.query)
        expand = {value for name, value in request.query if name.startswith("expand")}
        kinds = {
            "customers": truth.customers,
            "subscriptions": truth.subscriptions,
            "invoices": truth.invoices,
            "payment_intents": truth.payments,
        }
        match path:
            case ["invoice_payments"]:
                whole = "data.payment.payment_intent" in expand
                payments = _payments(truth, query.get("invoice", ""), whole)
                return _page("/v1/invoice_payments", payments, query)
            case [kind, id_] if kind in kinds:
                found = kinds[kind].get(id_)
                if found is None:
                    return _refusal(
                        404,
                        "invalid_request_error",
                        "resource_missing",
                        f"No such {kind[:-1]}: '{id_}'",
                    )
                return json_answer(_expanded(found, expand, truth))
            case [kind] if kind in kinds:
                everything = sorted(
                    kinds[kind].values(), key=lambda thing: -thing.get("created", 0)
                )
                wanted = [thing for thing in everything if _is_wanted(kind, thing, query)]
                inner = {one.removeprefix("data.") for one in expand}
                return _page(
                    f"/v1/{kind}", [_expanded(thing, inner, truth) for thing in wanted], query
                )
        return _refusal(
            404, "invalid_request_error", None, f"Unrecognized request URL (GET: {request.path})."
        )

    def _truth(self) -> Truth:
        now = int(clock.now().timestamp())
        whole = Truth({}, {}, {})
        with self._lock:
            recordings = list(self._recordings.values())
        for recording in recordings:
            truth = recording.truth_at(now)
            whole.customers.update(truth.customers)
            whole.subscriptions.update(truth.subscriptions)
            whole.invoices.update(truth.invoices)
            whole.payments.update(truth.payments)
        return whole


def _is_wanted(kind: str, thing: Object, query: dict[str, str]) -> bool:
    if "customer" in query and thing.get("customer") != query["customer"]:
        return False
    if kind == "subscriptions" and "status" not in query:
        return thing["status"] not in ("canceled", "incomplete_expired")
    status = query.get("status", "all")
    return (
        status == "all"
        or thing.get("status") == status
        or (status == "ended" and thing.get("status") in ("canceled", "incomplete_expired"))
    )


def _expanded(thing: Object, expand: set[str], truth: Truth) -> Object:
    """The object with its latest invoice or its customer, a customer with its living subscriptions,
    and with the payments of an invoice, where that is asked for.
    """
    if any(one.partition(".")[0] == "customer" for one in expand) and "customer" in thing:
        thing = thing | {"customer": truth.customers.get(thing["customer"], thing["customer"])}
    if thing.get("object") == "customer" and any(one.startswith("subscriptions") for one in expand):
        living = [
            one
            for one in truth.subscriptions_of(thing["id"])
            if one["status"] not in ("canceled", "incomplete_expired")
        ]
        url = f"/v1/customers/{thing['id']}/subscriptions"
        return thing | {
            "subscriptions": {"object": "list", "data": living, "has_more": False, "url": url}
        }
    inner = {one.partition(".")[2] for one in expand if one.startswith("latest_invoice")}
    if inner and "latest_invoice" in thing:
        latest = truth.invoices.get(thing["latest_invoice"] or "")
        return thing | {"latest_invoice": latest and _expanded(latest, inner - {""}, truth)}
    asked = {one for one in expand if one == "payments" or one.startswith("payments.")}
    if asked and thing.get("object") == "invoice":
        whole = any(one.endswith("payment_intent") for one in asked)
        url = f"/v1/invoice_payments?invoice={thing['id']}"
        listed = _payments(truth, thing["id"], whole)
        return thing | {
            "payments": {"object": "list", "data": listed, "has_more": False, "url": url}
        }
    return thing


def _payments(truth: Truth, invoice: str, whole: bool) -> list[Object]:
    """The payments of an invoice, with their intents whole or by id."""
    found = []
    for payment in truth.payments_of(invoice):
        intent = payment["payment"]["payment_intent"]
        paid = intent["status"] == "succeeded"
        found.append(
            {
                "id": f"inpay_{intent['id'].partition('_')[2]}",
                "object": "invoice_payment",
                "created": intent["created"],
                "invoice": invoice,
                "is_default": True,
                "payment": {
                    "type": "payment_intent",
                    "payment_intent": intent if whole else intent["id"],
                },
                "status": "paid" if paid else "open",
            }
        )
    return found


def _page(url: str, things: list[Object], query: dict[str, str]) -> Answer:
    limit = int(query["limit"]) if query.get("limit", "").isdecimal() else 10
    after = query.get("starting_after")
    if after:
        places = [place for place, thing in enumerate(things) if thing["id"] == after]
        things = things[places[0] + 1 :] if places else []
    return json_answer(
        {"object": "list", "url": url, "has_more": len(things) > limit, "data": things[:limit]}
    )


def _refusal(status: int, kind: str, code: str | None, message: str) -> Answer:
    error: dict[str, Any] = {"type": kind, "message": message}
    return json_answer({"error": error | ({"code": code, "param": "id"} if code else {})}, status)
