"""Pending updates: a change of a subscription that waits for its payment
(docs.stripe.com/billing/subscriptions/pending-updates).
"""

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank, copied
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.periods import UPDATED
from local.stripe_sim.lifecycle.store import Store
from local.stripe_sim.lifecycle.subscription_clock import INCOMPLETE_SECONDS
from local.stripe_sim.lifecycle.subscriptions import Subscriptions

CHANGED = ("items", "trial_end", "billing_cycle_anchor", "_debits", "status")
ALLOWED = frozenset(
    {
        "billing_cycle_anchor",
        "expand",
        "items",
        "payment_behavior",
        "proration_behavior",
        "proration_date",
        "trial_end",
    }
)
"""What may be changed by an update that waits."""


class PendingUpdates:
    """What is done with updates that wait for their payment."""

    def __init__(self, store: Store, subscriptions: Subscriptions, invoices: Invoices) -> None:
        self._store, self._subscriptions, self._invoices = store, subscriptions, invoices
        invoices.paid = self._paid

    def update(self, subscription: Object, wanted: Object) -> None:
        """Change it if what that costs is paid now; else the change waits for 23 hours. Raises
        StripeRefusal.
        """
        others = sorted({*wanted} - ALLOWED)
        if others:
            raise StripeRefusal(
                f"You cannot update `{others[0]}` when `payment_behavior` is"
                " `pending_if_incomplete`.",
                others[0],
            )
        before = {name: copied(subscription[name]) for name in CHANGED}
        with self._store.changing(subscription, UPDATED):
            self._subscriptions.update(subscription, wanted)
            invoice = self._store.find("invoice", subscription["latest_invoice"])
            if not self._invoices.is_owed(invoice) or subscription["items"] == before["items"]:
                return
            waiting = {name: copied(subscription[name]) for name in CHANGED[:-1]}
            subscription |= before
            subscription["_waiting"] = {"invoice": invoice["id"], **waiting}
            subscription["pending_update"] = blank(
                stripe.Subscription.PendingUpdate,
                expires_at=self._store.second + INCOMPLETE_SECONDS,
                subscription_items=waiting["items"]["data"],
            )
            invoice["next_payment_attempt"] = None

    def expire(self, subscription: Object) -> None:
        """Drop a change that was not paid in time."""
        invoice = self._store.find("invoice", subscription["_waiting"]["invoice"])
        with self._store.quietly(subscription):
            subscription["pending_update"] = subscription["_waiting"] = None
            if invoice["status"] == "open":
                self._invoices.void(invoice)
        self._store.tell("customer.subscription.pending_update_expired", subscription)

    def _paid(self, invoice: Object) -> None:
        subscription = self._invoices.subscription_of(invoice)
        waiting = (subscription or {}).get("_waiting")
        if subscription is None or not waiting or waiting["invoice"] != invoice["id"]:
            return
        with self._store.changing(subscription, UPDATED):
            subscription |= {name: value for name, value in waiting.items() if name != "invoice"}
            subscription["pending_update"] = subscription["_waiting"] = None
        self._store.tell("customer.subscription.pending_update_applied", subscription)
