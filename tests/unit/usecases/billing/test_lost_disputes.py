"""A customer who takes a payment back at the bank: access follows the money that stays."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from chalicelib.usecases.ingestion.ingest import Message, ingest
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


# Appeals


def test_a_lost_dispute_that_is_won_by_an_appeal_gives_access_again() -> None:
    life = on_a_year()
    payments = life.stage.engine.payments
    disputes(life, charges(life)[-1], "lost")
    dispute = life.objects("dispute")[0]
    for status in ("appeal_needs_response", "appeal_under_review"):
        payments.close_dispute(dispute, status)
        life.hear()
        assert life.stands() == ("limited", "charged_back"), "the money is still gone"
    payments.close_dispute(dispute, "won")
    life.hear()
    assert life.stands() == ("full", "active")
    assert not life.account.disputed
    assert not life.account.charged_back


def test_an_appeal_that_is_lost_leaves_the_payment_gone() -> None:
    life = on_a_year()
    disputes(life, charges(life)[-1], "under_review", "lost", "appeal_under_review", "lost")
    assert life.stands() == ("limited", "charged_back")
    assert life.account.disputed


@pytest.mark.parametrize("seed", range(6))
def test_the_events_of_an_appeal_lead_to_the_same_in_every_order(seed: int) -> None:
    life = on_a_year()
    payments = life.stage.engine.payments
    before = len(life.stage.engine.store.events)
    dispute = payments.dispute(charges(life)[-1], "fraudulent")
    for status in ("under_review", "lost", "appeal_needs_response", "appeal_under_review", "won"):
        payments.close_dispute(dispute, status)
    events = [json.dumps(one) for one in life.stage.engine.store.events[before:]]
    some = Random(seed).sample([*events, *events[::2]], k=len(events) + len(events[::2]))
    for number, event in enumerate(some):
        ingest([Message(str(number), event)], life.services)
    assert life.stands() == ("full", "active")
    assert life.account.disputes == {dispute["id"]: "won"}
    assert not life.account.charged_back


# Credit that came from such a payment


def with_credit() -> SimLife:
    """A customer who paid a year of Pro with 50 seats, and went back to a month of one."""
    life = paying(days=20)
    change(life, "pro", "year", 50)
    life.hear()
    life.minutes(5)
    change(life, "pro", "month", 1)
    life.hear()
    life.days(60)
    assert life.stands() == ("full", "active")
    assert -life.only("customer")["balance"] > 2_000_000, "credit pays for years"
    return life


def test_credit_of_a_payment_that_the_bank_took_back_pays_for_no_later_period() -> None:
    life = with_credit()
    disputes(life, charges(life)[-1])
    assert life.stands() == ("limited", "charged_back"), "the money is withdrawn"
    disputes(life, charges(life)[-1], "lost")
    for _ in range(5):
        assert life.stands() == ("limited", "charged_back")
        life.advance(life.place.now.at + 31 * DAY)


def test_credit_pays_again_once_the_dispute_is_won() -> None:
    life = with_credit()
    disputes(life, charges(life)[-1], "under_review")
    assert life.stands() == ("limited", "charged_back")
    payments = life.stage.engine.payments
    payments.close_dispute(life.objects("dispute")[0], "won")
    life.hear()
    assert life.stands() == ("full", "active")


def test_an_inquiry_leaves_the_credit_as_it_is() -> None:
    life = with_credit()
    disputes(life, charges(life)[-1])
    life.stage.engine.payments.close_dispute(life.objects("dispute")[0], "warning_closed")
    life.hear()
    assert life.stands() == ("full", "active")


def test_a_small_payment_that_is_lost_takes_no_more_credit_than_it_was() -> None:
    life = with_credit()
    disputes(life, charges(life)[0], "lost")
    assert life.stands() == ("limited", "charged_back")
    for _ in range(2):
        life.advance(life.place.now.at + 31 * DAY)
    assert life.stands() == ("full", "active"), "credit of as much is used up"


def test_once_the_owner_took_the_credit_back_the_next_period_is_paid_with_money() -> None:
    life = with_credit()
    disputes(life, charges(life)[-1], "lost")
    credit = -life.only("customer")["balance"]
    life.stage.post(
        f"/v1/customers/{life.only('customer')['id']}/balance_transactions",
        amount=credit,
        currency="usd",
    )
    life.advance(life.place.now.at + 31 * DAY)
    assert life.stands() == ("full", "active")
    assert charges(life)[-1]["amount"] == 4900


def test_the_team_is_told_how_much_is_gone() -> None:
    life = with_credit()
    lost = charges(life)[-1]
    before = life.place.metrics["Disputes"]
    disputes(life, lost, "lost")
    (told,) = [
        entry
        for entry in life.place.timeline.entries.values()
        if entry.type == "payment.charged_back"
    ]
    assert (told.data["amount"], told.data["currency"]) == (lost["amount"], "usd")
    assert life.place.metrics["Disputes"] == before + 2, "when it was opened, and when it was lost"
