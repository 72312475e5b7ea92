"""Subscriptions in all eight statuses, as calls reach them: updated, resumed, canceled."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object, blank, copied
from local.stripe_sim.billing.calendar import period_end
from local.stripe_sim.billing.discounts import discounts_for, drop
from local.stripe_sim.billing.items import delete_item
from local.stripe_sim.billing.periods import FINAL, UPDATED
from local.stripe_sim.billing.prices import recurring_of
from local.stripe_sim.billing.proration import prorate
from local.stripe_sim.lifecycle.subscription_changes import PRORATED, Changes, anchored_now
from local.stripe_sim.lifecycle.subscription_clock import INCOMPLETE_SECONDS
from local.stripe_sim.lifecycle.subscription_start import check_terms

TERMS = ("collection_method", "days_until_due")

WHILE_INCOMPLETE = frozenset(
    {"default_payment_method", "default_source", "description", "metadata"}
)
"""What may be changed of a subscription whose first payment is not there yet."""


class Subscriptions(Changes):
    """All that is done with subscriptions."""

    def resume(self, subscription: Object, anchor: str) -> None:
        """Bill a paused subscription; it runs again once that is paid."""
        self._must_live(subscription)
        if subscription["status"] != "paused":
            raise StripeRefusal(
                "Only subscriptions with a status of `paused` can be resumed.", "subscription"
            )
        customer = self._store.find("customer", subscription["customer"])
        with self._store.changing(subscription, UPDATED):
            now = self._store.second
            recurring = recurring_of(subscription["items"]["data"][0]["price"])
            end = period_end(
                now, now if anchor == "now" else subscription["billing_cycle_anchor"], *recurring
            )
            invoice = self._invoices.make(
                customer,
                "subscription_cycle",
                self._lines(subscription, now, end),
                subscription,
                now,
                now,
                subscription["currency"],
                auto_advance=False,
                next_payment_attempt=None,
            )
            invoice["_resumes"], invoice["_attempt_at"], invoice["_void_at"] = (
                anchor,
                now + 3600,
                now + INCOMPLETE_SECONDS,
            )
            subscription["latest_invoice"] = invoice["id"]
            self._invoices.finalize(invoice)

    def cancel(
        self,
        subscription: Object,
        invoice_now: bool = False,
        prorate_it: bool = False,
        details: Object | None = None,
    ) -> None:
        """End it now. What is left can be credited, and all that is pending be invoiced at once;
        with neither, pending prorations go.
        """
        self._must_live(subscription)
        if prorate_it and subscription["status"] in PRORATED:
            prorate(
                self._store,
                subscription,
                subscription["items"]["data"],
                [],
                self._store.second,
                whole_period=False,
            )
        _explain(subscription, details)
        if invoice_now:
            with self._store.quietly(subscription):
                self.bill_finally(subscription)
        elif not prorate_it:
            for item in self._pending_of(subscription):
                if item["proration"]:
                    delete_item(self._store, item)
        self._end(subscription, "canceled", "cancellation_requested")

    def _must_live(self, subscription: Object) -> None:
        if subscription["status"] in FINAL:
            raise missing("subscription", subscription["id"])

    def update(self, subscription: Object, wanted: Object) -> None:
        """Change it as the parameters of `POST /v1/subscriptions/{id}` say. Raises
        StripeRefusal."""
        _check_status(subscription, wanted)
        terms = {name: subscription[name] for name in TERMS} | wanted
        if {*TERMS} & {*wanted}:
            check_terms(terms, str(terms["collection_method"]))
        if wanted.get("default_payment_method"):
            self._store.find(
                "payment_method", wanted["default_payment_method"], "default_payment_method"
            )
        when = self._proration_date(subscription, wanted)
        with _whole(subscription), self._store.changing(subscription, UPDATED):
            self._update_plainly(subscription, wanted)
            if "cancel_at_period_end" in wanted and (
                wanted["cancel_at_period_end"]
                or subscription["cancel_at_period_end"]
                or subscription["cancel_at"] is None
            ):
                self.plan_cancel(subscription, None, wanted["cancel_at_period_end"])
            if "cancel_at" in wanted:
                self.plan_cancel(
                    subscription, self._cancel_moment(subscription, wanted["cancel_at"]), False
                )
            _explain(subscription, wanted.get("cancellation_details"))
            if wanted.get("items") or anchored_now(wanted):
                self._change_items(subscription, wanted, when)
            if "trial_end" in wanted:
                self._move_trial(subscription, wanted, when)

    def _proration_date(self, subscription: Object, wanted: Object) -> int:
        when = wanted.get("proration_date")
        if when is None:
            return self._store.second
        start, end = self._period_of(subscription)
        if not start <= when <= end:
            raise StripeRefusal(
                "The proration date must lie within the current period of the subscription.",
                "proration_date",
            )
        return int(when)

    def _update_plainly(self, subscription: Object, wanted: Object) -> None:
        for name in ("default_payment_method", "description", "collection_method"):
            if name in wanted:
                subscription[name] = wanted[name] or None
        if "days_until_due" in wanted:
            subscription["days_until_due"] = wanted["days_until_due"]
        if "automatic_tax" in wanted:
            subscription["automatic_tax"] = subscription["automatic_tax"] | {
                "enabled": wanted["automatic_tax"]["enabled"]
            }
        if "metadata" in wanted:
            merged = (
                {**subscription["metadata"], **(wanted["metadata"] or {})}
                if wanted["metadata"] != ""
                else {}
            )
            subscription["metadata"] = {
                name: value for name, value in merged.items() if value != ""
            }
        if "trial_settings" in wanted:
            subscription["trial_settings"]["end_behavior"] |= wanted["trial_settings"][
                "end_behavior"
            ]
        if "pause_collection" in wanted:
            pause = wanted["pause_collection"]
            if (
                pause
                and pause.get("resumes_at") is not None
                and pause["resumes_at"] <= self._store.second
            ):
                raise StripeRefusal(
                    "Invalid timestamp: must be in the future.",
                    "pause_collection[resumes_at]",
                    "parameter_invalid_integer",
                )
            subscription["pause_collection"] = (
                blank(stripe.Subscription.PauseCollection, **pause) if pause else None
            )
        if "discounts" in wanted:
            self._discount(subscription, wanted["discounts"] or [])

    def end_discount(self, subscription: Object, discount: Object) -> None:
        """Take a discount away whose time is over."""
        with self._store.changing(subscription, UPDATED):
            drop(self._store, subscription, [discount["id"]])

    def _discount(self, subscription: Object, wanted: Any) -> None:
        """Have these discounts and no others."""
        customer, held = (
            self._store.find("customer", subscription["customer"]),
            subscription["discounts"],
        )
        found = discounts_for(
            self._store,
            wanted,
            customer,
            subscription["currency"],
            held,
            subscription=subscription["id"],
        )
        drop(self._store, subscription, [id for id in held if id not in found])
        subscription["discounts"] = found


@contextmanager
def _whole(subscription: Object) -> Iterator[None]:
    """A change that is refused leaves nothing changed."""
    before = copied(subscription)
    try:
        yield
    except StripeRefusal:
        subscription.clear()
        subscription.update(before)
        raise


def _check_status(subscription: Object, wanted: Object) -> None:
    """Raises StripeRefusal for a change that the status does not allow."""
    asked = {*wanted} - {"expand"}
    if subscription["status"] in FINAL and asked - {"metadata", "cancellation_details"}:
        raise StripeRefusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            None,
            "invalid_canceled_subscription_fields",
        )
    wider = sorted(asked - WHILE_INCOMPLETE)
    if subscription["status"] == "incomplete" and wider:
        raise StripeRefusal(
            f"Cannot update {wider[0]} on an incomplete subscription. Only metadata, description,"
            " default_source and default_payment_method can be updated.",
            wider[0],
            "status_transition_invalid",
        )


def _explain(subscription: Object, details: Object | None) -> None:
    """Note why a customer cancels, in their words and by Stripe's list."""
    for name in ("comment", "feedback"):
        if name in (details or {}):
            subscription["cancellation_details"][name] = (details or {})[name] or None
