"""The stand-in answers as Stripe does, from what it was told, by the one clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.runtime.clock import Clock
from local import stripe_stub
from local.client import Client
from local.recordings import Recording

PATH = Path(__file__).parents[2] / "recordings" / "trial_converts.json"


class Played:
    """A stub that was told one history, beginning now, and the clock that it goes by."""

    def __init__(self, stub: stripe_stub.StripeStub, clock: Clock) -> None:
        self.clock = clock
        self.recording = Recording.load(PATH).renamed("stub").moved_to(int(clock.now().timestamp()))
        self._client = Client(stub.base, "sk_test_local")
        assert self._client.post("/_test/recordings", self.recording.to_json())[0] == 200
        (self.customer,) = self.recording.truth().customers
        (self.subscription,) = self.recording.truth().subscriptions

    def get(self, path: str) -> tuple[int, Any]:
        return self._client.call("GET", path)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self._client.post(path, body)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    clock = Clock()
    monkeypatch.setattr(stripe_stub, "clock", clock)
    stub = stripe_stub.StripeStub()
    stub.start()
    yield Played(stub, clock)
    stub.close()


def test_it_answers_what_stripe_holds_by_now(played: Played) -> None:
    assert played.get(f"/v1/subscriptions/{played.subscription}")[1]["status"] == "trialing"
    assert played.get(f"/v1/customers/{played.customer}")[1]["object"] == "customer"
    played.clock.move_to(datetime.now(UTC) + timedelta(days=20))
    assert played.get(f"/v1/subscriptions/{played.subscription}")[1]["status"] == "active"


def test_its_lists_are_stripes(played: Played) -> None:
    played.clock.move_to(datetime.now(UTC) + timedelta(days=100))
    status, page = played.get(f"/v1/subscriptions?customer={played.customer}&status=all")
    assert status == 200
    assert page | {"data": None} == {
        "object": "list",
        "data": None,
        "has_more": False,
        "url": "/v1/subscriptions",
    }
    assert [one["id"] for one in page["data"]] == [played.subscription]
    _, first = played.get(f"/v1/invoices?customer={played.customer}&limit=3")
    _, second = played.get(
        f"/v1/invoices?customer={played.customer}&limit=3&starting_after={first['data'][-1]['id']}"
    )
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [one["id"] for one in first["data"] + second["data"]] == [
        one["id"] for one in played.recording.truth().invoices_of(played.customer)
    ]
    assert played.get("/v1/subscriptions?customer=cus_other&status=all")[1]["data"] == []


def test_it_tells_a_customer_with_its_subscriptions_and_a_list_with_its_customer(
    played: Played,
) -> None:
    _, customer = played.get(f"/v1/customers/{played.customer}?expand[]=subscriptions")
    assert [one["id"] for one in customer["subscriptions"]["data"]] == [played.subscription]
    for kind in ("subscriptions", "invoices"):
        _, page = played.get(f"/v1/{kind}?customer={played.customer}&expand[]=data.customer")
        assert {one["customer"]["id"] for one in page["data"]} == {played.customer}


def test_what_it_does_not_know_is_missing_as_at_stripe(played: Played) -> None:
    status, body = played.get("/v1/subscriptions/sub_other")
    assert status == 404
    assert (body["error"]["type"], body["error"]["code"]) == (
        "invalid_request_error",
        "resource_missing",
    )


def test_it_refuses_what_is_no_recording_and_who_has_no_key(played: Played) -> None:
    client = Client(played._client.base)
    assert client.post("/_test/recordings", {"events": []})[0] == 400
    assert client.call("GET", f"/v1/customers/{played.customer}")[0] == 401


def a_debit(reference: str, status: str, second: int) -> dict[str, Any]:
    """An event of a PaymentIntent of an invoice."""
    intent = {
        "id": "pi_1abcdefghijklmn",
        "object": "payment_intent",
        "created": second,
        "status": status,
        "payment_details": {"order_reference": reference},
    }
    return {
        "id": f"evt_debit_{status}",
        "object": "event",
        "created": second,
        "type": f"payment_intent.{status}",
        "data": {"object": intent},
    }


def test_it_tells_the_payments_of_an_invoice(played: Played) -> None:
    recording = played.recording
    invoice = next(iter(recording.truth().invoices))
    debit = a_debit(invoice, "processing", recording.start)
    told = recording.to_json() | {"events": [*recording.events, debit]}
    assert played.post("/_test/recordings", told)[0] == 200
    _, page = played.get(f"/v1/invoice_payments?invoice={invoice}")
    assert [one["payment"]["payment_intent"] for one in page["data"]] == ["pi_1abcdefghijklmn"]
    whole = "expand[]=data.payment.payment_intent"
    _, page = played.get(f"/v1/invoice_payments?invoice={invoice}&{whole}")
    (payment,) = page["data"]
    assert (payment["status"], payment["payment"]["payment_intent"]["status"]) == (
        "open",
        "processing",
    )
    assert played.get("/v1/payment_intents/pi_1abcdefghijklmn")[1]["status"] == "processing"
    inside = "expand[]=payments.data.payment.payment_intent"
    _, found = played.get(f"/v1/invoices/{invoice}?{inside}")
    assert found["payments"]["data"] == [payment]
    _, found = played.get(f"/v1/invoices?customer={played.customer}&expand[]=data.payments")
    assert [len(one["payments"]["data"]) for one in found["data"]].count(1) == 1
    assert played.get("/v1/invoice_payments?invoice=in_other")[1]["data"] == []
