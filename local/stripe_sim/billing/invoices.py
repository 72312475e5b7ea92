"""Invoices: from draft over open to paid, void or uncollectible, and how they are paid."""

from collections.abc import Callable
from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import least
from local.stripe_sim.billing.balances import balance_in, move
from local.stripe_sim.billing.discounts import coupon_of, drop, standing
from local.stripe_sim.billing.items import pending_of, subscription_of
from local.stripe_sim.billing.lines import item_of, line_of, total_up
from local.stripe_sim.billing.payments import AUTHENTICATE, NO_CARD, Payments, refused_card
from local.stripe_sim.billing.proration import remember_debits
from local.stripe_sim.lifecycle.store import Store

RETRIES_OVER_DAYS = 14
HOSTED = "/invoice/"
UPDATED = "invoice.updated"


class Invoices:
    """What is done with invoices. `settled` is called when one that belongs to a subscription was
    paid, failed to be, or was given up.
    """

    def __init__(self, store: Store, payments: Payments, base: Callable[[], str]) -> None:
        self._store, self._payments, self._base = store, payments, base
        self.settled: Callable[[Object, str], None] = lambda invoice, what: None

    def make(
        self,
        customer: Object,
        reason: str,
        lines: list[Object],
        subscription: Object | None,
        start: int,
        end: int,
        currency: str,
        pending: list[Object] | None = None,
        **more: Any,
    ) -> Object:
        """A draft with these lines and pending items: where none are named, those that a
        subscription's invoice takes. `invoice.created` is told.
        """
        kind = stripe.Invoice
        if pending is None:
            pending = [
                one
                for one in pending_of(self._store, customer, currency)
                if _may_join(one, subscription)
            ]
        discounts = standing(self._store, subscription["discounts"]) if subscription else []
        values = {
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_shipping": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": True,
            "automatic_tax": blank(
                kind.AutomaticTax,
                enabled=bool(subscription and subscription["automatic_tax"]["enabled"]),
            ),
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "currency": currency,
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "discounts": [one["id"] for one in discounts],
            "issuer": blank(kind.Issuer, type="self"),
            "parent": _parent(subscription) if subscription else None,
            "payment_settings": blank(kind.PaymentSettings),
            "period_start": start,
            "period_end": end,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "status": "draft",
            "status_transitions": blank(kind.StatusTransitions),
            "lines": {
                "object": "list",
                "data": [*map(lambda one: line_of(self._store, one), pending), *lines],
                "has_more": False,
                "url": "",
            },
        }
        invoice = self._store.make("invoice", kind, **values | more)
        invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
        if invoice["automatic_tax"]["enabled"]:
            invoice["automatic_tax"]["status"] = "complete"
        for item in pending:
            item["invoice"] = invoice["id"]
        self.total(invoice)
        if subscription:
            remember_debits(subscription, invoice["lines"]["data"])
        self._store.tell("invoice.created", invoice)
        if subscription:
            self._use_up(subscription, invoice)
        return invoice

    def _use_up(self, subscription: Object, invoice: Object) -> None:
        """A discount for once goes with the first invoice that it takes something off; one whose
        time is over goes too.
        """
        used = {one["discount"] for one in invoice["total_discount_amounts"] if one["amount"]}
        living = {one["id"] for one in standing(self._store, subscription["discounts"])}
        once = {
            id
            for id in used
            if coupon_of(self._store, self._store.find("discount", id))["duration"] == "once"
        }
        drop(
            self._store,
            subscription,
            [id for id in subscription["discounts"] if id in once or id not in living],
        )

    def total(self, invoice: Object) -> None:
        """Count a draft anew: its lines, its discounts, and what is due with the customer's balance
        as it is now.
        """
        customer = self._store.find("customer", invoice["customer"])
        total_up(self._store, invoice)
        invoice["starting_balance"] = balance_in(customer, invoice["currency"])
        due = invoice["total"] + invoice["starting_balance"]
        invoice["amount_due"] = invoice["amount_remaining"] = (
            due if due >= least(invoice["currency"]) else 0
        )

    def finalize(self, invoice: Object) -> None:
        """From draft to open; what costs nothing, or too little to be charged, is paid at once."""
        if invoice["status"] != "draft":
            raise StripeRefusal(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
                "invoice",
                "invoice_not_editable",
            )
        customer = self._store.find("customer", invoice["customer"])
        invoice.pop("_finalize_at", None)
        self.total(invoice)
        invoice["status"], invoice["status_transitions"]["finalized_at"] = (
            "open",
            self._store.second,
        )
        invoice["effective_at"], invoice["number"] = (
            self._store.second,
            f"{customer['id'][-8:].upper()}-{len(self._store.all('invoice')):04d}",
        )
        invoice["automatically_finalizes_at"] = None
        invoice["hosted_invoice_url"] = f"{self._base()}{HOSTED}{invoice['id']}"
        invoice["invoice_pdf"] = f"{invoice['hosted_invoice_url']}/pdf"
        self._settle_balance(invoice, customer)
        self._store.tell("invoice.finalized", invoice)
        if invoice["amount_due"] == 0:
            self._paid(invoice, None)

    def _settle_balance(self, invoice: Object, customer: Object) -> None:
        left = invoice["total"] + invoice["starting_balance"] - invoice["amount_due"]
        moved = left - invoice["starting_balance"]
        if moved:
            too_small = left > 0 and invoice["total"] > 0
            type = "invoice_too_small" if too_small else "applied_to_invoice"
            move(self._store, customer, moved, type, invoice["currency"], invoice=invoice["id"])
        invoice["ending_balance"] = left

    def add(self, invoice: Object, items: list[Object]) -> None:
        """Put pending items onto a draft."""
        self.must_be_draft(invoice)
        with self._store.changing(invoice, UPDATED, extra=True):
            for item in items:
                if item["currency"] != invoice["currency"]:
                    raise StripeRefusal(
                        f"The currency of the invoice item, {item['currency']}, must match the"
                        f" invoice's, {invoice['currency']}.",
                        "currency",
                    )
                item["invoice"] = invoice["id"]
                invoice["lines"]["data"] = [*invoice["lines"]["data"], line_of(self._store, item)]
            self.total(invoice)

    def take_out(self, invoice: Object, item: Object) -> None:
        """Take an item's line off a draft."""
        self.must_be_draft(invoice)
        with self._store.changing(invoice, UPDATED, extra=True):
            invoice["lines"]["data"] = [
                line for line in invoice["lines"]["data"] if item_of(line) != item["id"]
            ]
            self.total(invoice)

    def must_be_draft(self, invoice: Object) -> None:
        """Raises StripeRefusal for an invoice that can no longer be edited."""
        if invoice["status"] != "draft":
            raise StripeRefusal(
                "This invoice is no longer editable: only draft invoices are.",
                "invoice",
                "invoice_not_editable",
            )

    def attempt(self, invoice: Object, retry: bool = False) -> str:
        """Try to have an open invoice paid by the card on file: `paid`, `declined`, `authenticate`
        or `no_card`.
        """
        customer = self._store.find("customer", invoice["customer"])
        return self.pay_by(
            invoice, self._payments.default_of(customer, self.subscription_of(invoice)), retry=retry
        )

    def pay_by(
        self, invoice: Object, method: Object | None, retry: bool = False, on_session: bool = False
    ) -> str:
        """Try to have an open invoice paid by one card."""
        customer = self._store.find("customer", invoice["customer"])
        intent = self._payments.charge(
            customer,
            method,
            invoice["amount_remaining"],
            invoice["currency"],
            "Subscription",
            on_session,
        )
        self._store.make(
            "invoice_payment",
            stripe.InvoicePayment,
            amount_requested=invoice["amount_remaining"],
            amount_paid=invoice["amount_remaining"] if intent["status"] == "succeeded" else None,
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=True,
            payment=blank(
                stripe.InvoicePayment.Payment, type="payment_intent", payment_intent=intent["id"]
            ),
            status="paid" if intent["status"] == "succeeded" else "open",
            status_transitions=blank(stripe.InvoicePayment.StatusTransitions),
        )
        charge = self._store.objects.get("charge", {}).get(intent["latest_charge"] or "")
        if intent["status"] == "succeeded" and charge:
            self._store.tell("charge.succeeded", charge)
            self._paid(invoice, charge)
            return "paid"
        if charge:
            self._store.tell("charge.failed", charge, extra=retry)
        self._failed(invoice, retry)
        if intent["status"] == "requires_action":
            self._store.tell("invoice.payment_action_required", invoice)
        self.settled(invoice, "failed")
        return (
            "authenticate"
            if intent["status"] == "requires_action"
            else "declined"
            if charge
            else "no_card"
        )

    def pay(self, invoice: Object, method: Object | None = None, on_session: bool = False) -> None:
        """What `POST /v1/invoices/{id}/pay` does. Raises StripeRefusal with 402 if the card does
        not pay; the invoice stays open then.
        """
        if invoice["status"] == "paid":
            raise StripeRefusal("Invoice is already paid", None, "invoice_already_paid")
        if invoice["status"] != "open":
            raise StripeRefusal(
                f"Invoice is {invoice['status']}: it cannot be paid.", None, "invoice_not_open"
            )
        customer = self._store.find("customer", invoice["customer"])
        method = method or self._payments.default_of(customer, self.subscription_of(invoice))
        refuse(self.pay_by(invoice, method, on_session=on_session), method)

    def paid_elsewhere(self, invoice: Object) -> None:
        """Note that an open invoice was paid outside of Stripe."""
        invoice["amount_paid_off_stripe"] = invoice["amount_remaining"]
        self._paid(invoice, None)

    def credited(self, invoice: Object, amount: int) -> None:
        """Take a credit note's amount off an open invoice; with nothing left it is paid."""
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
        if invoice["amount_remaining"] == 0:
            self._paid(invoice, None)

    def void(self, invoice: Object) -> None:
        """Withdraw an open invoice; what of the customer's balance went into it comes back."""
        invoice["status"], invoice["status_transitions"]["voided_at"] = "void", self._store.second
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        applied = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
        if applied:
            customer = self._store.find("customer", invoice["customer"])
            move(
                self._store,
                customer,
                -applied,
                "unapplied_from_invoice",
                invoice["currency"],
                invoice=invoice["id"],
            )
        self._store.tell("invoice.voided", invoice)

    def give_up(self, invoice: Object) -> None:
        """Mark an open invoice uncollectible."""
        invoice["status"], invoice["status_transitions"]["marked_uncollectible_at"] = (
            "uncollectible",
            self._store.second,
        )
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        self._store.tell("invoice.marked_uncollectible", invoice)
        self.settled(invoice, "uncollectible")

    def subscription_of(self, invoice: Object) -> Object | None:
        """The subscription that an invoice belongs to."""
        details = (invoice["parent"] or {}).get("subscription_details")
        return (
            self._store.objects.get("subscription", {}).get(details["subscription"])
            if details
            else None
        )

    def open_of(self, subscription: Object) -> list[Object]:
        """The open invoices of a subscription, the oldest first."""
        return [
            one
            for one in reversed(self._store.all("invoice"))
            if one["status"] == "open" and self.subscription_of(one) is subscription
        ]

    def _paid(self, invoice: Object, charge: Object | None) -> None:
        if charge:
            invoice["attempt_count"] += 1
        invoice["attempted"] = True
        invoice["status"], invoice["status_transitions"]["paid_at"] = "paid", self._store.second
        invoice["amount_paid"], invoice["amount_remaining"], invoice["next_payment_attempt"] = (
            invoice["amount_due"],
            0,
            None,
        )
        invoice["auto_advance"] = False
        if charge:
            self._store.tell("invoice.payment_succeeded", invoice)
        self._store.tell("invoice.paid", invoice)
        self.settled(invoice, "paid")

    def _failed(self, invoice: Object, retry: bool) -> None:
        invoice["attempt_count"] += 1
        invoice["attempted"] = True
        retries = self._store.settings["retries"]
        own = invoice["billing_reason"] not in ("subscription_create", "manual") or (
            invoice["billing_reason"] == "manual" and invoice["auto_advance"]
        )
        left = own and invoice["attempt_count"] <= retries
        spacing = RETRIES_OVER_DAYS * 86400 // retries if retries else 0
        invoice["next_payment_attempt"] = self._store.second + spacing if left else None
        self._store.tell("invoice.payment_failed", invoice)
        self._store.tell(UPDATED, invoice, extra=True)


def refuse(outcome: str, method: Object | None) -> None:
    """Raises StripeRefusal with 402 for a payment that did not come about; 400 without a card."""
    if outcome == "no_card":
        raise StripeRefusal(NO_CARD, None, "resource_missing")
    if outcome == "authenticate":
        raise StripeRefusal(
            AUTHENTICATE, None, "invoice_payment_intent_requires_action", 402, "card_error"
        )
    if outcome == "declined" and method:
        raise refused_card(method)


def _parent(subscription: Object) -> Object:
    details = stripe.Invoice.Parent.SubscriptionDetails
    return blank(
        stripe.Invoice.Parent,
        type="subscription_details",
        subscription_details=blank(
            details, subscription=subscription["id"], metadata=dict(subscription["metadata"])
        ),
    )


def _may_join(item: Object, subscription: Object | None) -> bool:
    own = subscription_of(item)
    return own is None or (subscription is not None and own == subscription["id"])
