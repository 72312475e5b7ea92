"""Rules of Stripe's that are easy to get wrong: what counts as a try, when a planned cancellation
comes, what invoices say of their time, which errors Stripe knows.
"""

from typing import Any

import pytest

from tests.fakes.stripe.sim import DAY, START, SimStage

MONTH = START + 31 * DAY
DECLINED, ASKED = "tok_chargeCustomerFail", "tok_threeDSecure2Required"


class Shop(SimStage):
    """One customer with one subscription."""

    customer_id: str = ""
    id: str = ""

    def sells(self, card: str = "tok_visa", **more: Any) -> "Shop":
        self.customer_id = self.customer(card)
        items = [{"price": self.price("pro_monthly")}]
        made = self.post("/v1/subscriptions", customer=self.customer_id, items=items, **more)
        self.id = made["id"]
        return self

    @property
    def subscription(self) -> Any:
        return self.get(f"/v1/subscriptions/{self.id}")

    @property
    def invoices(self) -> Any:
        return self.get("/v1/invoices", customer=self.customer_id)["data"]

    @property
    def invoice(self) -> Any:
        return self.invoices[0]

    def update(self, **wanted: Any) -> Any:
        return self.post(f"/v1/subscriptions/{self.id}", **wanted)

    def change(self, price: str) -> list[dict[str, str]]:
        item = self.subscription["items"]["data"][0]["id"]
        return [{"id": item, "price": self.price(price)}]

    def refused(self, path: str, method: str = "POST", **wanted: Any) -> tuple[int, str, str]:
        status, body = self.call(method, path, wanted)
        error = body["error"]
        return status, error.get("code", ""), error["message"]

    def new_token(self, token: str) -> Any:
        return self.post("/v1/payment_methods", type="card", card={"token": token})


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_try_by_hand_does_not_count_and_leaves_the_schedule(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, DECLINED)
    shop.advance(MONTH)
    first = shop.invoice
    for _ in range(2):
        assert shop.refused(f"/v1/invoices/{first['id']}/pay")[:2] == (402, "card_declined")
    tried = shop.invoice
    assert (tried["attempt_count"], tried["next_payment_attempt"]) == (
        1,
        first["next_payment_attempt"],
    )
    shop.advance(first["next_payment_attempt"])
    assert shop.invoice["attempt_count"] == 2
    shop.gives(shop.customer_id, "tok_visa")
    paid = shop.post(f"/v1/invoices/{first['id']}/pay")
    assert (paid["status"], paid["attempt_count"]) == ("paid", 2)
    assert shop.subscription["status"] == "active"


@pytest.mark.parametrize(
    ("planned", "end"),
    [
        ({"cancel_at_period_end": True}, MONTH),
        ({"cancel_at": START + 10 * DAY}, START + 10 * DAY),
        ({"cancel_at_period_end": True, "trial_period_days": 7}, START + 7 * DAY),
    ],
)
def test_a_cancellation_may_be_planned_when_it_is_created(
    shop: Shop, planned: Any, end: int
) -> None:
    made = shop.sells(**planned).subscription
    assert (made["cancel_at"], made["canceled_at"]) == (end, START)
    assert made["cancellation_details"]["reason"] == "cancellation_requested"
    paid = len(shop.invoices)
    shop.advance(end)
    ended = shop.subscription
    assert (ended["status"], ended["ended_at"], ended["canceled_at"]) == ("canceled", end, START)
    assert len(shop.invoices) == paid


def test_at_the_end_of_the_period_means_the_period_that_runs_then(shop: Shop) -> None:
    shop.sells(trial_period_days=14)
    shop.update(cancel_at_period_end=True)
    assert shop.subscription["cancel_at"] == START + 14 * DAY
    shop.update(trial_end=START + 20 * DAY)
    assert shop.subscription["cancel_at"] == START + 20 * DAY
    shop.advance(START + 2 * DAY)
    shop.update(trial_end="now")
    end = shop.subscription["items"]["data"][0]["current_period_end"]
    assert (shop.subscription["cancel_at"], end) == (START + 33 * DAY, START + 33 * DAY)
    shop.advance(START + 5 * DAY)
    shop.update(items=shop.change("pro_yearly"))
    assert shop.subscription["cancel_at"] == START + 370 * DAY
    shop.advance(START + 370 * DAY)
    assert shop.subscription["status"] == "canceled"


def test_an_item_that_is_added_pays_for_the_rest_of_the_period(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    shop.update(items=[{"price": shop.price("scale_monthly")}])
    (item,) = shop.get("/v1/invoiceitems", customer=shop.customer_id, pending=True)["data"]
    assert item["amount"] == 19900 * 21 // 31
    assert item["period"] == {"start": START + 10 * DAY, "end": MONTH}


def test_a_final_invoice_below_zero_is_uncollectible_and_credits_nothing(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    since = len(shop.told())
    shop.call("DELETE", f"/v1/subscriptions/{shop.id}", {"prorate": True, "invoice_now": True})
    assert shop.told(since) == [
        "invoiceitem.created",
        "invoice.created draft",
        "invoice.marked_uncollectible uncollectible",
        "customer.subscription.deleted canceled",
    ]
    final = shop.invoice
    assert (final["billing_reason"], final["total"], final["number"]) == (
        "subscription_cycle",
        -3320,
        None,
    )
    assert shop.get(f"/v1/customers/{shop.customer_id}")["balance"] == 0


def test_a_final_invoice_above_zero_is_paid(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    shop.update(items=shop.change("scale_monthly"))
    shop.call("DELETE", f"/v1/subscriptions/{shop.id}", {"invoice_now": True})
    assert (shop.invoice["status"], shop.invoice["amount_paid"]) == ("paid", 13480 - 3320)
    assert shop.subscription["status"] == "canceled"


def test_a_bank_that_asks_is_not_asked_again_before_there_is_another_card(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, ASKED)
    shop.advance(MONTH)
    assert shop.told().count("invoice.payment_action_required open") == 1
    assert shop.subscription["status"] == "past_due"
    since = len(shop.told())
    shop.advance(MONTH + 6 * DAY)
    assert (shop.told(since), shop.invoice["attempt_count"]) == ([], 4)
    shop.gives(shop.customer_id, DECLINED)
    since = len(shop.told())
    shop.advance(MONTH + 7 * DAY)
    assert "invoice.payment_failed open" in shop.told(since)
    shop.gives(shop.customer_id, "tok_visa")
    shop.advance(MONTH + 9 * DAY)
    assert (shop.invoice["status"], shop.subscription["status"]) == ("paid", "active")


def test_a_schedule_that_sends_nothing_ends_like_any_other(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, ASKED)
    shop.advance(MONTH + 13 * DAY)
    assert shop.subscription["status"] == "canceled"
    assert shop.subscription["cancellation_details"]["reason"] == "payment_failed"
    assert shop.told().count("invoice.payment_action_required open") == 1


@pytest.mark.parametrize(
    "wanted",
    [
        {"cancel_at_period_end": True},
        {"cancel_at": MONTH},
        {"pause_collection": {"behavior": "void"}},
        {"items": [{"price": "price_none"}]},
        {"trial_end": MONTH},
    ],
)
def test_little_can_be_changed_before_the_first_payment(shop: Shop, wanted: Any) -> None:
    shop.sells(DECLINED)
    since = len(shop.told())
    status, code, _ = shop.refused(f"/v1/subscriptions/{shop.id}", **wanted)
    assert (status, code, shop.told(since)) == (400, "status_transition_invalid", [])
    changed = shop.update(metadata={"a": "b"}, description="x")
    assert (changed["metadata"], changed["description"]) == ({"a": "b"}, "x")


def test_items_of_a_deleted_draft_are_gone_with_it(shop: Shop) -> None:
    customer = shop.customer("tok_visa")
    item = shop.post("/v1/invoiceitems", customer=customer, amount=700, currency="usd")
    draft = shop.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    assert shop.call("DELETE", f"/v1/invoices/{draft['id']}")[0] == 200
    assert shop.get("/v1/invoiceitems", customer=customer, pending=True)["data"] == []
    made = shop.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": shop.price("pro_monthly")}],
        expand=["latest_invoice"],
    )
    assert made["latest_invoice"]["amount_paid"] == 4900
    assert shop.refused(f"/v1/invoiceitems/{item['id']}", "DELETE")[0] == 400
    assert shop.refused(f"/v1/invoiceitems/{item['id']}", description="x") == (
        400,
        "",
        "This invoice item has been deleted.",
    )


def test_each_line_of_a_proration_is_rounded_down(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    shop.update(items=shop.change("scale_monthly"), proration_behavior="always_invoice")
    assert [line["amount"] for line in shop.invoice["lines"]["data"]] == [-3320, 13480]
    assert shop.invoice["amount_paid"] == 10160


def test_a_trial_that_ends_without_a_card_gives_a_reason_though_nobody_asked(shop: Shop) -> None:
    trial = shop.trial(shop.customer(), days=7, behavior="cancel")
    shop.advance(START + 8 * DAY)
    ended = shop.get(f"/v1/subscriptions/{trial}")
    assert ended["cancellation_details"]["reason"] == "cancellation_requested"


def test_a_trial_that_is_ended_by_hand_is_an_update_and_its_end_a_cycle(shop: Shop) -> None:
    shop.sells(trial_period_days=14).advance(START + 3 * DAY)
    shop.update(trial_end="now")
    by_hand = shop.invoice
    natural = Shop().sells(trial_period_days=14)
    natural.advance(START + 14 * DAY)
    assert by_hand["billing_reason"] == "subscription_update"
    assert natural.invoice["billing_reason"] == "subscription_cycle"
    assert (by_hand["period_start"], by_hand["period_end"]) == (START + 3 * DAY,) * 2
    assert (natural.invoice["period_start"], natural.invoice["period_end"]) == (
        START,
        START + 14 * DAY,
    )


def test_a_trial_cannot_be_ended_by_hand_where_its_invoice_could_not_be_paid(shop: Shop) -> None:
    trial = shop.trial(shop.customer(), behavior="create_invoice")
    status, code, _ = shop.refused(f"/v1/subscriptions/{trial}", trial_end="now")
    assert (status, code, shop.status(trial)) == (400, "resource_missing", "trialing")


def test_an_invoice_looks_back_and_its_lines_ahead(shop: Shop) -> None:
    shop.sells()
    assert (shop.invoice["period_start"], shop.invoice["period_end"]) == (START, START)
    shop.advance(START + 10 * DAY)
    shop.update(items=shop.change("scale_monthly"), proration_behavior="always_invoice")
    changed = shop.invoice
    assert (changed["period_start"], changed["period_end"]) == (START, START + 10 * DAY)
    shop.advance(MONTH)
    renewal = shop.invoice
    assert (renewal["period_start"], renewal["period_end"]) == (START, MONTH)
    assert renewal["lines"]["data"][0]["period"]["start"] == MONTH


def test_who_cancels_at_once_cancels_then_whatever_was_planned(shop: Shop) -> None:
    shop.sells()
    shop.update(cancel_at_period_end=True)
    shop.advance(START + 5 * DAY)
    shop.call("DELETE", f"/v1/subscriptions/{shop.id}")
    assert shop.subscription["canceled_at"] == START + 5 * DAY


def test_a_first_payment_that_the_bank_asks_about_is_no_counted_try(shop: Shop) -> None:
    shop.sells(ASKED)
    assert (shop.invoice["attempted"], shop.invoice["attempt_count"]) == (True, 0)
    wanted = {
        "customer": shop.customer(ASKED),
        "items": [{"price": shop.price("pro_monthly")}],
        "payment_behavior": "error_if_incomplete",
    }
    status, code, _ = shop.refused("/v1/subscriptions", **wanted)
    assert (status, code) == (402, "subscription_payment_intent_requires_action")


@pytest.mark.parametrize(
    ("path", "method", "wanted", "message"),
    [
        ("/pay", "POST", {}, "Invoice is already paid"),
        ("/void", "POST", {}, "Invoices with `paid` payments cannot be voided."),
        (
            "/mark_uncollectible",
            "POST",
            {},
            "You can only pass in open invoices. This invoice isn't open.",
        ),
        (
            "/finalize",
            "POST",
            {},
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
        ),
        ("", "DELETE", {}, "You can only delete draft invoices."),
        ("", "POST", {"description": "x"}, "Finalized invoices can't be updated in this way"),
    ],
)
def test_what_does_not_fit_an_invoice_is_refused_by_a_message_without_a_code(
    shop: Shop, path: str, method: str, wanted: Any, message: str
) -> None:
    shop.sells()
    told = shop.refused(f"/v1/invoices/{shop.invoice['id']}{path}", method, **wanted)
    assert told == (400, "", message)


def test_lines_of_a_finalized_invoice_cannot_be_changed(shop: Shop) -> None:
    shop.sells()
    line = {"amount": 1, "description": "x"}
    told = shop.refused(f"/v1/invoices/{shop.invoice['id']}/add_lines", lines=[line])
    assert told[:2] == (400, "invoice_not_editable")


def test_what_has_ended_cannot_be_changed_or_resumed(shop: Shop) -> None:
    shop.sells()
    shop.call("DELETE", f"/v1/subscriptions/{shop.id}")
    path = f"/v1/subscriptions/{shop.id}"
    assert shop.refused(path, description="x")[:2] == (400, "invalid_canceled_subscription_fields")
    assert shop.refused(f"{path}/resume")[:2] == (404, "resource_missing")
    assert shop.refused(path, "DELETE")[:2] == (404, "resource_missing")
    assert shop.update(metadata={"a": "b"})["metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("path", "wanted", "status"),
    [
        ("/v1/subscriptions", {"items": [{"price": "price_none"}]}, 400),
        ("/v1/subscriptions", {"customer": "cus_none", "items": [{"price": "price_none"}]}, 404),
        ("/v1/subscriptions", {"default_payment_method": "pm_none"}, 400),
        ("/v1/invoices", {"customer": "cus_none"}, 400),
        ("/v1/invoiceitems", {"customer": "cus_none", "amount": 1, "currency": "usd"}, 400),
        ("/v1/refunds", {"charge": "ch_none"}, 400),
        ("/v1/billing_portal/sessions", {"customer": "cus_none"}, 400),
        ("/v1/invoices/in_none/pay", {}, 404),
        ("/v1/subscriptions/sub_none", {"description": "x"}, 404),
    ],
)
def test_an_unknown_id_is_404_in_the_path_and_400_in_a_parameter(
    shop: Shop, path: str, wanted: Any, status: int
) -> None:
    if path == "/v1/subscriptions":
        usual = {
            "customer": shop.customer("tok_visa"),
            "items": [{"price": shop.price("pro_monthly")}],
        }
        wanted = usual | wanted
    assert shop.refused(path, **wanted)[:2] == (status, "resource_missing")


@pytest.mark.parametrize(
    ("token", "code", "decline"),
    [
        ("tok_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("tok_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("tok_chargeDeclinedExpiredCard", "expired_card", None),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("tok_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_test_cards_that_decline_can_be_made_and_not_attached(
    shop: Shop, token: str, code: str, decline: str | None
) -> None:
    method = shop.new_token(token)
    status, body = shop.call(
        "POST", f"/v1/payment_methods/{method['id']}/attach", {"customer": shop.customer()}
    )
    error = body["error"]
    assert (status, error["code"], error.get("decline_code")) == (402, code, decline)


def test_what_is_uncollectible_can_still_be_paid(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, DECLINED)
    shop.advance(MONTH)
    id = shop.invoice["id"]
    shop.post(f"/v1/invoices/{id}/mark_uncollectible")
    assert shop.refused(f"/v1/invoices/{id}/mark_uncollectible")[2] == (
        "This invoice has already been marked uncollectible."
    )
    assert shop.refused(f"/v1/invoices/{id}/pay")[0] == 402
    assert shop.invoice["status"] == "uncollectible"
    shop.gives(shop.customer_id, "tok_visa")
    assert shop.post(f"/v1/invoices/{id}/pay")["status"] == "paid"


def test_a_status_is_taken_from_the_newest_invoice_that_is_not_void(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, DECLINED)
    shop.advance(MONTH)
    assert shop.subscription["status"] == "past_due"
    shop.post(f"/v1/invoices/{shop.invoice['id']}/void")
    assert shop.subscription["status"] == "active"


def test_a_renewals_draft_says_when_it_will_be_charged_and_a_first_invoice_does_not(
    shop: Shop,
) -> None:
    shop.sells().advance(MONTH)
    first, renewal = (
        event["data"]["object"]
        for event in shop.engine.store.events
        if event["type"] == "invoice.created"
    )
    assert (first["auto_advance"], first["next_payment_attempt"]) == (False, None)
    assert (renewal["auto_advance"], renewal["next_payment_attempt"]) == (True, MONTH + 3600)


def test_an_invoice_has_one_payment_that_every_try_confirms_again(shop: Shop) -> None:
    shop.sells(DECLINED, payment_behavior="default_incomplete")

    def payments() -> list[tuple[str, str, str]]:
        found = shop.get(
            "/v1/invoice_payments",
            invoice=shop.invoice["id"],
            expand=["data.payment.payment_intent"],
        )["data"]
        intents = [one["payment"]["payment_intent"] for one in found]
        return [
            (one["status"], intent["id"], intent["status"])
            for one, intent in zip(found, intents, strict=True)
        ]

    ((status, intent, waits),) = payments()
    assert (status, waits, shop.invoice["attempted"]) == ("open", "requires_payment_method", False)
    shop.refused(f"/v1/invoices/{shop.invoice['id']}/pay")
    assert payments() == [("open", intent, "requires_payment_method")]
    error = shop.get(f"/v1/payment_intents/{intent}")["last_payment_error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    shop.gives(shop.customer_id, "tok_visa")
    shop.post(f"/v1/invoices/{shop.invoice['id']}/pay")
    assert payments() == [("paid", intent, "succeeded")]


def test_what_is_withdrawn_or_paid_elsewhere_cancels_its_payment(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, DECLINED)
    for number, (path, wanted) in enumerate((("void", {}), ("pay", {"paid_out_of_band": True}))):
        shop.advance(MONTH + number * 31 * DAY)
        shop.post(f"/v1/invoices/{shop.invoice['id']}/{path}", **wanted)
        (payment,) = shop.get(
            "/v1/invoice_payments",
            invoice=shop.invoice["id"],
            expand=["data.payment.payment_intent"],
        )["data"]
        assert payment["status"] == "canceled"
        assert payment["payment"]["payment_intent"]["status"] == "canceled"


def test_items_are_added_changed_and_taken_away_one_by_one(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    added = shop.post(
        "/v1/subscription_items", subscription=shop.id, price=shop.price("scale_monthly")
    )
    changed = shop.post(
        f"/v1/subscription_items/{added['id']}", quantity=2, proration_behavior="none"
    )
    assert (changed["quantity"], len(shop.subscription["items"]["data"])) == (2, 2)
    status, gone = shop.call("DELETE", f"/v1/subscription_items/{added['id']}")
    assert (status, gone["deleted"], len(shop.subscription["items"]["data"])) == (200, True, 1)
    assert shop.refused(f"/v1/subscription_items/{added['id']}", quantity=1)[:2] == (
        404,
        "resource_missing",
    )
