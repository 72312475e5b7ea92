"""Stripe's subscriptions: starting, changing and ending them, and their coupons."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account.operations import Change
from chalicelib.domain.billing.stripe_requests import ChangedLine, NewTrial
from chalicelib.domain.stripe_objects.answers import (
    ChangedSubscription,
    Coupon,
    Discount,
    InvoicePreview,
    SchedulePhase,
)
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.stripe_api import answers, objects
from chalicelib.stripe_api.transport import PREVIEW
from chalicelib.stripe_api.writer import StripeWriter

PRORATIONS = {"now": "always_invoice", "next_invoice": "create_prorations", "none": "none"}
"""Stripe's `proration_behavior` for each of PRORATE."""


FROM_NOW: Mapping[str, Any] = {"billing_cycle_anchor": {"type": "now"}}
"""A new period begins now. The anchor is an object since endive (2026-09-30)."""


class StripeSubscriptions(StripeWriter):
    """Implements SubscriptionsApi (usecases/ports/stripe.py)."""

    def _subscription(self, path: str, key: str, **parameters: Any) -> Subscription:
        return objects.subscription(self._write(path, key, **parameters))

    def start_trial(self, key: str, new: NewTrial) -> Subscription:
        """See SubscriptionsApi."""
        price = self._price(new.lookup_key, new.currency)
        return self._subscription(
            "/v1/subscriptions",
            key,
            customer=new.customer,
            items=[{"price": price.id}],
            trial_end=int(new.ends_at.timestamp()),
            trial_settings={"end_behavior": {"missing_payment_method": new.without_card}},
            metadata=dict(new.metadata),
            **price.options_in(new.currency),
        )

    def set_card(self, key: str, id: str, card: str) -> None:
        """See SubscriptionsApi."""
        self._write(f"/v1/subscriptions/{id}", key, default_payment_method=card)

    def enable_tax(self, key: str, id: str) -> None:
        """See SubscriptionsApi."""
        self._write(f"/v1/subscriptions/{id}", key, automatic_tax={"enabled": True})

    def resume(self, key: str, id: str) -> None:
        """See SubscriptionsApi."""
        self._write(f"/v1/subscriptions/{id}/resume", key, **FROM_NOW)

    def cancel_at_period_end(
        self, key: str, id: str, reason: str | None, comment: str | None
    ) -> Subscription:
        """See SubscriptionsApi."""
        return self._subscription(
            f"/v1/subscriptions/{id}", key, cancel_at_period_end=True, **_details(reason, comment)
        )

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Subscription | None:
        """See SubscriptionsApi."""
        raw = self._transport.delete(f"/v1/subscriptions/{id}", **_details(reason, comment))
        return objects.subscription(raw) if raw else None

    def reactivate(self, key: str, subscription: Subscription) -> Subscription:
        """See SubscriptionsApi. In flexible billing the portal sets `cancel_at` alone. Where the
        flag is set, Stripe sets `cancel_at` too, and refuses to be sent both.
        """
        undone: dict[str, Any] = {"pause_collection": ""} if subscription.pause_collection else {}
        if subscription.cancel_at_period_end:
            undone["cancel_at_period_end"] = False
        elif subscription.cancel_at:
            undone["cancel_at"] = ""
        return self._subscription(f"/v1/subscriptions/{subscription.id}", key, **undone)

    def begin_period(self, key: str, id: str) -> Subscription:
        """See SubscriptionsApi."""
        return self._subscription(
            f"/v1/subscriptions/{id}",
            key,
            proration_behavior="none",
            payment_behavior="error_if_incomplete",
            **FROM_NOW,
        )

    def pause_collection(self, key: str, id: str, until: datetime) -> Subscription:
        """See SubscriptionsApi."""
        return self._subscription(
            f"/v1/subscriptions/{id}",
            key,
            pause_collection={"behavior": "void", "resumes_at": int(until.timestamp())},
        )

    def phases_of(self, schedule: str) -> list[SchedulePhase]:
        """See SubscriptionsApi."""
        raw = self._transport.get(
            f"/v1/subscription_schedules/{schedule}", expand=["phases.items.price"]
        )
        return answers.schedule_phases(raw) if raw else []

    def release_schedule(self, key: str, schedule: str) -> None:
        """See SubscriptionsApi. A cancellation that the schedule has set goes with it."""
        self._write(f"/v1/subscription_schedules/{schedule}/release", key)

    def change(
        self, key: str, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> ChangedSubscription:
        """See SubscriptionsApi. With any other `payment_behavior` a declined card would leave an
        open invoice and a change that comes later, or never.
        """
        return self._change(key, id, "error_if_incomplete", self._changed(line, change, currency))

    def change_once_paid(
        self, key: str, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> ChangedSubscription:
        """See SubscriptionsApi (docs.stripe.com/billing/subscriptions/pending-updates)."""
        return self._change(key, id, "pending_if_incomplete", self._changed(line, change, currency))

    def _change(
        self, key: str, id: str, behavior: str, changed: dict[str, Any]
    ) -> ChangedSubscription:
        raw = self._write(
            f"/v1/subscriptions/{id}",
            key,
            payment_behavior=behavior,
            expand=["latest_invoice"],
            **changed,
        )
        return answers.changed_subscription(raw)

    def preview_change(
        self, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> InvoicePreview:
        """See SubscriptionsApi."""
        raw = self._write(
            PREVIEW,
            None,
            subscription=id,
            subscription_details=self._changed(line, change, currency),
        )
        return answers.invoice_preview(raw)

    def _changed(self, line: ChangedLine, change: Change, currency: str | None) -> dict[str, Any]:
        """The same parameters for a change and its preview, down to the second of the proration, so
        that the amount is the same to the cent. A subscription stays in its currency.
        """
        dated = (
            {} if change.prorate == "none" else {"proration_date": int(change.as_of.timestamp())}
        )
        anchored = FROM_NOW if change.new_period else {}
        wanted: dict[str, Any] = (
            {"quantity": change.quantity}
            if line.keeps_price
            else self._price(change.lookup_key, currency).line(change.quantity)
        )
        return {
            "items": [{"id": line.id, **wanted}],
            "proration_behavior": PRORATIONS[change.prorate],
            **dated,
            **anchored,
        }

    def move_trial_end(self, key: str, id: str, at: datetime) -> Subscription:
        """See SubscriptionsApi."""
        return self._subscription(
            f"/v1/subscriptions/{id}", key, trial_end=int(at.timestamp()), proration_behavior="none"
        )

    def coupon(self, id: str) -> Coupon | None:
        """See SubscriptionsApi."""
        raw = self._transport.get(f"/v1/coupons/{id}")
        return answers.coupon(raw) if raw else None

    def discounts_of(self, id: str) -> list[Discount]:
        """See SubscriptionsApi."""
        raw = self._transport.get(f"/v1/subscriptions/{id}", expand=["discounts"])
        return answers.discounts(raw) if raw else []

    def add_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Subscription:
        """See SubscriptionsApi. Stripe removes the discounts that are not in the list."""
        return self._subscription(
            f"/v1/subscriptions/{id}",
            key,
            discounts=[*({"discount": one} for one in discounts), {"coupon": coupon}],
        )


def _details(reason: str | None, comment: str | None) -> dict[str, Any]:
    details = {name: value for name, value in (("feedback", reason), ("comment", comment)) if value}
    return {"cancellation_details": details} if details else {}
