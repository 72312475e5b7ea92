"""Subscriptions in all eight statuses: made (`beginnings.py`), living by themselves (`lifetimes.py`), and changed, here."""

from typing import Any

import stripe

from local.stripe_sim.beginnings import Beginnings
from local.stripe_sim.calendar import period_end
from local.stripe_sim.lifetimes import INCOMPLETE_SECONDS, NOTICE_SECONDS
from local.stripe_sim.periods import FINAL, UPDATED, plan_of
from local.stripe_sim.proration import prorate
from local.stripe_sim.refusals import StripeRefusal
from local.stripe_sim.shapes import Object, blank


class Subscriptions(Beginnings):
    """All that is done with subscriptions."""

    def resume(self, subscription: Object, anchor: str) -> None:
        """Bill a paused subscription; it runs again once that is paid."""
        if subscription["status"] != "paused":
            raise StripeRefusal("Only subscriptions with a status of `paused` can be resumed.", "subscription")
        customer = self._store.find("customer", subscription["customer"])
        with self._store.changing(subscription, UPDATED):
            now = self._store.second
            recurring = subscription["items"]["data"][0]["price"]["recurring"]
            end = period_end(
                now, now if anchor == "now" else subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"]
            )
            invoice = self._invoices.make(
                customer, "subscription_cycle", self._lines(subscription, now, end), subscription, now, end, subscription["currency"]
            )
            invoice["_resumes"], invoice["_attempt_at"], invoice["_void_at"] = anchor, now + 3600, now + INCOMPLETE_SECONDS
            subscription["latest_invoice"] = invoice["id"]
            self._invoices.finalize(invoice)

    def cancel(self, subscription: Object) -> None:
        """End it now."""
        if subscription["status"] in FINAL:
            raise StripeRefusal(f"No such subscription: '{subscription['id']}'", "id", "resource_missing", 404)
        self._end(subscription, "canceled", "cancellation_requested")

    def plan_cancel(self, subscription: Object, at: int | None, at_period_end: bool) -> None:
        """Cancel later: at a moment, or at the end of the period; neither takes a planned cancellation back."""
        subscription["cancel_at_period_end"] = at_period_end
        subscription["cancel_at"] = self._period_of(subscription)[1] if at_period_end else at
        planned = subscription["cancel_at"] is not None
        subscription["canceled_at"] = self._store.second if planned else None
        subscription["cancellation_details"]["reason"] = "cancellation_requested" if planned else None

    def update(self, subscription: Object, wanted: Object) -> None:
        """Change it as the parameters of `POST /v1/subscriptions/{id}` say. Raises StripeRefusal."""
        if subscription["status"] in FINAL and set(wanted) - {"metadata", "cancellation_details"}:
            raise StripeRefusal("A canceled subscription can only update its cancellation_details and metadata.", "id")
        if wanted.get("default_payment_method"):
            self._store.find("payment_method", wanted["default_payment_method"], "default_payment_method")
        with self._store.changing(subscription, UPDATED):
            self._update_plainly(subscription, wanted)
            if "cancel_at_period_end" in wanted and (
                wanted["cancel_at_period_end"] or subscription["cancel_at_period_end"] or subscription["cancel_at"] is None
            ):
                self.plan_cancel(subscription, None, wanted["cancel_at_period_end"])
            if "cancel_at" in wanted:
                self.plan_cancel(subscription, self._cancel_moment(subscription, wanted["cancel_at"]), False)
            if wanted.get("items"):
                self._change_items(subscription, wanted)
            if "trial_end" in wanted:
                self._move_trial(subscription, wanted["trial_end"])

    def _update_plainly(self, subscription: Object, wanted: Object) -> None:
        for name in ("default_payment_method", "description", "collection_method"):
            if name in wanted:
                subscription[name] = wanted[name] or None
        if "metadata" in wanted:
            merged = {**subscription["metadata"], **(wanted["metadata"] or {})} if wanted["metadata"] != "" else {}
            subscription["metadata"] = {name: value for name, value in merged.items() if value != ""}
        if "trial_settings" in wanted:
            subscription["trial_settings"]["end_behavior"] |= wanted["trial_settings"]["end_behavior"]
        if "pause_collection" in wanted:
            pause = wanted["pause_collection"]
            subscription["pause_collection"] = blank(stripe.Subscription.PauseCollection, **pause) if pause else None
        if "discounts" in wanted:
            subscription["_coupons"] = [self._store.find("coupon", one["coupon"], "discounts") for one in wanted["discounts"] or []]

    def _cancel_moment(self, subscription: Object, value: Any) -> int | None:
        if value == "":
            return None
        if value in ("min_period_end", "max_period_end"):
            return self._period_of(subscription)[1]
        if value <= self._store.second:
            raise StripeRefusal("Invalid timestamp: must be in the future.", "cancel_at", "parameter_invalid_integer")
        return int(value)

    def _change_items(self, subscription: Object, wanted: Object) -> None:
        before = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        for line in wanted["items"]:
            self._change_item(subscription, line)
        after = subscription["items"]["data"]
        if subscription["status"] in {"trialing", "incomplete", "paused"}:
            return
        behavior = wanted.get("proration_behavior", "create_prorations")
        renewed = {_interval(item["price"]) for item in before.values()} != {_interval(item["price"]) for item in after}
        if behavior != "none":
            prorate(self._store, subscription, list(before.values()), after, whole_period=not renewed)
        if renewed:
            subscription["billing_cycle_anchor"] = self._store.second
            self._begin_period(subscription, self._store.second)
        if renewed or behavior == "always_invoice":
            self._bill_update(subscription, renewed)

    def _change_item(self, subscription: Object, line: Object) -> None:
        items = subscription["items"]["data"]
        if "id" not in line:
            self._add_item(subscription, line, subscription["trial_end"] if subscription["status"] == "trialing" else None)
            return
        item = next((one for one in items if one["id"] == line["id"]), None)
        if item is None:
            raise StripeRefusal(f"No such subscription item: '{line['id']}'", "items[0][id]", "resource_missing")
        if line.get("deleted"):
            items.remove(item)
            return
        if "price" in line:
            item["price"] = self._store.find("price", line["price"], "items[0][price]")
            item["plan"] = plan_of(item["price"])
        item["quantity"] = line.get("quantity", item["quantity"])

    def _bill_update(self, subscription: Object, renewed: bool) -> None:
        customer = self._store.find("customer", subscription["customer"])
        start, end = self._period_of(subscription)
        lines = self._lines(subscription, start, end) if renewed else []
        invoice = self._invoices.make(customer, "subscription_update", lines, subscription, start, end, subscription["currency"])
        subscription["latest_invoice"] = invoice["id"]
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.attempt(invoice)

    def _move_trial(self, subscription: Object, end: Any) -> None:
        if end == "now" and subscription["status"] != "trialing":
            return
        if end == "now":
            if not subscription.get("_noticed"):
                self._give_notice(subscription)
            self._end_trial_early(subscription)
            return
        subscription["trial_end"] = subscription["billing_cycle_anchor"] = self._future_trial_end(end)
        subscription["trial_start"] = subscription["trial_start"] or self._store.second
        subscription["status"] = "trialing" if subscription["status"] in {"trialing", "active"} else subscription["status"]
        subscription["_noticed"] = False
        for item in subscription["items"]["data"]:
            item["current_period_end"] = end
        if end - self._store.second <= NOTICE_SECONDS:
            self._give_notice(subscription)

    def _end_trial_early(self, subscription: Object) -> None:
        subscription["trial_end"] = subscription["billing_cycle_anchor"] = self._store.second
        for item in subscription["items"]["data"]:
            item["current_period_end"] = self._store.second
        self._end_trial(subscription)


def _interval(price: Object) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]
