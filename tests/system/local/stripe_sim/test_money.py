"""Money to the cent. The amounts are worked out by hand from Stripe's documentation: a share of a
period is counted to the second, and each line of a proration is rounded down by itself: a credit
away from zero, a charge towards it. A credit is a share of what was debited, a discount is in a
proration's amount (docs.stripe.com/billing/subscriptions/prorations).

The clock stands at 2 April, the beginning of a month of 30 days; "a third is over" is 12 April,
"two thirds are over" 22 April.
"""

from typing import Any

import pytest

from tests.fakes.stripe.sim import DAY, START, SimStage

APRIL = START + 31 * DAY
A_THIRD, TWO_THIRDS, MAY = APRIL + 10 * DAY, APRIL + 20 * DAY, APRIL + 30 * DAY


class Shop(SimStage):
    """One customer with one subscription, who pays."""

    customer_id: str = ""
    id: str = ""

    def sells(self, price: str = "pro_monthly", quantity: int = 1, **more: Any) -> "Shop":
        self.customer_id = self.customer("tok_visa")
        items = [{"price": self.price(price), "quantity": quantity}]
        self.id = self.post("/v1/subscriptions", customer=self.customer_id, items=items, **more)[
            "id"
        ]
        self.advance(APRIL)
        return self

    @property
    def subscription(self) -> Any:
        return self.get(f"/v1/subscriptions/{self.id}")

    @property
    def invoice(self) -> Any:
        """The newest."""
        return self.get("/v1/invoices", customer=self.customer_id)["data"][0]

    @property
    def balance(self) -> int:
        return int(self.get(f"/v1/customers/{self.customer_id}")["balance"])

    def change(self, price: str | None = None, **wanted: Any) -> dict[str, Any]:
        item = {"id": self.subscription["items"]["data"][0]["id"]} | (
            {"price": self.price(price)} if price else {}
        )
        if "quantity" in wanted:
            item["quantity"] = wanted.pop("quantity")
        return {"items": [item], **wanted}

    def preview(self, change: dict[str, Any], **more: Any) -> Any:
        return self.post(
            "/v1/invoices/create_preview", subscription=self.id, subscription_details=change, **more
        )

    def update(self, change: dict[str, Any]) -> Any:
        return self.post(f"/v1/subscriptions/{self.id}", **change)

    def pending(self) -> list[int]:
        return [
            one["amount"]
            for one in self.get("/v1/invoiceitems", customer=self.customer_id, pending=True)["data"]
        ]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def amounts(invoice: Any) -> list[int]:
    return [line["amount"] for line in invoice["lines"]["data"]]


def test_what_is_previewed_of_an_upgrade_is_charged_though_time_goes_by_in_between(
    shop: Shop,
) -> None:
    shop.sells().advance(A_THIRD)
    change = shop.change(
        "scale_monthly", proration_behavior="always_invoice", proration_date=A_THIRD
    )
    before = shop.engine.store.events[-1]["id"], len(shop.get("/v1/invoices")["data"])
    preview = shop.preview(change)
    assert amounts(preview) == [-3267, 13266]  # 2/3 of 4900 and of 19900
    assert (preview["amount_due"], preview["status"]) == (9999, "draft")
    assert preview["id"].startswith("upcoming_in_")
    assert (shop.engine.store.events[-1]["id"], len(shop.get("/v1/invoices")["data"])) == before
    assert shop.subscription["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"
    shop.advance(A_THIRD + 1000)
    shop.update(change)
    assert (shop.invoice["amount_paid"], shop.invoice["status"]) == (9999, "paid")
    assert [
        line["parent"]["subscription_item_details"]["proration"]
        for line in shop.invoice["lines"]["data"]
    ] == [True, True]
    assert shop.preview(shop.change("scale_monthly"))["amount_due"] == 19900


def test_without_the_date_a_later_second_costs_less(shop: Shop) -> None:
    shop.sells().advance(A_THIRD + DAY // 2)  # 19.5 of 30 days are left: 3185 and 12935
    shop.update(shop.change("scale_monthly", proration_behavior="always_invoice"))
    assert shop.invoice["amount_paid"] == 12935 - 3185


def test_prorations_wait_for_the_next_invoice_unless_it_is_to_be_made_at_once(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    preview = shop.preview(shop.change("scale_monthly"))
    assert amounts(preview) == [-3267, 13266, 19900]
    assert (preview["amount_due"], preview["billing_reason"]) == (29899, "subscription_cycle")
    shop.update(shop.change("scale_monthly"))
    assert sorted(shop.pending()) == [-3267, 13266]
    shop.advance(MAY)
    assert (shop.invoice["amount_paid"], amounts(shop.invoice), shop.pending()) == (
        29899,
        [-3267, 13266, 19900],
        [],
    )


def test_a_downgrade_credits_what_was_debited_and_the_rest_of_it_stays_in_the_balance(
    shop: Shop,
) -> None:
    shop.sells().advance(A_THIRD)
    shop.update(shop.change("scale_monthly", proration_behavior="always_invoice"))
    shop.advance(TWO_THIRDS)
    shop.update(shop.change("pro_monthly"))
    # A half of the 13266 that were debited is 6633; a third of 4900 is 1633.33.
    assert sorted(shop.pending()) == [-6633, 1633]
    shop.advance(MAY)
    assert (shop.invoice["total"], shop.invoice["amount_due"], shop.invoice["status"]) == (
        4900 - 5000,
        0,
        "paid",
    )
    assert (shop.invoice["ending_balance"], shop.balance) == (-100, -100)
    shop.advance(MAY + 31 * DAY)
    assert (
        shop.invoice["starting_balance"],
        shop.invoice["total"],
        shop.invoice["amount_paid"],
        shop.balance,
    ) == (-100, 4900, 4800, 0)
    moved = shop.get(f"/v1/customers/{shop.customer_id}/balance_transactions")["data"]
    assert [(one["amount"], one["ending_balance"], one["type"]) for one in moved] == [
        (100, 0, "applied_to_invoice"),
        (-100, -100, "applied_to_invoice"),
    ]


def test_a_downgrade_invoiced_at_once_goes_into_the_balance_at_once(shop: Shop) -> None:
    shop.sells("scale_monthly").advance(A_THIRD)
    change = shop.change("pro_monthly", proration_behavior="always_invoice")
    assert (shop.preview(change)["total"], shop.preview(change)["amount_due"]) == (-10001, 0)
    shop.update(change)
    assert (
        shop.invoice["total"],
        shop.invoice["amount_paid"],
        shop.invoice["status"],
        shop.balance,
    ) == (-10001, 0, "paid", -10001)
    shop.advance(MAY)
    assert (shop.invoice["amount_due"], shop.balance) == (0, -5101)


def test_without_prorations_only_the_next_invoice_is_another(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    shop.update(shop.change("scale_monthly", proration_behavior="none"))
    assert shop.pending() == []
    shop.advance(TWO_THIRDS)
    shop.update(shop.change("pro_monthly", proration_behavior="always_invoice"))
    # Nothing was debited for Scale, so a third of the 4900 that were debited for Pro is credited,
    # and charged again: 1633.33, each line rounded down.
    assert amounts(shop.invoice) == [-1634, 1633]
    shop.advance(MAY)
    assert shop.invoice["amount_paid"] == 4899


def test_a_change_of_seats_is_prorated_for_each_seat(shop: Shop) -> None:
    shop.sells(quantity=2).advance(A_THIRD)
    shop.update(shop.change(quantity=5, proration_behavior="always_invoice"))
    # 2/3 of 24500 and of 9800
    assert (amounts(shop.invoice), shop.invoice["amount_paid"]) == ([-6534, 16333], 9799)
    shop.advance(TWO_THIRDS)
    shop.update(shop.change(quantity=4))
    # A half of 16333 is 8166.50; a third of 19600 is 6533.33.
    assert sorted(shop.pending()) == [-8167, 6533]


def test_a_yearly_price_begins_a_new_period_less_what_is_left_of_the_month(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    change = shop.change("pro_yearly")
    assert shop.preview(change)["amount_due"] == 49000 - 3267
    shop.update(change)
    assert (shop.invoice["amount_paid"], amounts(shop.invoice)) == (45733, [-3267, 49000])
    assert shop.subscription["billing_cycle_anchor"] == A_THIRD
    without = Shop().sells()
    without.advance(A_THIRD)
    without.update(without.change("pro_yearly", proration_behavior="none"))
    assert without.invoice["amount_paid"] == 49000


def test_a_new_anchor_begins_a_new_period_with_the_same_price(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    shop.update({"billing_cycle_anchor": {"type": "now"}})
    assert shop.invoice["amount_paid"] == 4900 - 3267


def test_a_coupon_for_some_months_is_in_prorations_and_ends_in_time(shop: Shop) -> None:
    shop.post(
        "/v1/coupons", id="quarter", percent_off=25, duration="repeating", duration_in_months=2
    )
    shop.sells(discounts=[{"coupon": "quarter"}])
    assert [one["amount_paid"] for one in shop.get("/v1/invoices")["data"]] == [3675, 3675]
    shop.advance(A_THIRD)
    change = shop.change("scale_monthly", proration_behavior="always_invoice")
    # 2/3 of 14925 less 2/3 of the 3675 that were paid
    assert shop.preview(change)["amount_due"] == 9950 - 2450
    shop.update(change)
    assert (shop.invoice["amount_paid"], shop.invoice["total_discount_amounts"][0]["amount"]) == (
        7500,
        0,
    )
    shop.advance(MAY)  # two months after 2 March
    assert (
        shop.invoice["amount_paid"],
        shop.invoice["discounts"],
        shop.subscription["discounts"],
    ) == (19900, [], [])
    assert "customer.discount.deleted" in shop.told()


def test_half_a_cent_off_is_rounded_and_an_amount_off_is_taken_off_once(shop: Shop) -> None:
    shop.post("/v1/coupons", id="half", percent_off=50, duration="forever")
    shop.post("/v1/coupons", id="ten", amount_off=1000, currency="usd", duration="once")
    shop.sells(discounts=[{"coupon": "ten"}])
    first = shop.get("/v1/invoices")["data"][1]
    assert (first["subtotal"], first["total"], first["amount_paid"]) == (4900, 3900, 3900)
    assert shop.invoice["amount_paid"] == 4900
    shop.update({"discounts": [{"coupon": "ten"}]})
    shop.post(
        "/v1/invoiceitems",
        customer=shop.customer_id,
        amount=2450,
        currency="usd",
        description="Workshop",
    )
    shop.advance(MAY)
    # 1000 off 7350: a third falls on the workshop, two thirds on the period.
    assert [line["discount_amounts"][0]["amount"] for line in shop.invoice["lines"]["data"]] == [
        333,
        667,
    ]
    assert shop.invoice["amount_paid"] == 6350
    shop.update({"discounts": [{"coupon": "half"}]})
    shop.post(
        "/v1/invoiceitems",
        customer=shop.customer_id,
        amount=1001,
        currency="usd",
        description="Odd",
    )
    shop.post(
        "/v1/invoiceitems",
        customer=shop.customer_id,
        amount=100,
        currency="usd",
        description="Never less",
        discountable=False,
    )
    assert shop.preview({})["amount_due"] == 2450 + 500 + 100


def test_a_discount_goes_when_it_is_deleted_or_replaced_by_none(shop: Shop) -> None:
    shop.post("/v1/coupons", id="half", percent_off=50, duration="forever")
    shop.sells(discounts=[{"coupon": "half"}])
    expanded = shop.get(f"/v1/subscriptions/{shop.id}", expand=["discounts.source.coupon"])
    assert expanded["discounts"][0]["source"]["coupon"]["percent_off"] == 50
    assert shop.invoice["amount_paid"] == 2450
    status, gone = shop.call("DELETE", f"/v1/subscriptions/{shop.id}/discount")
    assert (status, gone["deleted"], shop.subscription["discounts"]) == (200, True, [])
    assert shop.told()[-2:] == ["customer.discount.deleted", "customer.subscription.updated active"]
    shop.advance(MAY)
    assert shop.invoice["amount_paid"] == 4900
    assert shop.call("DELETE", f"/v1/subscriptions/{shop.id}/discount")[0] == 404


@pytest.mark.parametrize(
    ("coupon", "param"),
    [
        ({"duration": "once"}, "percent_off"),
        ({"percent_off": 101, "duration": "once"}, "percent_off"),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, "percent_off"),
        ({"amount_off": 5}, "currency"),
        ({"percent_off": 10, "duration": "repeating"}, "duration_in_months"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(shop: Shop, coupon: Any, param: str) -> None:
    status, body = shop.call("POST", "/v1/coupons", coupon)
    assert (status, body["error"]["param"]) == (400, param)


def test_a_coupon_that_is_over_used_up_or_in_another_currency_cannot_be_had(shop: Shop) -> None:
    shop.sells()
    shop.post("/v1/coupons", id="late", percent_off=5, redeem_by=APRIL - 1)
    shop.post("/v1/coupons", id="one", percent_off=5, max_redemptions=1)
    shop.post("/v1/coupons", id="euros", amount_off=5, currency="eur")
    shop.update({"discounts": [{"coupon": "one"}]})
    for coupon in ("late", "one", "euros", "none"):
        status, body = shop.call(
            "POST", f"/v1/subscriptions/{shop.id}", {"discounts": [{"coupon": coupon}]}
        )
        assert (status in (400, 404), body["error"]["param"]) == (True, "discounts[0][coupon]"), (
            coupon
        )
    assert shop.get("/v1/coupons/one")["valid"] is False


def test_yen_have_no_cents(shop: Shop) -> None:
    for key, amount in (("small", 5000), ("large", 12000)):
        product = shop.post("/v1/products", name=key)["id"]
        shop.post(
            "/v1/prices",
            product=product,
            currency="jpy",
            unit_amount=amount,
            lookup_key=key,
            recurring={"interval": "month"},
        )
    shop.sells("small").advance(A_THIRD)
    change = shop.change("large", proration_behavior="always_invoice", proration_date=A_THIRD)
    assert shop.preview(change)["amount_due"] == 8000 - 3334
    shop.update(change)
    assert (
        shop.invoice["amount_paid"],
        shop.invoice["currency"],
        shop.subscription["currency"],
    ) == (4666, "jpy", "jpy")
    shop.post(
        "/v1/invoiceitems",
        customer=shop.customer_id,
        amount=1500,
        currency="jpy",
        description="Workshop",
    )
    shop.advance(MAY)
    assert shop.invoice["amount_paid"] == 13500


def test_a_price_in_several_currencies_is_paid_in_the_customers(shop: Shop) -> None:
    product = shop.post("/v1/products", name="World")["id"]
    options = {"eur": {"unit_amount": 4500}, "jpy": {"unit_amount": 7000}}
    for key, times in (("services", 1), ("worlds", 2)):
        scaled = {
            currency: {"unit_amount": one["unit_amount"] * times}
            for currency, one in options.items()
        }
        price = shop.post(
            "/v1/prices",
            product=product,
            currency="usd",
            unit_amount=4900 * times,
            lookup_key=key,
            recurring={"interval": "month"},
            currency_options=scaled,
        )
        assert price["currency_options"] is None
    shown = shop.get("/v1/prices", lookup_keys=["services"], expand=["data.currency_options"])[
        "data"
    ][0]["currency_options"]
    assert {currency: one["unit_amount"] for currency, one in shown.items()} == {
        "usd": 4900,
        "eur": 4500,
        "jpy": 7000,
    }
    shop.sells("services", currency="eur").advance(A_THIRD)
    assert (shop.invoice["amount_paid"], shop.invoice["currency"]) == (4500, "eur")
    assert shop.get(f"/v1/customers/{shop.customer_id}")["currency"] == "eur"
    shop.update(shop.change("worlds", proration_behavior="always_invoice"))
    assert shop.invoice["amount_paid"] == 3000
    second = shop.post(
        "/v1/subscriptions", customer=shop.customer_id, items=[{"price": shop.price("services")}]
    )
    assert second["currency"] == "eur"


def test_another_currency_is_refused_wherever_it_comes_from(shop: Shop) -> None:
    shop.sells()
    product = shop.post("/v1/products", name="Euro")["id"]
    euro = shop.post(
        "/v1/prices",
        product=product,
        currency="eur",
        unit_amount=900,
        lookup_key="euro",
        recurring={"interval": "month"},
    )["id"]
    item = {"customer": shop.customer_id, "amount": 100, "currency": "eur"}
    for path, params in (
        ("/v1/invoiceitems", item),
        ("/v1/subscriptions", {"customer": shop.customer_id, "items": [{"price": euro}]}),
    ):
        status, body = shop.call("POST", path, params)
        assert (status, body["error"]["message"][:44]) == (
            400,
            "You cannot combine currencies on a single cu",
        ), path
    before = shop.subscription
    status, body = shop.call(
        "POST", f"/v1/subscriptions/{shop.id}", {"metadata": {"a": "b"}, **shop.change("euro")}
    )
    assert (status, body["error"]["message"]) == (
        400,
        "The price specified only supports `eur`. This doesn't match the expected currency: `usd`.",
    )
    assert shop.subscription == before
    assert shop.pending() == []


def test_what_is_too_little_to_charge_is_owed_with_the_next_invoice(shop: Shop) -> None:
    shop.sells().advance(MAY - 3600)  # an hour of 720 is left: 7 and 28
    shop.update(shop.change("scale_monthly", proration_behavior="always_invoice"))
    assert (
        shop.invoice["total"],
        shop.invoice["amount_due"],
        shop.invoice["status"],
        shop.balance,
    ) == (20, 0, "paid", 20)
    assert (
        shop.get(f"/v1/customers/{shop.customer_id}/balance_transactions")["data"][0]["type"]
        == "invoice_too_small"
    )
    shop.advance(MAY)
    assert (shop.invoice["total"], shop.invoice["amount_paid"], shop.balance) == (19900, 19920, 0)


def test_a_void_invoice_gives_the_balance_back(shop: Shop) -> None:
    shop.sells()
    shop.post(f"/v1/customers/{shop.customer_id}", balance=-900)
    shop.gives(shop.customer_id, "tok_chargeCustomerFail")
    shop.advance(MAY)
    assert (shop.invoice["amount_due"], shop.balance) == (4000, 0)
    shop.post(f"/v1/invoices/{shop.invoice['id']}/void")
    assert shop.balance == -900


def test_a_trial_given_to_a_payer_credits_what_is_left_at_once(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    given = shop.update({"trial_end": MAY, "proration_behavior": "create_prorations"})
    assert (given["status"], given["latest_invoice"]) == ("trialing", shop.invoice["id"])
    assert (shop.pending(), amounts(shop.invoice), shop.balance) == ([], [-3267, 0], -3267)
    assert shop.invoice["billing_reason"] == "subscription_update"
    assert (shop.invoice["status"], shop.invoice["attempt_count"]) == ("paid", 0)
    shop.advance(MAY)
    assert (shop.subscription["status"], shop.invoice["amount_paid"]) == ("active", 4900 - 3267)


def test_a_preview_of_a_new_subscription_of_nothing_and_of_a_stranger(shop: Shop) -> None:
    customer = shop.customer()
    wanted = {
        "customer": customer,
        "subscription_details": {"items": [{"price": shop.price("pro_monthly"), "quantity": 3}]},
    }
    assert shop.post("/v1/invoices/create_preview", **wanted)["amount_due"] == 14700
    assert shop.get("/v1/subscriptions", customer=customer)["data"] == []
    status, body = shop.call("POST", "/v1/invoices/create_preview", {"customer": customer})
    assert (status, body["error"]["code"]) == (404, "invoice_upcoming_none")
    item = {"amount": 700, "currency": "usd", "description": "Workshop"}
    assert (
        shop.post("/v1/invoices/create_preview", customer=customer, invoice_items=[item])[
            "amount_due"
        ]
        == 700
    )
    assert shop.get("/v1/invoiceitems")["data"] == []
    shop.sells()
    assert (
        shop.call(
            "POST", "/v1/invoices/create_preview", {"customer": customer, "subscription": shop.id}
        )[0]
        == 400
    )
    outside = shop.change("scale_monthly", proration_date=APRIL - 1)
    assert (
        shop.call(
            "POST",
            "/v1/invoices/create_preview",
            {"subscription": shop.id, "subscription_details": outside},
        )[0]
        == 400
    )


def test_a_preview_of_the_end_shows_what_would_be_credited(shop: Shop) -> None:
    shop.sells().advance(A_THIRD)
    assert shop.preview({"cancel_now": True})["total"] == -3267
    status, body = shop.call(
        "POST",
        "/v1/invoices/create_preview",
        {"subscription": shop.id, "subscription_details": {"cancel_at_period_end": True}},
    )
    assert (status, body["error"]["code"]) == (404, "invoice_upcoming_none")
    assert shop.subscription["status"] == "active"


def test_a_preview_of_a_trial_ended_now_and_of_a_longer_one(shop: Shop) -> None:
    trial = shop.trial(shop.customer("tok_visa"))
    ended = shop.post(
        "/v1/invoices/create_preview", subscription=trial, subscription_details={"trial_end": "now"}
    )
    assert (ended["amount_due"], ended["period_start"]) == (4900, START)
    longer = shop.post(
        "/v1/invoices/create_preview",
        subscription=trial,
        subscription_details={"trial_end": START + 30 * DAY},
    )
    assert (longer["amount_due"], longer["period_start"]) == (4900, START)
    assert longer["period_end"] == longer["lines"]["data"][0]["period"]["start"] == START + 30 * DAY
