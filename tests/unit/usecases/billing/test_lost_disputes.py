"""A customer who takes a payment back at the bank: access follows the money that stays."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.simulated_lifecycles import DAY, SimLife
from tests.unit.usecases.billing.test_actions import change, paying, subscription


def charges(life: SimLife) -> list[Any]:
    """What was paid, the oldest first."""
    return [one for one in reversed(life.objects("charge")) if one["paid"]]


def disputes(life: SimLife, charge: Any, *ends: str) -> SimLife:
    """The customer disputes a charge, and it ends so."""
    payments = life.stage.engine.payments
    dispute = payments.dispute(charge, "fraudulent")
    life.hear()
    for status in ends:
        payments.close_dispute(dispute, status)
        life.hear()
    return life


def on_a_year() -> SimLife:
    """A customer who paid a month of Pro and then a year."""
    life = paying(days=20)
    change(life, "pro", "year")
    life.hear()
    assert life.stands() == ("full", "active")
    return life


def test_a_lost_dispute_of_the_running_periods_payment_limits_access_for_the_whole_period() -> None:
    life = on_a_year()
    for charge in charges(life):
        disputes(life, charge, "lost")
    assert life.stands() == ("limited", "charged_back")
    life.advance(life.place.now.at + 100 * DAY)
    assert life.stands() == ("limited", "charged_back")
    assert life.standing.features == ()


def test_an_open_dispute_and_one_that_was_won_change_nothing() -> None:
    life = on_a_year()
    disputes(life, charges(life)[-1])
    assert life.stands() == ("full", "active")
    disputes(life, charges(life)[-1], "won")
    assert life.stands() == ("full", "active")


def test_the_next_period_that_is_paid_gives_full_access_again() -> None:
    life = paying(days=20)
    disputes(life, charges(life)[-1], "lost")
    assert life.stands() == ("limited", "charged_back")
    life.days(50)
    assert life.stands() == ("full", "active")
    assert len(charges(life)) == 2


def test_a_lost_dispute_of_an_earlier_period_limits_nothing() -> None:
    life = paying(days=50)
    disputes(life, charges(life)[0], "lost")
    assert life.stands() == ("full", "active")


def test_a_small_payment_later_in_the_period_does_not_buy_it() -> None:
    life = on_a_year()
    disputes(life, charges(life)[-1], "lost")
    customer = life.only("customer")["id"]
    for amount, access in ((500, "limited"), (300_000, "full")):
        life.stage.post(
            "/v1/invoiceitems",
            customer=customer,
            subscription=subscription(life)["id"],
            amount=amount,
            currency="usd",
        )
        invoice = life.stage.post(
            "/v1/invoices", customer=customer, subscription=subscription(life)["id"]
        )
        life.stage.call("POST", f"/v1/invoices/{invoice['id']}/pay")
        life.hear()
        assert life.standing.access == access, amount


def test_a_lost_dispute_of_what_no_invoice_asked_for_limits_nothing() -> None:
    life = paying(days=20)
    charge = charges(life)[-1]
    for payment in life.objects("invoice_payment"):
        payment["payment"]["payment_intent"] = "pi_other"
    disputes(life, charge, "lost")
    assert life.stands() == ("full", "active")


@pytest.mark.parametrize(
    ("disputed", "stands"),
    [
        ("full", ("full", "active")),
        ("limited", ("limited", "charged_back")),
        ("none", ("none", "charged_back")),
    ],
)
def test_the_owner_says_what_a_lost_dispute_leaves(disputed: str, stands: tuple[str, str]) -> None:
    life = paying(days=20)
    access = replace(life.policy.access, disputed=disputed)
    life.policy = life.place.policy = replace(life.policy, access=access)
    assert disputes(life, charges(life)[-1], "lost").stands() == stands


def test_an_invoice_that_was_forgotten_is_fetched_when_its_dispute_is_lost() -> None:
    life = on_a_year()
    lost = charges(life)[-1]
    for quantity in range(2, 12):
        life.minutes(5)
        change(life, "pro", "year", quantity)
    life.minutes(5)
    paid_for = life.objects("invoice")[-3]["id"]
    assert paid_for not in life.account.invoices
    disputes(life, lost, "lost")
    assert life.stands() == ("limited", "charged_back")
