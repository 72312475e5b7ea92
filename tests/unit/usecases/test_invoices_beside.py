"""Invoices for single items that name a subscription: they are owed, and the subscription's periods
are neither paid nor unpaid by them.
"""

from typing import Any

import pytest

from tests.fakes.adopted_lives import AdoptedLife


@pytest.fixture
def life() -> AdoptedLife:
    return AdoptedLife()


def billed_beside(life: AdoptedLife, subscription: str, amount: int, **more: Any) -> str:
    """The owner bills single items of the subscription now."""
    life.stage.post(
        "/v1/invoiceitems",
        customer=life.customer,
        subscription=subscription,
        amount=amount,
        currency="usd",
    )
    invoice = life.stage.post(
        "/v1/invoices",
        customer=life.customer,
        subscription=subscription,
        pending_invoice_items_behavior="include",
        **more,
    )["id"]
    life.post(f"/v1/invoices/{invoice}/finalize")
    return str(invoice)


def test_a_single_charge_that_fails_leaves_the_paid_period_as_it_is(life: AdoptedLife) -> None:
    subscription = life.gives("tok_visa").sells()
    life.days(3).gives("tok_chargeCustomerFail")
    invoice = billed_beside(life, subscription, 700)
    life.stage.call("POST", f"/v1/invoices/{invoice}/pay")
    life.hear()
    assert life.stands == ("full", "active")
    assert life.days(9).stands == ("full", "active")
    assert life.stage.status(subscription) == "active"
    assert "payment.failed" in life.happened, "it is owed all the same"


def test_a_single_charge_that_is_sent_and_overdue_leaves_the_period_as_it_is(
    life: AdoptedLife,
) -> None:
    subscription = life.gives("tok_visa").sells()
    sent = {"collection_method": "send_invoice", "days_until_due": 3}
    billed_beside(life, subscription, 700, **sent)
    assert life.days(12).stands == ("full", "active")


def test_a_single_charge_that_is_paid_pays_for_no_period_after_a_trial(life: AdoptedLife) -> None:
    subscription = life.sells(trial_period_days=7)
    life.gives("tok_chargeCustomerFail").days(7.2)
    assert life.stands == ("full", "first_payment")
    invoice = billed_beside(life, subscription, 100)
    life.post(f"/v1/invoices/{invoice}/pay", paid_out_of_band=True)
    assert life.days(1).stands == ("none", "trial_expired")
    assert "trial.converted" not in life.happened


def test_a_single_charge_that_is_paid_does_not_make_up_for_what_was_given_up(
    life: AdoptedLife,
) -> None:
    subscription = life.gives("tok_visa").sells()
    life.gives("tok_chargeCustomerFail").days(31.1)
    life.post(f"/v1/invoices/{life.invoices()[0]['id']}/mark_uncollectible")
    assert life.days(8).stands == ("limited", "uncollectible")
    invoice = billed_beside(life, subscription, 100)
    life.post(f"/v1/invoices/{invoice}/pay", paid_out_of_band=True)
    assert life.stands == ("limited", "uncollectible")


@pytest.mark.parametrize("status", ["incomplete", "past_due", "unpaid", "paused"])
def test_a_payment_whose_news_of_the_subscription_is_lost_gives_access_within_two_hours(
    life: AdoptedLife, status: str
) -> None:
    if status == "incomplete":
        life.sells(payment_behavior="default_incomplete")
    elif status == "paused":
        life.sells(trial_period_days=7)
        life.post(
            f"/v1/subscriptions/{life.stage.engine.store.all('subscription')[0]['id']}",
            trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
        )
        life.days(8)
    else:
        life.stage.engine.store.settings["after_retries"] = status
        life.gives("tok_visa").sells()
        life.gives("tok_chargeCustomerFail").days(46)
    (subscription,) = life.account.subscriptions
    assert life.stage.status(subscription) == status
    assert life.stands[0] != "full"
    life.arrives = lambda events: [
        one for one in events if not one["type"].startswith("customer.subscription")
    ]
    life.gives("tok_visa")
    if status == "paused":
        life.post(f"/v1/subscriptions/{subscription}/resume")
        life.days(0.05)
    else:
        life.stage.call("POST", f"/v1/invoices/{life.invoices()[0]['id']}/pay")
        life.hear()
    assert life.stands[0] != "full", "the subscription's own news decides"
    assert life.days(2 / 24).stands == ("full", "active")
