"""What all that is done with subscriptions stands on: their periods, what a period costs, and when
they are planned to end.
"""

from typing import Any

from local.stripe_sim.api.errors import StripeRefusal
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
        starts = [item["current_period_start"] for item in items]
        ends = [item["current_period_end"] for item in items]
        return min(starts), min(ends)

    def _begin_period(self, subscription: Object, start: int) -> None:
        for item in subscription["items"]["data"]:
            item["current_period_start"] = start
            item["current_period_end"] = period_end(
                start, subscription["billing_cycle_anchor"], *recurring_of(item["price"])
            )
        self._follow_period(subscription)

    def _follow_period(self, subscription: Object) -> None:
        """What is to be canceled at the end of the period is canceled at the end of the one that
        runs now.
        """
        if subscription["cancel_at_period_end"]:
            subscription["cancel_at"] = self._period_of(subscription)[1]

    def plan_cancel(self, subscription: Object, at: int | None, at_period_end: bool) -> None:
        """Cancel later: at a moment, or at the end of the period; neither takes a planned
        cancellation back.
        """
        subscription["cancel_at_period_end"] = at_period_end
        subscription["cancel_at"] = (
            self._period_of(subscription)[1] if at_period_end and at is None else at
        )
        planned = subscription["cancel_at"] is not None
        subscription["canceled_at"] = self._store.second if planned else None
        subscription["cancellation_details"]["reason"] = (
            "cancellation_requested" if planned else None
        )

    def _cancel_moment(self, subscription: Object, value: Any) -> int | None:
        if value == "":
            return None
        if value in ("min_period_end", "max_period_end"):
            return self._period_of(subscription)[1]
        if value <= self._store.second:
            raise StripeRefusal(
                "Invalid timestamp: must be in the future.",
                "cancel_at",
                "parameter_invalid_integer",
            )
        return int(value)

    def _free_lines(self, subscription: Object) -> list[Object]:
        """The lines of a trial, which cost nothing."""
        lines = self._lines(subscription, *self._period_of(subscription))
        return [line | {"amount": 0, "subtotal": 0} for line in lines]

    def _lines(self, subscription: Object, start: int, end: int) -> list[Object]:
        return lines_of(self._store, subscription, start, end)

    def _invoice(
        self, subscription: Object, reason: str, lines: list[Object], since: int | None = None
    ) -> Object:
        """A draft of a subscription's; it is the latest from then on. It looks back: to what was
        added `since` a second, until now.
        """
        customer = self._store.find("customer", subscription["customer"])
        end = self._store.second
        start = end if since is None else since
        invoice = self._invoices.make(
            customer, reason, lines, subscription, start, end, subscription["currency"]
        )
        subscription["latest_invoice"] = invoice["id"]
        return invoice
