"""Customers who pay by debit or by sent invoice, who have other products or old debts, and owners
who void, give up and pause: what each may use, and what is said of it.
"""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing, unknown_prices
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.payments import unpaid_invoices
from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.usecases.billing.actions import change_plan
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from tests.fakes.adopted_lives import ACCOUNT, AdoptedLife
from tests.fakes.services import proof_of, proving
from tests.fakes.stripe.sim import DAY

PAYS, FAILS, HANGS = "000123456789", "000222222227", "000000000009"
"""Bank accounts of the simulated Stripe whose debits succeed, come back, or stay under way."""


@pytest.fixture
def life() -> AdoptedLife:
    return AdoptedLife()


# Bank debits


def test_a_debit_after_a_trial_keeps_access_while_it_is_under_way(life: AdoptedLife) -> None:
    life.sells(trial_period_days=14)
    life.gives(PAYS)
    assert life.days(14.1).stands == ("full", "payment_processing")
    for _ in range(4):
        assert life.days(1).stands == ("full", "payment_processing")
    assert life.days(2).stands == ("full", "active")
    assert "payment.failed" not in life.happened
    assert "trial.expired" not in life.happened
    assert "trial.converted" in life.happened


def test_a_first_debit_that_comes_back_ends_access_a_day_after_it_came_back(
    life: AdoptedLife,
) -> None:
    life.gives(FAILS).sells()
    assert life.days(4.9).stands == ("full", "active")
    assert life.days(0.2).stands == ("full", "first_payment")
    assert life.days(0.8).stands == ("full", "first_payment")
    assert life.days(0.2).stands == ("none", "payment_incomplete")


def test_a_debit_after_a_trial_that_comes_back_ends_access_a_day_later(life: AdoptedLife) -> None:
    life.sells(trial_period_days=14)
    life.gives(FAILS)
    assert life.days(18.9).stands == ("full", "payment_processing")
    assert life.days(0.2).stands == ("full", "first_payment")
    assert life.days(1).stands == ("none", "trial_expired")


def test_a_renewal_by_debit_that_comes_back_has_its_grace_from_then(life: AdoptedLife) -> None:
    life.gives(PAYS).sells()
    life.days(10).gives(FAILS)
    assert life.days(25.9).stands[0] == "full"
    assert "payment.failed" not in life.happened
    assert life.days(0.2).stands == ("full", "past_due_grace")
    assert life.happened.count("payment.failed") == 1
    assert life.days(6.8).stands == ("full", "past_due_grace")
    assert life.days(0.2).stands == ("limited", "past_due")


def test_a_debit_that_is_never_reported_again_counts_as_paid_for_two_weeks_only(
    life: AdoptedLife,
) -> None:
    life.sells(trial_period_days=7)
    life.gives(HANGS)
    assert life.days(20.9).stands == ("full", "payment_processing")
    assert life.days(2).stands == ("none", "trial_expired")
    assert "payment.failed" not in life.happened


@pytest.mark.parametrize("lost", ["payment_intent", "invoice.updated", "invoice."])
def test_a_debit_is_recognized_although_events_about_it_are_lost(lost: str) -> None:
    life = AdoptedLife(
        arrives=lambda events: [one for one in events if not one["type"].startswith(lost)]
    )
    life.sells(trial_period_days=14)
    life.gives(PAYS)
    for _ in range(30):
        assert life.days(1).stands[0] == "full"
    assert "payment.failed" not in life.happened


@pytest.mark.parametrize("how", ["pays the invoice again", "buys again"])
def test_debits_that_all_come_back_are_not_access_for_ever(life: AdoptedLife, how: str) -> None:
    life.sells(trial_period_days=7)
    life.gives(FAILS).days(7)
    full = 0
    for _ in range(60):
        life.days(1)
        full += life.stands[0] == "full"
        (newest, *_) = life.invoices()
        if newest["status"] == "open" and how == "pays the invoice again":
            life.stage.call("POST", f"/v1/invoices/{newest['id']}/pay")
            life.hear()
        elif how == "buys again" and life.stands[0] != "full":
            for one in life.stage.get("/v1/subscriptions", customer=life.customer)["data"]:
                life.stage.call("DELETE", f"/v1/subscriptions/{one['id']}")
            life.sells()
    assert 5 <= full <= 5 + 14
    life.gives(PAYS).sells()
    assert life.days(6).stands == ("full", "active"), "money is money"


def test_each_purchase_by_a_debit_that_comes_back_is_not_a_day_of_grace_more(
    life: AdoptedLife,
) -> None:
    life.gives(FAILS).sells()
    assert life.days(5.5).stands == ("full", "first_payment")
    life.days(20)
    for one in life.stage.get("/v1/subscriptions", customer=life.customer)["data"]:
        life.stage.call("DELETE", f"/v1/subscriptions/{one['id']}")
    life.sells()
    assert life.days(5.5).stands == ("none", "payment_incomplete")


def test_a_debit_that_is_tried_again_soon_keeps_access(life: AdoptedLife) -> None:
    life.sells(trial_period_days=7)
    life.gives(FAILS).days(12.1)
    assert life.stands == ("full", "first_payment")
    life.gives(PAYS)
    life.stage.call("POST", f"/v1/invoices/{life.invoices()[0]['id']}/pay")
    life.hear()
    for _ in range(6):
        assert life.stands[0] == "full"
        life.days(1)
    assert life.stands == ("full", "active")


# Invoices that are sent


def sent(life: AdoptedLife, days: int = 14, **more: Any) -> str:
    return life.sells(collection_method="send_invoice", days_until_due=days, **more)


def test_a_sent_invoice_gives_access_until_it_is_due_and_a_week_more(life: AdoptedLife) -> None:
    sent(life)
    assert life.days(13.9).stands == ("full", "active")
    assert life.days(0.2).stands == ("full", "past_due_grace")
    assert life.days(6.8).stands == ("full", "past_due_grace")
    assert life.days(0.2).stands == ("limited", "past_due")
    (invoice,) = life.invoices()
    life.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert life.stands == ("full", "active")
    assert "payment.failed" not in life.happened


def test_a_trial_that_goes_over_into_sent_invoices_does_not_end(life: AdoptedLife) -> None:
    sent(life, 30, trial_period_days=14)
    assert life.days(14.1).stands == ("full", "active")
    assert life.days(29).stands == ("full", "active")
    assert "trial.expired" not in life.happened


def test_the_oldest_overdue_invoice_decides_though_a_newer_one_is_not_due(
    life: AdoptedLife,
) -> None:
    sent(life, 25)
    assert life.days(40).stands == ("limited", "past_due")
    assert len(life.invoices()) == 2
    oldest, newest = life.invoices()[1], life.invoices()[0]
    life.post(f"/v1/invoices/{newest['id']}/pay", paid_out_of_band=True)
    assert life.stands == ("limited", "past_due")
    life.post(f"/v1/invoices/{oldest['id']}/pay", paid_out_of_band=True)
    assert life.stands == ("full", "active")


# What the owner withdraws, gives up or pauses


def test_a_first_invoice_that_the_owner_voids_owes_nothing(life: AdoptedLife) -> None:
    life.sells(trial_period_days=14)
    life.gives("tok_chargeCustomerFail").days(14.01)
    (invoice, _) = life.invoices()
    assert invoice["status"] == "open"
    life.days(-0.0)
    life.post(f"/v1/invoices/{invoice['id']}/void")
    assert life.days(3).stands[0] == "none", "its payment had failed, and nothing was ever paid"


def test_a_first_invoice_that_is_void_while_its_debit_is_under_way_is_no_payment(
    life: AdoptedLife,
) -> None:
    life.sells(trial_period_days=14)
    life.gives(HANGS).days(15)
    assert life.stands == ("full", "payment_processing")
    life.stage.engine.invoices.void(
        life.stage.engine.store.find("invoice", life.invoices()[0]["id"])
    )
    life.hear()
    assert life.days(1).stands == ("none", "trial_expired")


@pytest.mark.parametrize("collection", ["charge_automatically", "send_invoice"])
def test_a_renewal_that_the_owner_voids_owes_nothing(life: AdoptedLife, collection: str) -> None:
    if collection == "send_invoice":
        sent(life, 5)
        life.post(f"/v1/invoices/{life.invoices()[0]['id']}/finalize")
        life.post(f"/v1/invoices/{life.invoices()[0]['id']}/pay", paid_out_of_band=True)
    else:
        life.gives("tok_visa").sells()
        life.gives("tok_chargeCustomerFail")
    life.days(31.1)
    life.post(f"/v1/invoices/{life.invoices()[0]['id']}/void")
    assert life.days(14).stands == ("full", "active")


def test_an_invoice_given_up_limits_access_until_a_later_one_is_paid(life: AdoptedLife) -> None:
    life.gives("tok_visa").sells()
    life.gives("tok_chargeCustomerFail").days(31.1)
    life.post(f"/v1/invoices/{life.invoices()[0]['id']}/mark_uncollectible")
    assert life.days(2).stands == ("full", "past_due_grace")
    assert life.days(6).stands == ("limited", "uncollectible")
    life.gives("tok_visa")
    assert life.days(25).stands == ("full", "active")


@pytest.mark.parametrize("behavior", ["void", "mark_uncollectible", "keep_as_draft"])
def test_what_a_pause_of_collection_leaves_behind_owes_nothing(
    life: AdoptedLife, behavior: str
) -> None:
    subscription = life.gives("tok_visa").sells()
    life.days(10)
    life.post(f"/v1/subscriptions/{subscription}", pause_collection={"behavior": behavior})
    assert life.days(25).stands == ("full", "active")
    life.post(f"/v1/subscriptions/{subscription}", pause_collection="")
    assert life.days(10).stands == ("full", "active")
    assert "payment.failed" not in life.happened


@pytest.mark.parametrize("behavior", ["void", "mark_uncollectible", "keep_as_draft"])
def test_what_a_pause_of_collection_leaves_behind_blocks_no_later_change_of_plan(
    life: AdoptedLife, behavior: str
) -> None:
    subscription = life.gives("tok_visa").sells()
    life.days(10)
    life.post(f"/v1/subscriptions/{subscription}", pause_collection={"behavior": behavior})
    life.days(25)
    life.post(f"/v1/subscriptions/{subscription}", pause_collection="")
    life.days(31)
    change_plan(ACCOUNT, IdempotentRequest("plan"), PlanRequest("scale"), life.place.services)
    assert life.stands == ("full", "active")
    (item,) = life.stage.get(f"/v1/subscriptions/{subscription}")["items"]["data"]
    assert item["price"]["lookup_key"] == "scale_monthly"


def test_what_a_pause_gave_up_before_it_was_due_owes_nothing_however_late_it_is_read_again(
    life: AdoptedLife,
) -> None:
    subscription = sent(life, 10, trial_period_days=7)
    pause = {"behavior": "mark_uncollectible", "resumes_at": life.stage.second + 12 * DAY}
    life.post(f"/v1/subscriptions/{subscription}", pause_collection=pause)
    assert life.days(13).stands == ("full", "active")
    assert life.invoices()[0]["status"] == "uncollectible"
    life.days(10)
    for request in everything_of(life.customer):
        apply_facts(
            life.account, [request], life.place.services, StripeFetcher(life.place.services)
        )
    assert life.stands == ("full", "active")


def test_a_period_that_a_coupon_makes_free_counts_as_paid_without_a_card(
    life: AdoptedLife,
) -> None:
    coupon = life.stage.post("/v1/coupons", percent_off=100, duration="forever")["id"]
    life.stage.engine.store.settings["invoice_draft_seconds"] = 3600
    life.sells(
        trial_period_days=14,
        discounts=[{"coupon": coupon}],
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    )
    assert life.days(14.001).stands == ("full", "active")
    assert life.days(1).stands == ("full", "active")


# Other products in the same Stripe account


def test_another_product_neither_gives_nor_takes_access(life: AdoptedLife) -> None:
    ours = life.gives("tok_visa").sells()
    other = life.days(3).sells_other()
    assert list(life.account.subscriptions) == [ours]
    assert list(life.account.others) == [other]
    assert life.stands == ("full", "active")
    assert unknown_prices(life.account, life.policy) == ()
    life.gives("tok_chargeCustomerFail").days(29)
    life.gives("tok_visa").days(1)
    life.stage.call("DELETE", f"/v1/subscriptions/{ours}")
    life.hear()
    assert life.days(1).stands == ("none", "canceled")
    assert "in_" not in " ".join(
        id for id, one in life.account.invoices.items() if one.value.subscription == other
    )


def test_a_customer_of_another_product_alone_has_nothing_here(life: AdoptedLife) -> None:
    other = life.gives("tok_visa").sells_other()
    assert life.days(2).stands == ("none", "no_subscription")
    assert list(life.account.others) == [other]
    life.gives("tok_chargeCustomerFail").days(40)
    assert life.stands == ("none", "no_subscription")
    assert set(life.happened) == {"account.created"}


def test_a_subscription_whose_metadata_proves_the_account_is_ours_at_any_price(
    life: AdoptedLife,
) -> None:
    sold = life.gives("tok_visa").sells_other(metadata=proving(ACCOUNT))
    assert life.stands == ("full", "active")
    assert len(unknown_prices(life.account, life.policy)) == 1
    life.post(f"/v1/subscriptions/{sold}", metadata={"account_proof": ""})
    assert life.days(40).stands == ("full", "active"), "what was recognized once stays"


def test_a_proof_that_is_written_later_makes_the_subscription_ours(life: AdoptedLife) -> None:
    other = life.gives("tok_visa").sells_other(metadata={"account_id": ACCOUNT})
    assert life.stands == ("none", "no_subscription")
    life.days(0.01).post(f"/v1/subscriptions/{other}", metadata=proving(ACCOUNT))
    assert life.days(0.01).stands == ("full", "active")
    assert life.account.invoices, "its invoices are fetched"


def test_an_older_report_of_the_subscription_proves_it_too() -> None:
    life = AdoptedLife(arrives=lambda events: [])
    sold = life.gives("tok_visa").sells_other(metadata=proving(ACCOUNT))
    life.post(f"/v1/subscriptions/{sold}", metadata={"account_proof": ""})
    events = life.stage.engine.store.events
    life.arrives = lambda fresh: list(reversed(events))
    life.hear()
    assert life.stands == ("full", "active")


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"account_proof": ""},
        {"account_proof": "0" * 64},
        {"account_proof": proof_of("acc_eve")},
    ],
    ids=["none", "empty", "invented", "of another account"],
)
@pytest.mark.parametrize("amount", [0, 100])
def test_another_product_gives_no_access_because_its_metadata_names_the_account(
    life: AdoptedLife, named: dict[str, str], amount: int
) -> None:
    """Another integration writes what its customer typed."""
    metadata = {"account_id": ACCOUNT, **named}
    other = life.gives("tok_visa").sells_other(amount, metadata=metadata)
    assert life.stands == ("none", "no_subscription")
    life.days(40)
    assert life.stands == ("none", "no_subscription")
    assert list(life.account.others) == [other]
    assert set(life.happened) == {"account.created"}


def test_another_product_gives_no_access_to_a_new_account_either(life: AdoptedLife) -> None:
    named = {"account_id": "acc_invented"}
    life.customer = str(life.post("/v1/customers", email="eve@example.com", metadata=named)["id"])
    life.gives("tok_visa").sells_other(0, metadata=named)
    made = life.place.accounts.load("acc_invented")
    assert made
    assert standing(made, life.policy, life.now).access == "none"


def replaces_the_price(life: AdoptedLife) -> str:
    """The owner raises the price: the lookup key moves to a new one. Gives the old price."""
    old = life.stage.price("pro_monthly")
    product = life.stage.get(f"/v1/prices/{old}")["product"]
    life.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=5900,
        recurring={"interval": "month"},
        lookup_key="pro_monthly",
        transfer_lookup_key=True,
    )
    life.post(f"/v1/prices/{old}", active=False)
    return old


def test_a_replaced_price_keeps_its_plan_though_the_event_with_its_key_comes_last() -> None:
    held: list[Any] = []

    def without_creation(events: list[Any]) -> list[Any]:
        held.extend(one for one in events if one["type"] == "customer.subscription.created")
        return [one for one in events if one not in held]

    life = AdoptedLife(arrives=without_creation)
    life.gives("tok_visa").sells()
    replaces_the_price(life)
    life.days(32)
    life.arrives = lambda events: [*events, *held]
    life.hear()
    found = standing(life.account, life.policy, life.now)
    assert (found.access, found.plan) == ("full", "pro")
    assert life.account.others == {}


def test_a_price_whose_product_has_a_plan_needs_no_lookup_key(life: AdoptedLife) -> None:
    price = life.stage.price("pro_monthly")
    product = life.stage.get(f"/v1/prices/{price}")["product"]
    plan = replace(life.policy.plans["pro"], products=(product,))
    life.policy = replace(life.policy, plans={**life.policy.plans, "pro": plan})
    life.place.policy = life.policy
    replaces_the_price(life)
    items = [{"price": price}]
    life.post(f"/v1/prices/{price}", active=True)
    life.gives("tok_visa").post("/v1/subscriptions", customer=life.customer, items=items)
    found = standing(life.account, life.policy, life.now)
    assert (found.access, found.plan) == ("full", "pro")


def test_a_price_that_was_replaced_keeps_its_plan(life: AdoptedLife) -> None:
    life.gives("tok_visa").sells()
    replaces_the_price(life)
    assert life.days(40).stands == ("full", "active")
    (kept,) = life.account.subscriptions.values()
    assert kept.value.items[0].lookup_key is None
    assert standing(life.account, life.policy, life.now).plan == "pro"
    assert unknown_prices(life.account, life.policy) == ()


# Old debts


def test_a_debt_outlives_any_number_of_paid_invoices(life: AdoptedLife) -> None:
    subscription = life.gives("tok_chargeCustomerFail").stage.post(
        "/v1/subscriptions",
        customer=life.customer,
        items=[{"price": life.stage.price("pro_monthly")}],
        trial_period_days=1,
    )["id"]
    life.stage.engine.store.settings["after_retries"] = "past_due"
    life.hear()
    life.days(20)
    old = life.invoices(subscription)[0]
    assert old["status"] == "open"
    life.gives("tok_visa").days(31 * 15)
    assert len(life.invoices(subscription)) > 14
    assert [one.id for one in unpaid_invoices(life.account)] == [old["id"]]
    before = life.happened.count("payment.succeeded")
    life.post(f"/v1/invoices/{old['id']}/pay")
    assert life.happened.count("payment.succeeded") == before + 1
    assert unpaid_invoices(life.account) == []


def test_a_debit_of_which_only_the_failure_arrives_has_its_grace_from_the_failure() -> None:
    def only_failures(events: list[Any]) -> list[Any]:
        unseen = ("payment_intent", "invoice.updated")
        return [one for one in events if not one["type"].startswith(unseen)]

    life = AdoptedLife(arrives=only_failures)
    life.gives(PAYS).sells()
    life.days(10).gives(FAILS)
    assert life.days(27).stands == ("full", "past_due_grace")
    assert life.days(5.9).stands == ("full", "past_due_grace")
    assert life.days(0.3).stands == ("limited", "past_due")
