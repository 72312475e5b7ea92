"""The daily comparison counts customers who have more credit at Stripe than they ever paid."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.reconciliation.comparison import UNPAID_KEPT, Comparison
from chalicelib.domain.reconciliation.credit import unpaid_credit
from chalicelib.domain.stripe_objects.answers import StripeCharge
from chalicelib.domain.stripe_objects.objects import Invoice
from tests.fakes.services import at
from tests.unit.usecases.reconciliation.test_reconcile import Population

NOW = at(1772442000)


def invoice(amount_paid: int, currency: str = "usd") -> Invoice:
    return Invoice("in_1", "cus_1", "paid", NOW, currency=currency, amount_paid=amount_paid)


def charge(amount: int, refunded: int = 0, **known: Any) -> StripeCharge:
    known = {"paid": True, "currency": "usd"} | known
    return StripeCharge("ch_1", amount=amount, amount_refunded=refunded, **known)


@pytest.mark.parametrize(
    ("credit", "invoices", "charges", "unpaid"),
    [
        (100, [], [], 100),
        (4900, [invoice(4900)], [charge(4900)], 0),
        (4901, [invoice(4900)], [charge(4900)], 1),
        (1000, [invoice(4900)], [charge(4900, refunded=4900)], 1000),
        (1000, [invoice(4900)], [charge(4900, refunded=4000)], 100),
        (4900, [invoice(4900)], [], 0),
        (9000, [invoice(4900)], [charge(4900), charge(4900)], 0),
        (100, [], [charge(4900, paid=False)], 100),
        (100, [invoice(4900, "eur")], [charge(4900, currency="eur")], 100),
        (0, [], [charge(4900, refunded=4900)], 0),
    ],
)
def test_credit_is_paid_for_by_what_was_paid_and_not_paid_back(
    credit: int, invoices: list[Invoice], charges: list[StripeCharge], unpaid: int
) -> None:
    assert unpaid_credit(credit, "usd", invoices, charges) == unpaid


def test_a_payment_that_the_bank_took_back_pays_for_no_credit() -> None:
    lost, kept = replace(invoice(4900), id="in_lost"), invoice(1000)
    charges = [charge(4900), charge(1000)]
    assert unpaid_credit(4000, "usd", [lost, kept], charges, {"in_lost"}) == 3000
    assert unpaid_credit(1000, "usd", [lost, kept], charges, {"in_lost"}) == 0


@pytest.fixture
def population() -> Population:
    return Population()


def gets_credit(population: Population, customer: str, amount: int) -> None:
    population.stage.post(
        f"/v1/customers/{customer}/balance_transactions", amount=-amount, currency="usd"
    )


def test_a_customer_with_more_credit_than_was_ever_paid_is_counted_and_named(
    population: Population,
) -> None:
    customers = [population.customer() for _ in range(3)]
    for customer in customers:
        population.buys(customer)
    gets_credit(population, customers[0], 4900)
    gets_credit(population, customers[1], 490000)
    population.hear()
    done = population.compare()
    assert done.unpaid_credit == (customers[1],)
    assert population.place.metrics["CreditUnpaid"] == 1
    (told,) = [
        entry
        for entry in population.place.timeline.entries.values()
        if entry.type == "credit.unpaid"
    ]
    assert told.account_id == population.account_of(customers[1]).id
    assert told.data == {"customer": customers[1], "credit": 490000, "unpaid": 485100}


def test_a_day_without_credit_asks_stripe_for_nothing_more(population: Population) -> None:
    population.buys(population.customer())
    population.hear()
    before = len(population.stage.api.calls)
    assert population.compare().unpaid_credit == ()
    assert len(population.stage.api.calls) == before + 2
    assert population.place.metrics["CreditUnpaid"] == 0


def test_a_page_that_is_compared_twice_counts_a_customer_once() -> None:
    found = Comparison(NOW).with_unpaid_credit(["cus_1", "cus_2"]).with_unpaid_credit(["cus_1"])
    assert found.unpaid_credit == ("cus_1", "cus_2")
    many = found.with_unpaid_credit(f"cus_{n}" for n in range(1000))
    assert len(many.unpaid_credit) == UNPAID_KEPT


def test_customers_of_another_product_are_not_counted(population: Population) -> None:
    product = population.stage.post("/v1/products", name="Another")["id"]
    population.stage.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=100,
        lookup_key="another",
        recurring={"interval": "month"},
    )
    customer = population.customer()
    population.buys(customer, "another")
    gets_credit(population, customer, 490000)
    assert population.compare().unpaid_credit == ()
