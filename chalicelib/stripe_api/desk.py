"""What Billhook has Stripe change of what was sold, and charge beside it. Each change goes out
under a key of the caller's.
"""

from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.tasks import Change, Charge
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.calling import Raw
from chalicelib.stripe_api.making import OURS, Maker

PRORATIONS = {"now": "always_invoice", "next_invoice": "create_prorations", "none": "none"}
"""Stripe's `proration_behavior` for each of PRORATE."""


class Desk(Protocol):
    """Raises Unavailable (the same again with the same key), Doubtful (look, then another key),
    CardDeclined, Refused.
    """

    def cancel_later(self, key: str, id: str, reason: str | None, comment: str | None) -> Raw:
        """Let a subscription end with its period."""

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Raw | None:
        """End a subscription at once, nothing paid back; None if it has ended or never was."""

    def carry_on(self, key: str, subscription: Raw) -> Raw:
        """Take back what keeps a subscription from going on: a scheduled cancellation, by whichever
        field, and a pause of collection.
        """

    def pause(self, key: str, id: str, until: datetime) -> Raw:
        """Collect nothing until then: invoices of that time are void."""

    def change(self, key: str, id: str, line: str, change: Change) -> Raw:
        """Another price or quantity for one line. What is to be paid at once and cannot be is a
        CardDeclined, and nothing is changed.
        """

    def preview(self, id: str, line: str, change: Change) -> Raw:
        """The invoice that this change would make, or the next one with it."""

    def move_trial_end(self, key: str, id: str, at: datetime) -> Raw:
        """Let a trial end then."""

    def coupon(self, id: str) -> Raw | None:
        """A coupon; None if Stripe knows of none."""

    def discounts_of(self, id: str) -> list[tuple[str, str | None]]:
        """The discounts of a subscription with the coupon of each."""

    def give_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Raw:
        """One more discount beside those."""

    def items_of(self, customer: str) -> list[Raw]:
        """All invoice items of a customer, billed or not."""

    def add_item(
        self,
        key: str,
        account_id: str,
        customer: str,
        charge: Charge,
        subscription: str | None,
        invoice: str | None,
    ) -> Raw:
        """A charge as an invoice item: on that draft, or on the subscription's next invoice."""

    def make_invoice(
        self, key: str, account_id: str, customer: str, charge: Charge, taxed: bool
    ) -> Raw:
        """A draft for a charge alone, which Stripe does not advance by itself."""

    def finalize(self, key: str, invoice: str) -> Raw:
        """From draft to open."""

    def void(self, key: str, invoice: str) -> Raw:
        """Withdraw an open invoice."""

    def payments_of(self, invoice: str) -> list[str]:
        """The payment intents by which an invoice was paid."""

    def charges_of(self, customer: str) -> list[Raw]:
        """All charges of a customer."""

    def refund(self, key: str, account_id: str | None, charge: str) -> Raw:
        """Pay back what is left of a charge."""


class StripeDesk(Maker):
    """The desk at Stripe."""

    def cancel_later(self, key: str, id: str, reason: str | None, comment: str | None) -> Raw:
        """See Desk."""
        return self._made(
            f"/v1/subscriptions/{id}", key, cancel_at_period_end=True, **_why(reason, comment)
        )

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Raw | None:
        """See Desk."""
        return self._caller.delete(f"/v1/subscriptions/{id}", **_why(reason, comment))

    def carry_on(self, key: str, subscription: Raw) -> Raw:
        """See Desk. The portal sets `cancel_at` alone in flexible billing; the flag comes with a
        `cancel_at` of its own, and both may not be sent.
        """
        undone: dict[str, Any] = (
            {"pause_collection": ""} if subscription.get("pause_collection") else {}
        )
        if subscription.get("cancel_at_period_end"):
            undone["cancel_at_period_end"] = False
        elif subscription.get("cancel_at"):
            undone["cancel_at"] = ""
        return self._made(f"/v1/subscriptions/{subscription['id']}", key, **undone)

    def pause(self, key: str, id: str, until: datetime) -> Raw:
        """See Desk."""
        return self._made(
            f"/v1/subscriptions/{id}",
            key,
            pause_collection={"behavior": "void", "resumes_at": int(until.timestamp())},
        )

    def change(self, key: str, id: str, line: str, change: Change) -> Raw:
        """See Desk. `error_if_incomplete`: a pending update would leave an open invoice and a
        change that comes later, or never.
        """
        return self._made(
            f"/v1/subscriptions/{id}",
            key,
            payment_behavior="error_if_incomplete",
            **self._changed(line, change),
        )

    def preview(self, id: str, line: str, change: Change) -> Raw:
        """See Desk."""
        return self._made(
            "/v1/invoices/create_preview",
            None,
            subscription=id,
            subscription_details=self._changed(line, change),
        )

    def _changed(self, line: str, change: Change) -> dict[str, Any]:
        """The same for the change and its preview, the second of the proration too: so the amount
        is the same to the cent.
        """
        dated = (
            {} if change.prorate == "none" else {"proration_date": int(change.as_of.timestamp())}
        )
        item = {"id": line, "price": self._price(change.lookup_key), "quantity": change.quantity}
        return {"items": [item], "proration_behavior": PRORATIONS[change.prorate], **dated}

    def move_trial_end(self, key: str, id: str, at: datetime) -> Raw:
        """See Desk."""
        return self._made(
            f"/v1/subscriptions/{id}", key, trial_end=int(at.timestamp()), proration_behavior="none"
        )

    def coupon(self, id: str) -> Raw | None:
        """See Desk."""
        return self._caller.get(f"/v1/coupons/{id}")

    def discounts_of(self, id: str) -> list[tuple[str, str | None]]:
        """See Desk. A discount names its coupon in `source` since clover (2025-09-30)."""
        raw = self._caller.get(f"/v1/subscriptions/{id}", expand=["discounts"]) or {}
        found = [one for one in raw.get("discounts") or [] if isinstance(one, dict)]
        return [
            (
                str(one["id"]),
                objects.reference((one.get("source") or {}).get("coupon") or one.get("coupon")),
            )
            for one in found
        ]

    def give_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Raw:
        """See Desk. What is not named in the list is taken away."""
        return self._made(
            f"/v1/subscriptions/{id}",
            key,
            discounts=[*({"discount": one} for one in discounts), {"coupon": coupon}],
        )

    def items_of(self, customer: str) -> list[Raw]:
        """See Desk."""
        return self._caller.all("/v1/invoiceitems", customer=customer)

    def add_item(
        self,
        key: str,
        account_id: str,
        customer: str,
        charge: Charge,
        subscription: str | None,
        invoice: str | None,
    ) -> Raw:
        """See Desk. No coupon takes anything off it: what is charged is what was asked for."""
        where = {"invoice": invoice} if invoice else {"subscription": subscription}
        return self._made(
            "/v1/invoiceitems",
            key,
            customer=customer,
            amount=charge.amount,
            currency=charge.currency,
            description=charge.description,
            discountable=False,
            metadata=_metadata(account_id, charge),
            **where,
        )

    def make_invoice(
        self, key: str, account_id: str, customer: str, charge: Charge, taxed: bool
    ) -> Raw:
        """See Desk."""
        return self._made(
            "/v1/invoices",
            key,
            customer=customer,
            currency=charge.currency,
            auto_advance=False,
            pending_invoice_items_behavior="exclude",
            metadata=_metadata(account_id, charge),
            **({"default_payment_method": charge.card} if charge.card else {}),
            **({"automatic_tax": {"enabled": True}} if taxed else {}),
        )

    def finalize(self, key: str, invoice: str) -> Raw:
        """See Desk."""
        return self._made(f"/v1/invoices/{invoice}/finalize", key, auto_advance=False)

    def void(self, key: str, invoice: str) -> Raw:
        """See Desk."""
        return self._made(f"/v1/invoices/{invoice}/void", key)

    def payments_of(self, invoice: str) -> list[str]:
        """See Desk. An invoice names them in a list of its own since basil (2025-03-31)."""
        found = self._caller.all("/v1/invoice_payments", invoice=invoice, status="paid")
        intents = (
            objects.reference((one.get("payment") or {}).get("payment_intent")) for one in found
        )
        return [intent for intent in intents if intent]

    def charges_of(self, customer: str) -> list[Raw]:
        """See Desk."""
        return self._caller.all("/v1/charges", customer=customer)

    def refund(self, key: str, account_id: str | None, charge: str) -> Raw:
        """See Desk."""
        metadata = {"account_id": account_id, **OURS} if account_id else OURS
        return self._made(
            "/v1/refunds", key, charge=charge, reason="requested_by_customer", metadata=metadata
        )


def _why(reason: str | None, comment: str | None) -> dict[str, Any]:
    details = {name: value for name, value in (("feedback", reason), ("comment", comment)) if value}
    return {"cancellation_details": details} if details else {}


def _metadata(account_id: str, charge: Charge) -> dict[str, str]:
    return {"account_id": account_id, "charge_id": charge.id, **OURS}
