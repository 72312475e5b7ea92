"""Stripe's subscriptions: starting, changing and ending them, and their coupons."""

from datetime import datetime
from typing import Any

from chalicelib.domain.account.operations import Change
from chalicelib.domain.billing.stripe_requests import NewTrial
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.stripe_api.writer import StripeWriter

PRORATIONS = {"now": "always_invoice", "next_invoice": "create_prorations", "none": "none"}
"""Stripe's `proration_behavior` for each of PRORATE."""


class StripeSubscriptions(StripeWriter):
    """Implements SubscriptionsApi (usecases/ports.py)."""

    def start_trial(self, key: str, new: NewTrial) -> Raw:
        """See SubscriptionsApi."""
        return self._write(
            "/v1/subscriptions",
            key,
            customer=new.customer,
            items=[{"price": self._price(new.lookup_key)}],
            trial_end=int(new.ends_at.timestamp()),
            trial_settings={"end_behavior": {"missing_payment_method": new.without_card}},
            metadata={"account_id": new.account_id},
        )

    def set_card(self, key: str, id: str, card: str) -> Raw:
        """See SubscriptionsApi."""
        return self._write(f"/v1/subscriptions/{id}", key, default_payment_method=card)

    def enable_tax(self, key: str, id: str) -> Raw:
        """See SubscriptionsApi."""
        return self._write(f"/v1/subscriptions/{id}", key, automatic_tax={"enabled": True})

    def resume(self, key: str, id: str) -> Raw:
        """See SubscriptionsApi. The anchor is an object since endive (2026-09-30)."""
        return self._write(
            f"/v1/subscriptions/{id}/resume", key, billing_cycle_anchor={"type": "now"}
        )

    def cancel_at_period_end(
        self, key: str, id: str, reason: str | None, comment: str | None
    ) -> Raw:
        """See SubscriptionsApi."""
        return self._write(
            f"/v1/subscriptions/{id}", key, cancel_at_period_end=True, **_details(reason, comment)
        )

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Raw | None:
        """See SubscriptionsApi."""
        return self._transport.delete(f"/v1/subscriptions/{id}", **_details(reason, comment))

    def reactivate(self, key: str, subscription: Raw) -> Raw:
        """See SubscriptionsApi. In flexible billing the portal sets `cancel_at` alone. Where the
        flag is set, Stripe sets `cancel_at` too, and refuses to be sent both.
        """
        undone: dict[str, Any] = (
            {"pause_collection": ""} if subscription.get("pause_collection") else {}
        )
        if subscription.get("cancel_at_period_end"):
            undone["cancel_at_period_end"] = False
        elif subscription.get("cancel_at"):
            undone["cancel_at"] = ""
        return self._write(f"/v1/subscriptions/{subscription['id']}", key, **undone)

    def pause_collection(self, key: str, id: str, until: datetime) -> Raw:
        """See SubscriptionsApi."""
        return self._write(
            f"/v1/subscriptions/{id}",
            key,
            pause_collection={"behavior": "void", "resumes_at": int(until.timestamp())},
        )

    def change(self, key: str, id: str, line: str, change: Change) -> Raw:
        """See SubscriptionsApi. With any other `payment_behavior` a declined card would leave an
        open invoice and a change that comes later, or never.
        """
        return self._write(
            f"/v1/subscriptions/{id}",
            key,
            payment_behavior="error_if_incomplete",
            **self._changed(line, change),
        )

    def preview_change(self, id: str, line: str, change: Change) -> Raw:
        """See SubscriptionsApi."""
        return self._write(
            "/v1/invoices/create_preview",
            None,
            subscription=id,
            subscription_details=self._changed(line, change),
        )

    def _changed(self, line: str, change: Change) -> dict[str, Any]:
        """The same parameters for a change and its preview, down to the second of the proration, so
        that the amount is the same to the cent.
        """
        dated = (
            {} if change.prorate == "none" else {"proration_date": int(change.as_of.timestamp())}
        )
        item = {"id": line, "price": self._price(change.lookup_key), "quantity": change.quantity}
        return {"items": [item], "proration_behavior": PRORATIONS[change.prorate], **dated}

    def move_trial_end(self, key: str, id: str, at: datetime) -> Raw:
        """See SubscriptionsApi."""
        return self._write(
            f"/v1/subscriptions/{id}", key, trial_end=int(at.timestamp()), proration_behavior="none"
        )

    def coupon(self, id: str) -> Raw | None:
        """See SubscriptionsApi."""
        return self._transport.get(f"/v1/coupons/{id}")

    def discounts_of(self, id: str) -> list[tuple[str, str | None]]:
        """See SubscriptionsApi. A discount names its coupon in `source` since clover
        (2025-09-30).
        """
        raw = self._transport.get(f"/v1/subscriptions/{id}", expand=["discounts"]) or {}
        found = [one for one in raw.get("discounts") or [] if isinstance(one, dict)]
        return [
            (
                str(one["id"]),
                objects.reference((one.get("source") or {}).get("coupon") or one.get("coupon")),
            )
            for one in found
        ]

    def add_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Raw:
        """See SubscriptionsApi. Stripe removes the discounts that are not in the list."""
        return self._write(
            f"/v1/subscriptions/{id}",
            key,
            discounts=[*({"discount": one} for one in discounts), {"coupon": coupon}],
        )


def _details(reason: str | None, comment: str | None) -> dict[str, Any]:
    details = {name: value for name, value in (("feedback", reason), ("comment", comment)) if value}
    return {"cancellation_details": details} if details else {}
