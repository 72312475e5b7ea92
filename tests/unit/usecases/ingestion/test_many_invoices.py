"""A customer whom another product bills each day: what was paid for ours is far down the list."""

from datetime import timedelta

from tests.fakes.adopted_lives import AdoptedLife
from tests.fakes.stripe.sim import DAY


def test_a_payment_behind_more_invoices_than_one_call_tells_is_known_at_the_adoption() -> None:
    life = AdoptedLife(arrives=lambda events: [])
    life.gives("tok_visa")
    yearly = life.sells("pro_yearly", trial_period_days=7)
    product = life.stage.post("/v1/products", name="Other")["id"]
    daily = life.stage.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=100,
        recurring={"interval": "day"},
    )["id"]
    life.stage.post("/v1/subscriptions", customer=life.customer, items=[{"price": daily}])
    life.place.now.at += timedelta(days=130)
    life.stage.advance(life.stage.second + 130 * DAY)
    life.hear()
    life.arrives = list
    life.post(f"/v1/subscriptions/{yearly}", metadata={"seats": "told by phone"})
    assert life.stands == ("full", "active")
    assert [one.value.amount_paid for one in life.account.invoices.values()] == [49000, 0]
