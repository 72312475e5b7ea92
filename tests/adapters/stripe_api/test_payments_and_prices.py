"""What Stripe's answers say of an invoice's payments, in each of their shapes, and how prices are
sent: in the customer's currency, with a quantity or without.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.account.operations import Change
from chalicelib.domain.billing.payments import PROCESSING, REQUIRES_ACTION, open_payment
from chalicelib.domain.billing.stripe_requests import ChangedLine
from chalicelib.domain.errors import InvalidInput, StripeRefused, Unavailable
from chalicelib.stripe_api.invoices import StripeInvoices
from chalicelib.stripe_api.subscriptions import StripeSubscriptions
from chalicelib.stripe_api.transport import Raw, StripeTransport

AT = datetime(2026, 3, 2, tzinfo=UTC)
CHANGE = Change("scale", "month", 3, "scale_monthly", "now", AT)
LINE = ChangedLine("si_1")
CHANGED = {
    "id": "sub_1",
    "customer": "cus_1",
    "status": "active",
    "created": 1,
    "items": {"data": []},
    "latest_invoice": {"id": "in_1", "status": "open", "hosted_invoice_url": "https://i.example"},
}


class Replies(StripeTransport):
    """Replies by path, and the calls that came."""

    def __init__(
        self, by_path: dict[str, Any], before_change: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(lambda: "sk_test", None, before_change)
        self.by_path = by_path
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Raw | None:
        self.calls.append((method, path, parameters))
        found: Raw | None = self.by_path.get(path)
        return found

    def sent(self, path: str) -> dict[str, Any]:
        """The parameters of the last call of a path."""
        return next(sent for _, to, sent in reversed(self.calls) if to == path)


def listed(*intents: Any) -> dict[str, Any]:
    payments = [{"id": "inpay_1", "payment": {"payment_intent": one}} for one in intents]
    return {"object": "list", "has_more": False, "data": payments}


INTENT = {"id": "pi_1", "status": "processing"}
OPEN = {"id": "in_1", "status": "open", "hosted_invoice_url": "https://i.example"}
SHAPES: dict[str, dict[str, Any]] = {
    "listed by the invoice": {"/v1/invoices/in_1": OPEN | {"payments": listed(INTENT)}},
    "listed by id": {
        "/v1/invoices/in_1": OPEN | {"payments": listed("pi_1")},
        "/v1/payment_intents/pi_1": INTENT,
    },
    "listed apart": {"/v1/invoices/in_1": OPEN, "/v1/invoice_payments": listed(INTENT)},
    "before basil": {"/v1/invoices/in_1": OPEN | {"payment_intent": INTENT}},
    "before basil, by id": {
        "/v1/invoices/in_1": OPEN | {"payment_intent": "pi_1"},
        "/v1/payment_intents/pi_1": INTENT,
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_payment_under_way_is_seen_in_every_shape(shape: str) -> None:
    found = StripeInvoices(Replies(SHAPES[shape])).with_payments("in_1")
    opened = open_payment(found)
    assert opened
    assert (opened.invoice, opened.status, opened.url) == ("in_1", PROCESSING, "https://i.example")


INTENTS: list[tuple[str, list[dict[str, Any]], str | None]] = [
    ("open", [{"status": "processing"}], PROCESSING),
    ("open", [{"status": "requires_action"}], REQUIRES_ACTION),
    ("open", [{"status": "requires_payment_method"}], None),
    ("open", [{"status": "requires_confirmation"}], None),
    ("open", [], None),
    ("open", [{"status": "canceled"}, {"status": "processing"}], PROCESSING),
    ("open", [{"status": "requires_action"}, {"status": "processing"}], PROCESSING),
    (
        "open",
        [
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "authentication_required"},
            }
        ],
        REQUIRES_ACTION,
    ),
    (
        "open",
        [
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "card_declined", "decline_code": "do_not_honor"},
            }
        ],
        None,
    ),
    ("paid", [{"status": "succeeded"}], None),
    ("void", [{"status": "processing"}], None),
    ("uncollectible", [{"status": "processing"}], None),
]


@pytest.mark.parametrize(("status", "intents", "expected"), INTENTS)
def test_only_an_open_invoice_has_an_open_payment(
    status: str, intents: list[dict[str, Any]], expected: str | None
) -> None:
    invoice = OPEN | {"status": status, "payments": listed(*intents)}
    transport = Replies({"/v1/invoices/in_1": invoice})
    opened = open_payment(StripeInvoices(transport).with_payments("in_1"))
    assert (opened and opened.status) == expected


def test_an_invoice_that_stripe_does_not_know_is_a_refusal() -> None:
    with pytest.raises(StripeRefused):
        StripeInvoices(Replies({})).with_payments("in_1")


def prices(usage: str = "licensed", **options: Any) -> dict[str, Any]:
    price = {
        "id": "price_1",
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": usage},
        **({"currency_options": options} if options else {}),
    }
    return {"/v1/prices": {"data": [price]}, "/v1/subscriptions/sub_1": CHANGED}


def changed(by_path: dict[str, Any], currency: str | None) -> dict[str, Any]:
    transport = Replies(by_path)
    found = StripeSubscriptions(transport).change("key", "sub_1", LINE, CHANGE, currency)
    assert found.invoice
    assert (found.invoice.id, found.invoice.status) == ("in_1", "open")
    return transport.sent("/v1/subscriptions/sub_1")


@pytest.mark.parametrize(
    ("by_path", "item"),
    [
        (prices(), {"id": "si_1", "price": "price_1", "quantity": 3}),
        (prices("metered"), {"id": "si_1", "price": "price_1"}),
    ],
)
def test_a_metered_price_takes_no_quantity(by_path: Any, item: dict[str, Any]) -> None:
    assert changed(by_path, "usd")["items"] == [item]


@pytest.mark.parametrize(
    ("by_path", "currency"),
    [
        (prices(), "usd"),
        (prices(), None),
        (prices(eur={"unit_amount": 1}), "eur"),
        ({"/v1/prices": {"data": [{"id": "price_1"}]}, "/v1/subscriptions/sub_1": CHANGED}, "eur"),
    ],
)
def test_a_price_is_billed_in_a_currency_that_it_offers(by_path: Any, currency: str | None) -> None:
    assert "currency" not in changed(by_path, currency), "the subscription keeps its own"


@pytest.mark.parametrize("by_path", [prices(), prices(gbp={"unit_amount": 1})])
def test_a_price_that_does_not_offer_the_currency_is_named(by_path: Any) -> None:
    with pytest.raises(InvalidInput, match="not sold in eur") as caught:
        changed(by_path, "eur")
    assert (caught.value.field, "scale_monthly" in caught.value.message) == ("plan", True)


def test_a_change_may_wait_for_its_payment_with_the_same_parameters() -> None:
    transport = Replies(prices())
    subscriptions = StripeSubscriptions(transport)
    subscriptions.change("key", "sub_1", LINE, CHANGE, "usd")
    first = transport.sent("/v1/subscriptions/sub_1")
    subscriptions.change_once_paid("key:confirm", "sub_1", LINE, CHANGE, "usd")
    second = transport.sent("/v1/subscriptions/sub_1")
    differs = {name for name in first if first[name] != second[name]}
    assert differs == {"payment_behavior", "idempotency_key"}
    assert second["payment_behavior"] == "pending_if_incomplete"


def test_before_each_call_that_changes_something_and_before_no_other_the_hook_is_called() -> None:
    told: list[str] = []
    by_path = prices() | {"/v1/invoices/create_preview": {"amount_due": 5, "currency": "usd"}}
    transport = Replies(by_path, lambda: told.append("change"))
    subscriptions = StripeSubscriptions(transport)
    subscriptions.preview_change("sub_1", LINE, CHANGE, "usd")
    assert told == []
    subscriptions.change("key", "sub_1", LINE, CHANGE, "usd")
    assert told == ["change"]
    transport.delete("/v1/subscriptions/sub_1")
    assert told == ["change", "change"]


def test_a_change_is_not_made_if_its_hook_fails() -> None:
    def fails() -> None:
        raise Unavailable("The log cannot be written.")

    transport = Replies(prices(), fails)
    with pytest.raises(Unavailable):
        StripeSubscriptions(transport).change("key", "sub_1", LINE, CHANGE, "usd")
    assert [method for method, _, _ in transport.calls] == ["get"] * len(transport.calls)
