"""Bugs that others in this field have really had, of canceling, coming back and charging. The
number is that of docs/reliability.md.
"""

from dataclasses import replace

import pytest

from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.usecases.billing import actions
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import DAY, SimLife
from tests.unit.usecases.billing.test_actions import (
    cancel,
    finished_with,
    paid,
    paying,
    reactivate,
    subscription,
)
from tests.unit.usecases.billing.test_actions_money import charge
from tests.unit.usecases.billing.test_checkout import alive, gone


def test_coming_back_to_what_has_ended_offers_a_purchase_and_no_error_of_stripes() -> None:
    """30."""
    life = paying()
    cancel(life, "now")
    outcome = reactivate(life)
    assert outcome.action == "checkout"
    session = str(outcome.url).rpartition("/")[2]
    assert life.completes(session).returns(session) == "subscribed"
    assert (alive(life), life.stands()) == (["active"], ("full", "active"))


def test_coming_back_after_the_periods_end_without_any_news_offers_a_purchase_too() -> None:
    """30."""
    life = paying()
    cancel(life)
    life.days(60, deaf=True)
    assert life.stands() == ("none", "canceled")
    assert reactivate(life).action == "checkout"


@pytest.mark.parametrize(
    ("kept", "access"), [(None, "full"), ("limited", "limited"), ("none", "none")]
)
def test_a_pause_of_collection_in_the_portal_is_judged_by_policy_and_ended_by_an_empty_text(
    kept: str | None, access: str
) -> None:
    """33."""
    life = SimLife(replace(QUIET, access=replace(QUIET.access, collection_paused=kept)))
    life.sign_up()
    life.hear()
    life.gives_card().days(20)
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}", pause_collection={"behavior": "void"}
    )
    life.hear()
    assert (life.standing.status, life.standing.access) == ("active", access)
    life.minutes(1)
    assert reactivate(life).action == "resumed"
    (unpaused,) = [call for call in life.stage.api.calls if ("pause_collection", "") in call.pairs]
    assert unpaused.method == "POST"
    assert life.stands() == ("full", "active")


def test_a_late_payment_of_an_old_invoice_after_the_end_gives_no_access() -> None:
    """34."""
    life = paying()
    life.gives_card("4000000000000341")
    life.days(48)
    assert life.standing.status == "past_due"
    (owed,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    cancel(life, "now")
    life.hear()
    life.gives_card()
    life.stage.post(f"/v1/invoices/{owed['id']}/pay")
    life.hear()
    assert life.stands() == ("none", "canceled")
    assert reactivate(life).action == "checkout", "and there is nothing to resume"


@pytest.mark.parametrize("bill", ["now", "next_invoice"])
def test_a_charge_is_one_in_the_right_currency_and_never_an_empty_invoice_that_counts_as_paid(
    bill: str,
) -> None:
    """39."""
    life = paying()
    customer = life.only("customer")["id"]
    life.stage.post(
        "/v1/invoiceitems",
        customer=customer,
        amount=777,
        currency="usd",
        description="Waits for its own invoice",
    )
    for _ in range(3):
        charge(life, bill=bill)
    with pytest.raises(Exception, match="usd"):
        charge(life, currency="chf", key="key-2")
    finished_with(life)
    manual = [one for one in life.objects("invoice") if one["billing_reason"] == "manual"]
    assert [(one["amount_paid"], one["currency"], len(one["lines"]["data"])) for one in manual] == (
        [(1500, "usd", 1)] if bill == "now" else []
    )
    life.days(48)
    assert sum(paid(life)) == 4900 + 1500 + 4900 + 777, "each once"
    assert all(
        one["amount_due"]
        for one in life.objects("invoice")
        if one["billing_reason"] != "subscription_create"
    )


def test_nothing_is_charged_to_who_has_gone() -> None:
    """39."""
    life = gone()
    with pytest.raises(Exception, match="ended"):
        actions.charge(
            life.account_id,
            IdempotentRequest("x", "key-1"),
            1500,
            "usd",
            "Late",
            "next_invoice",
            life.services,
        )
    life.advance(life.place.now.at + 40 * DAY)
    assert paid(life) == []
    assert life.objects("invoiceitem") == []
