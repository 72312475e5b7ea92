"""What all that is done with subscriptions stands on: their periods, and what a period costs."""

from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.calendar import period_end
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.lines import lines_of
from local.stripe_sim.billing.payments import Payments
from local.stripe_sim.billing.prices import recurring_of
from local.stripe_sim.lifecycle.store import Store

FINAL = frozenset({"canceled", "incomplete_expired"})
UPDATED = "customer.subscription.updated"


class Periods:
    """Subscriptions as far as their periods."""

    def __init__(self, store: Store, payments: Payments, invoices: Invoices) -> None:
        self._store, self._payments, self._invoices = store, payments, invoices

    def _period_of(self, subscription: Object) -> tuple[int, int]:
        items = subscription["items"]["data"]
        return min(item["current_period_start"] for item in items), min(
            item["current_period_end"] for item in items
        )

    def _begin_period(self, subscription: Object, start: int) -> None:
        for item in subscription["items"]["data"]:
            item["current_period_start"] = start
            item["current_period_end"] = period_end(
                start, subscription["billing_cycle_anchor"], *recurring_of(item["price"])
            )

    def _lines(self, subscription: Object, start: int, end: int) -> list[Object]:
        return lines_of(self._store, subscription, start, end)

    def _invoice(self, subscription: Object, reason: str, lines: list[Object]) -> Object:
        """A draft of a subscription's for its period as it is now; it is the latest
        from then on."""
        customer = self._store.find("customer", subscription["customer"])
        start, end = self._period_of(subscription)
        invoice = self._invoices.make(
            customer, reason, lines, subscription, start, end, subscription["currency"]
        )
        subscription["latest_invoice"] = invoice["id"]
        return invoice
