"""How subscriptions change: their items, with prorations, and their trials."""

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.discounts import refuse_for_item
from local.stripe_sim.billing.payments import NO_CARD
from local.stripe_sim.billing.prices import plan_of, recurring_of, unit_amount
from local.stripe_sim.billing.proration import prorate
from local.stripe_sim.lifecycle.subscription_clock import NOTICE_SECONDS
from local.stripe_sim.lifecycle.subscription_start import SubscriptionStart, quantity_of

PRORATED = frozenset({"active", "past_due", "unpaid"})
"""Statuses in which a change is charged and credited: in the others nothing was paid that could be.
"""


class Changes(SubscriptionStart):
    """Subscriptions whose items and trials can be changed."""

    def _change_items(self, subscription: Object, wanted: Object, when: int) -> None:
        before = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        for place, line in enumerate(wanted.get("items") or []):
            self._change_item(subscription, line, f"items[{place}]")
        after = subscription["items"]["data"]
        if not after:
            raise StripeRefusal("A subscription must have at least one active plan.", "items")
        if len({recurring_of(item["price"]) for item in after}) > 1:
            raise StripeRefusal(
                "All prices on a subscription must have the same `recurring.interval` and"
                " `recurring.interval_count`.",
                "items",
            )
        if subscription["status"] not in PRORATED:
            return
        behavior = wanted.get("proration_behavior", "create_prorations")
        intervals = {recurring_of(item["price"]) for item in before.values()}
        renewed = intervals != {recurring_of(item["price"]) for item in after} or anchored_now(
            wanted
        )
        if behavior != "none":
            prorate(
                self._store,
                subscription,
                list(before.values()),
                after,
                when,
                whole_period=not renewed,
            )
        since = self._period_of(subscription)[0]
        if renewed:
            subscription["billing_cycle_anchor"] = self._store.second
            self._begin_period(subscription, self._store.second)
        if renewed or behavior == "always_invoice":
            self._bill_update(
                subscription,
                self._lines(subscription, *self._period_of(subscription)) if renewed else [],
                since,
            )

    def _change_item(self, subscription: Object, line: Object, param: str) -> None:
        items = subscription["items"]["data"]
        if "id" not in line:
            self._add_item(
                subscription,
                line,
                subscription["trial_end"] if subscription["status"] == "trialing" else None,
            )
            return
        item = next((one for one in items if one["id"] == line["id"]), None)
        if item is None:
            raise StripeRefusal(
                f"No such subscription item: '{line['id']}'", f"{param}[id]", "resource_missing"
            )
        if line.get("deleted"):
            items.remove(item)
            return
        refuse_for_item(line, param)
        if "price" in line and line["price"] != item["price"]["id"]:
            price = self._recurring(line, f"{param}[price]")
            unit_amount(self._store, price, subscription["currency"], f"{param}[price]")
            item["price"], item["plan"] = price, plan_of(price)
        item["quantity"] = quantity_of(item["price"], line, param, item["quantity"] or 1)

    def _bill_update(
        self, subscription: Object, lines: list[Object], since: int | None = None
    ) -> None:
        """Invoice at once what a change costs, and try to have it paid; nothing if there is nothing
        to invoice.
        """
        if lines or self._pending_of(subscription):
            invoice = self._invoice(subscription, "subscription_update", lines, since)
            self._collect(subscription, invoice, self._bill)

    def _move_trial(self, subscription: Object, wanted: Object, when: int) -> None:
        end = wanted["trial_end"]
        if end == "now":
            if subscription["status"] == "trialing":
                self._end_trial_now(subscription)
            return
        if subscription["status"] == "paused":
            raise StripeRefusal(
                "You cannot set `trial_end` while a subscription is `paused`. Resume the"
                " subscription first before setting `trial_end`."
            )
        end = self._future_trial_end(end)
        if subscription["status"] in PRORATED:
            self._give_trial(subscription, wanted, when, end)
        else:
            self._put_trial_end(subscription, end)
        if end - self._store.second <= NOTICE_SECONDS:
            self._give_notice(subscription)

    def _put_trial_end(self, subscription: Object, end: int) -> None:
        subscription["trial_end"] = subscription["billing_cycle_anchor"] = end
        subscription["trial_start"] = subscription["trial_start"] or self._store.second
        subscription["_noticed"] = False
        for item in subscription["items"]["data"]:
            item["current_period_end"] = end
        self._follow_period(subscription)

    def _give_trial(self, subscription: Object, wanted: Object, when: int, end: int) -> None:
        """Put a subscription that runs on trial: what was paid for the rest of its period is
        credited at once, on an invoice that costs nothing.
        """
        if wanted.get("proration_behavior", "create_prorations") != "none":
            items = subscription["items"]["data"]
            prorate(self._store, subscription, items, [], when, whole_period=False)
        subscription["status"], subscription["trial_start"] = "trialing", self._store.second
        for item in subscription["items"]["data"]:
            item["current_period_start"] = self._store.second
        self._put_trial_end(subscription, end)
        invoice = self._invoice(subscription, "subscription_update", self._free_lines(subscription))
        self._collect(subscription, invoice, self._bill)

    def _end_trial_now(self, subscription: Object) -> None:
        customer = self._store.find("customer", subscription["customer"])
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if (
            behavior == "create_invoice"
            and subscription["collection_method"] == "charge_automatically"
            and self._payments.default_of(customer, subscription) is None
        ):
            raise StripeRefusal(NO_CARD, None, "resource_missing")
        if not subscription.get("_noticed"):
            self._give_notice(subscription)
        self._put_trial_end(subscription, self._store.second)
        subscription["_noticed"] = True
        self._end_trial(subscription, by_hand=True)


def anchored_now(wanted: Object) -> bool:
    """Whether an update begins a new period now."""
    anchor = wanted.get("billing_cycle_anchor")
    return (anchor.get("type") if isinstance(anchor, dict) else anchor) == "now"
