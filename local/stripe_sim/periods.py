"""What all that is done with subscriptions stands on: their periods, and what a period costs."""

import stripe

from local.stripe_sim.calendar import period_end
from local.stripe_sim.invoices import Invoices
from local.stripe_sim.payments import Payments
from local.stripe_sim.shapes import Object, blank
from local.stripe_sim.store import Store

FINAL = frozenset({"canceled", "incomplete_expired"})
UPDATED = "customer.subscription.updated"


class Periods:
    """Subscriptions as far as their periods."""

    def __init__(self, store: Store, payments: Payments, invoices: Invoices) -> None:
        self._store, self._payments, self._invoices = store, payments, invoices

    def _period_of(self, subscription: Object) -> tuple[int, int]:
        items = subscription["items"]["data"]
        return min(item["current_period_start"] for item in items), min(item["current_period_end"] for item in items)

    def _begin_period(self, subscription: Object, start: int) -> None:
        for item in subscription["items"]["data"]:
            recurring = item["price"]["recurring"]
            item["current_period_start"] = start
            item["current_period_end"] = period_end(start, subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"])

    def _lines(self, subscription: Object, start: int, end: int) -> list[Object]:
        return self._invoices.lines_of(subscription, start, end, lambda item: (item["price"]["unit_amount"] or 0) * (item["quantity"] or 1))


def plan_of(price: Object) -> Object:
    """The old form of a price, which items still carry."""
    recurring = price["recurring"]
    return blank(
        stripe.Plan,
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        billing_scheme="per_unit",
        created=price["created"],
        currency=price["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        product=price["product"],
        usage_type="licensed",
    )
