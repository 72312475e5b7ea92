"""How the simulated Stripe bills: all eight statuses, what its clock does, and what
it tells of it."""

import pytest

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.billing.calendar import period_end
from tests.fakes.services import at
from tests.fakes.stripe.sim import DAY, START, SimStage


@pytest.fixture
def sim() -> SimStage:
    return SimStage()


def buys(sim: SimStage, card: str = "tok_visa", **more: object) -> tuple[int, dict[str, str]]:
    customer = sim.customer(card)
    return sim.call(
        "POST",
        "/v1/subscriptions",
        {"customer": customer, "items": [{"price": sim.price("pro_monthly")}], **more},
    )


def bought(sim: SimStage, card: str = "tok_visa", **more: object) -> str:
    status, body = buys(sim, card, **more)
    assert status == 200, body
    return body["id"]


def test_a_trial_goes_through_its_notice_to_its_end(sim: SimStage) -> None:
    trial = sim.trial(sim.customer())
    sim.advance(START + 11 * DAY - 1)
    assert "customer.subscription.trial_will_end trialing" not in sim.told()
    sim.advance(START + 11 * DAY)
    assert sim.told()[-1] == "customer.subscription.trial_will_end trialing"
    sim.advance(START + 14 * DAY - 1)
    assert sim.status(trial) == "trialing"
    sim.advance(START + 14 * DAY)
    assert sim.status(trial) == "paused"
    assert sim.told()[-1] == "customer.subscription.paused paused"


def test_a_trial_shorter_than_three_days_is_given_notice_of_at_once(sim: SimStage) -> None:
    sim.trial(sim.customer(), days=2)
    assert sim.told()[-2:] == [
        "customer.subscription.created trialing",
        "customer.subscription.trial_will_end trialing",
    ]


@pytest.mark.parametrize(
    ("behavior", "status", "told"),
    [
        ("cancel", "canceled", ["customer.subscription.deleted canceled"]),
        ("pause", "paused", ["customer.subscription.paused paused"]),
        (
            "create_invoice",
            "past_due",
            [
                "invoice.created draft",
                "invoice.finalized open",
                "invoice.payment_failed open",
                "customer.subscription.updated past_due",
            ],
        ),
    ],
)
def test_a_trial_without_a_card_ends_as_it_was_told_to(
    sim: SimStage, behavior: str, status: str, told: list[str]
) -> None:
    trial = sim.trial(sim.customer(), behavior=behavior)
    sim.advance(START + 12 * DAY)
    since = len(sim.told())
    sim.advance(START + 14 * DAY)
    assert sim.status(trial) == status
    assert sim.told(since) == told


def test_a_first_payment_that_fails_leaves_it_incomplete_for_23_hours(sim: SimStage) -> None:
    subscription = bought(sim, "4000000000000341")
    assert sim.status(subscription) == "incomplete"
    sim.advance(START + 23 * 3600 - 1)
    assert sim.status(subscription) == "incomplete"
    sim.advance(START + 23 * 3600)
    assert sim.status(subscription) == "incomplete_expired"
    assert sim.get("/v1/invoices")["data"][0]["status"] == "void"


def test_a_first_payment_is_completed_by_another_card(sim: SimStage) -> None:
    subscription = bought(sim, "4000000000000341")
    sim.gives(sim.get("/v1/customers")["data"][0]["id"], "tok_visa")
    sim.post(f"/v1/invoices/{sim.get(f'/v1/subscriptions/{subscription}')['latest_invoice']}/pay")
    assert sim.status(subscription) == "active"


def test_where_only_a_paid_one_is_wanted_none_is_made(sim: SimStage) -> None:
    status, body = buys(sim, "4000000000000341", payment_behavior="error_if_incomplete")
    assert (status, body["error"]["code"]) == (402, "card_declined")  # type: ignore[index]
    assert sim.get("/v1/subscriptions", status="all")["data"] == []


def test_without_a_card_nothing_is_sold(sim: SimStage) -> None:
    customer = sim.customer()
    assert (
        sim.call(
            "POST",
            "/v1/subscriptions",
            {"customer": customer, "items": [{"price": sim.price("pro_monthly")}]},
        )[0]
        == 400
    )


@pytest.mark.parametrize("after", ["canceled", "unpaid", "past_due"])
def test_eight_tries_in_vain_the_first_one_counted_end_as_it_is_set(
    sim: SimStage, after: str
) -> None:
    sim.engine.store.settings["after_retries"] = after
    subscription = bought(sim)
    sim.gives(sim.get("/v1/customers")["data"][0]["id"], "4000000000000341")
    renewal = sim.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]["current_period_end"]
    sim.advance(renewal)
    assert sim.status(subscription) == "past_due"
    since = len(sim.told())
    sim.advance(renewal + 49 * DAY // 4 - 1)
    assert sim.told(since).count("invoice.payment_failed open") == 6
    assert sim.status(subscription) == "past_due"
    sim.advance(renewal + 49 * DAY // 4)
    assert sim.told(since).count("invoice.payment_failed open") == 7
    assert sim.status(subscription) == after
    sim.advance(renewal + 20 * DAY)
    assert sim.told(since).count("invoice.payment_failed open") == 7


def test_a_bank_that_asks_leaves_the_invoice_open_until_the_customer_answers(sim: SimStage) -> None:
    subscription = bought(sim)
    sim.gives(sim.get("/v1/customers")["data"][0]["id"], "4000002760003184")
    sim.advance(START + 32 * DAY)
    assert "invoice.payment_action_required open" in sim.told()
    assert sim.status(subscription) == "past_due"
    sim.engine.checkout.authenticate(sim.engine.store.all("invoice")[0])
    assert sim.status(subscription) == "active"


def test_a_cancellation_is_planned_taken_back_and_carried_out(sim: SimStage) -> None:
    subscription = bought(sim)
    end = sim.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]["current_period_end"]
    planned = sim.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=True)
    assert planned["cancel_at"] == end
    assert (
        sim.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=False)["cancel_at"]
        is None
    )
    at_a_day = sim.post(f"/v1/subscriptions/{subscription}", cancel_at=START + 5 * DAY)
    assert (at_a_day["cancel_at"], at_a_day["cancel_at_period_end"]) == (START + 5 * DAY, False)
    sim.advance(START + 5 * DAY)
    assert sim.status(subscription) == "canceled"
    assert sim.told()[-1] == "customer.subscription.deleted canceled"


def test_the_portal_cancels_by_the_date_in_flexible_billing_and_by_the_flag_in_classic(
    sim: SimStage,
) -> None:
    for mode, flag in (("flexible", False), ("classic", True)):
        made = bought(sim, billing_mode={"type": mode})
        found = sim.engine.store.find("subscription", made)
        sim.engine.checkout.portal_cancel(found)
        assert found["cancel_at_period_end"] is flag
        assert found["cancel_at"]
        sim.engine.checkout.portal_uncancel(found)
        assert (found["cancel_at"], found["cancel_at_period_end"]) == (None, False)


def test_a_trial_is_extended_shortened_and_ended(sim: SimStage) -> None:
    trial = sim.trial(sim.customer("tok_visa"))
    longer = sim.post(f"/v1/subscriptions/{trial}", trial_end=START + 30 * DAY)
    assert longer["items"]["data"][0]["current_period_end"] == START + 30 * DAY
    since = len(sim.told())
    sim.post(f"/v1/subscriptions/{trial}", trial_end=START + 2 * DAY)
    assert sim.told(since) == [
        "customer.subscription.trial_will_end trialing",
        "customer.subscription.updated trialing",
    ]
    since = len(sim.told())
    sim.post(f"/v1/subscriptions/{trial}", trial_end="now")
    assert sim.status(trial) == "active"
    assert sim.told(since)[-2:] == ["invoice.paid paid", "customer.subscription.updated active"]


def test_pause_collection_keeps_the_status_and_collects_again_in_time(sim: SimStage) -> None:
    subscription = bought(sim)
    sim.post(
        f"/v1/subscriptions/{subscription}",
        pause_collection={"behavior": "void", "resumes_at": START + 40 * DAY},
    )
    sim.advance(START + 32 * DAY)
    assert sim.status(subscription) == "active"
    assert sim.get("/v1/invoices")["data"][0]["status"] == "void"
    sim.advance(START + 41 * DAY)
    assert sim.get(f"/v1/subscriptions/{subscription}")["pause_collection"] is None


def test_an_upgrade_is_charged_to_the_second_and_a_downgrade_credited(sim: SimStage) -> None:
    subscription = bought(sim)
    item = sim.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
    half = (item["current_period_start"] + item["current_period_end"]) // 2
    sim.advance(half)
    sim.post(
        f"/v1/subscriptions/{subscription}",
        items=[{"id": item["id"], "price": sim.price("scale_monthly")}],
        proration_behavior="always_invoice",
    )
    assert sim.get("/v1/invoices")["data"][0]["amount_paid"] == (19900 - 4900) // 2
    sim.post(
        f"/v1/subscriptions/{subscription}",
        items=[{"id": item["id"], "price": sim.price("pro_monthly")}],
    )
    assert (
        sum(one["amount"] for one in sim.get("/v1/invoiceitems")["data"] if one["invoice"] is None)
        == -(19900 - 4900) // 2
    )


def test_a_change_of_the_interval_begins_a_new_period(sim: SimStage) -> None:
    subscription = bought(sim)
    item = sim.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
    sim.advance(START + 10 * DAY)
    yearly = sim.post(
        f"/v1/subscriptions/{subscription}",
        items=[{"id": item["id"], "price": sim.price("pro_yearly")}],
    )
    assert yearly["items"]["data"][0]["current_period_start"] == START + 10 * DAY
    assert sim.get("/v1/invoices")["data"][0]["amount_paid"] < 49000


def test_a_deleted_customer_takes_its_subscriptions_along(sim: SimStage) -> None:
    subscription = bought(sim)
    customer = sim.get("/v1/customers")["data"][0]["id"]
    sim.call("DELETE", f"/v1/customers/{customer}")
    assert sim.told()[-2:] == ["customer.subscription.deleted canceled", "customer.deleted"]
    assert sim.status(subscription) == "canceled"
    assert sim.get(f"/v1/customers/{customer}") == {
        "id": customer,
        "object": "customer",
        "deleted": True,
    }


def test_an_update_that_changes_nothing_is_not_told(sim: SimStage) -> None:
    subscription = bought(sim)
    since = len(sim.told())
    sim.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=False)
    sim.post(f"/v1/subscriptions/{subscription}", metadata={})
    assert sim.told(since) == []


def test_what_changed_is_told_with_what_was(sim: SimStage) -> None:
    subscription = bought(sim)
    sim.post(f"/v1/subscriptions/{subscription}", cancel_at_period_end=True)
    previous = sim.engine.store.events[-1]["data"]["previous_attributes"]
    assert previous["cancel_at_period_end"] is False
    assert previous["cancellation_details"] == {"reason": None}


def test_a_checkout_is_completed_once_and_expires_after_a_day(sim: SimStage) -> None:
    customer = sim.customer()
    wanted = {
        "mode": "subscription",
        "customer": customer,
        "line_items": [{"price": sim.price("pro_monthly"), "quantity": 2}],
        "success_url": "https://a",
    }
    done, late = (sim.post("/v1/checkout/sessions", **wanted)["id"] for _ in range(2))
    with pytest.raises(StripeRefusal, match="declined"):
        sim.completes(done, "4000000000000002")
    assert sim.completes(done)["payment_status"] == "paid"
    with pytest.raises(StripeRefusal, match="complete"):
        sim.completes(done)
    sim.advance(START + DAY)
    assert sim.get(f"/v1/checkout/sessions/{late}")["status"] == "expired"
    assert sim.get("/v1/subscriptions")["data"][0]["items"]["data"][0]["quantity"] == 2


def test_a_card_of_a_setup_session_is_attached_and_not_the_default(sim: SimStage) -> None:
    customer = sim.customer()
    session = sim.post(
        "/v1/checkout/sessions",
        mode="setup",
        currency="usd",
        customer=customer,
        success_url="https://a",
    )
    sim.completes(session["id"])
    assert (
        sim.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"] is None
    )
    assert len(sim.get(f"/v1/customers/{customer}/payment_methods")["data"]) == 1
    assert sim.told()[-3:] == ["setup_intent.succeeded succeeded", *sim.told()[-2:]]
    assert sim.told()[-1] == "checkout.session.completed complete"


def test_a_coupon_of_everything_needs_no_card(sim: SimStage) -> None:
    sim.post("/v1/coupons", id="free", percent_off=100, duration="forever")
    customer = sim.customer()
    made = sim.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": sim.price("pro_monthly")}],
        discounts=[{"coupon": "free"}],
    )
    assert made["status"] == "active"
    assert sim.get("/v1/invoices")["data"][0]["amount_due"] == 0


@pytest.mark.parametrize(
    ("anchor", "start", "end"),
    [
        ("2027-01-31T09:00:00", "2027-01-31T09:00:00", "2027-02-28T09:00:00"),
        ("2027-01-31T09:00:00", "2027-02-28T09:00:00", "2027-03-31T09:00:00"),
        ("2028-01-31T09:00:00", "2028-01-31T09:00:00", "2028-02-29T09:00:00"),
        ("2027-12-15T00:00:00", "2027-12-15T00:00:00", "2028-01-15T00:00:00"),
    ],
)
def test_short_months_do_not_wear_the_day_away(anchor: str, start: str, end: str) -> None:
    from datetime import UTC, datetime

    def seconds(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())

    assert at(period_end(seconds(start), seconds(anchor), "month", 1)) == at(seconds(end))


def test_every_event_can_be_had_where_it_is_wanted(sim: SimStage) -> None:
    sim.engine.store.settings["every_event"] = True
    sim.trial(sim.customer())
    sim.advance(START + 15 * DAY)
    assert sim.told()[-2:] == [
        "customer.subscription.updated paused",
        "customer.subscription.paused paused",
    ]
    bought(sim)
    assert "payment_intent.succeeded succeeded" in sim.told()


def test_a_setup_intent_saves_a_card_unless_the_bank_asks_or_says_no(sim: SimStage) -> None:
    customer = sim.customer()

    def card(token: str) -> str:
        return str(sim.post("/v1/payment_methods", type="card", card={"token": token})["id"])

    done = sim.post(
        "/v1/setup_intents", customer=customer, payment_method=card("tok_visa"), confirm=True
    )
    assert done["status"] == "succeeded"
    assert sim.told()[-2:] == ["setup_intent.succeeded succeeded", "payment_method.attached"]
    waiting = sim.post("/v1/setup_intents", customer=customer)
    assert waiting["status"] == "requires_payment_method"
    asked = sim.post(
        f"/v1/setup_intents/{waiting['id']}/confirm",
        payment_method=card("tok_threeDSecure2Required"),
    )
    assert asked["status"] == "requires_action"
    status, body = sim.call(
        "POST",
        "/v1/setup_intents",
        {"customer": customer, "payment_method": card("tok_chargeDeclined"), "confirm": True},
    )
    assert (status, body["error"]["code"]) == (402, "card_declined")
    assert sim.call("POST", f"/v1/setup_intents/{done['id']}/confirm")[0] == 400
    assert len(sim.get(f"/v1/customers/{customer}/payment_methods")["data"]) == 1


def test_a_coupon_for_once_is_used_once(sim: SimStage) -> None:
    sim.post("/v1/coupons", id="half", percent_off=50, duration="once")
    bought(sim, discounts=[{"coupon": "half"}])
    sim.advance(START + 32 * DAY)
    assert [one["amount_paid"] for one in sim.get("/v1/invoices")["data"]] == [4900, 2450]
