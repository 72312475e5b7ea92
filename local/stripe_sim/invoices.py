"""Invoices: from draft over open to paid, void or uncollectible, and how they are paid."""

from collections.abc import Callable
from typing import Any

import stripe

from local.stripe_sim.payments import AUTHENTICATE, NO_CARD, Payments
from local.stripe_sim.refusals import StripeRefusal, declined
from local.stripe_sim.shapes import Object, blank
from local.stripe_sim.store import Store

RETRIES_OVER_DAYS = 14
HOSTED = "/invoice/"


class Invoices:
    """What is done with invoices. `settled` is called when one that belongs to a subscription was paid, failed to be, or was given up."""

    def __init__(self, store: Store, payments: Payments, base: Callable[[], str]) -> None:
        self._store, self._payments, self._base = store, payments, base
        self.settled: Callable[[Object, str], None] = lambda invoice, what: None

    def lines_of(self, subscription: Object, start: int, end: int, amount_of: Callable[[Object], int]) -> list[Object]:
        """A line for each item of a subscription."""
        kind = stripe.InvoiceLineItem
        return [
            self._line(
                amount_of(item),
                item["price"]["currency"],
                f"{item['quantity']} × {item['price']['id']}",
                start,
                end,
                subscription=subscription["id"],
                quantity=item["quantity"],
                pricing=blank(kind.Pricing, type="price_details", price_details={"price": item["price"]["id"], "product": item["price"]["product"]}),
            )
            for item in subscription["items"]["data"]
        ]

    def _line(self, amount: int, currency: str, description: str | None, start: int, end: int, **more: Any) -> Object:
        period = {"start": start, "end": end}
        values = {"amount": amount, "subtotal": amount, "currency": currency, "description": description, "period": period, "discountable": True}
        return blank(stripe.InvoiceLineItem, id=self._store.id("line_item"), **values | more)

    def make(self, customer: Object, reason: str, lines: list[Object], subscription: Object | None, start: int, end: int, currency: str) -> Object:
        """A draft, with the customer's pending items in it; `invoice.created` is told."""
        pending = [
            item
            for item in reversed(self._store.all("invoiceitem"))
            if item["customer"] == customer["id"] and item["invoice"] is None and _may_join(item, subscription)
        ]
        lines = lines + [
            self._line(item["amount"], item["currency"], item["description"], item["period"]["start"], item["period"]["end"]) for item in pending
        ]
        total = sum(line["amount"] for line in lines) - sum(_discount(line, subscription, self._store) for line in lines)
        due = max(0, total + min(0, customer["balance"] or 0)) if total > 0 else 0
        parent = (
            blank(
                stripe.Invoice.Parent,
                type="subscription_details",
                subscription_details=blank(
                    stripe.Invoice.Parent.SubscriptionDetails, subscription=subscription["id"], metadata=dict(subscription["metadata"])
                ),
            )
            if subscription
            else None
        )
        invoice = self._store.make(
            "invoice",
            stripe.Invoice,
            amount_due=due,
            amount_overpaid=0,
            amount_paid=0,
            amount_remaining=due,
            amount_shipping=0,
            attempt_count=0,
            attempted=False,
            auto_advance=True,
            automatic_tax=blank(stripe.Invoice.AutomaticTax, enabled=False),
            billing_reason=reason,
            collection_method="charge_automatically",
            currency=currency,
            customer=customer["id"],
            customer_email=customer["email"],
            customer_name=customer["name"],
            issuer=blank(stripe.Invoice.Issuer, type="self"),
            parent=parent,
            payment_settings=blank(stripe.Invoice.PaymentSettings),
            period_start=start,
            period_end=end,
            post_payment_credit_notes_amount=0,
            pre_payment_credit_notes_amount=0,
            starting_balance=customer["balance"] or 0,
            status="draft",
            status_transitions=blank(stripe.Invoice.StatusTransitions),
            subtotal=sum(line["amount"] for line in lines),
            total=total,
            lines={"object": "list", "data": [], "has_more": False, "url": ""},
        )
        for line in lines:
            line["invoice"] = invoice["id"]
        if subscription:
            subscription["_coupons"] = [coupon for coupon in subscription.get("_coupons", []) if coupon["duration"] != "once"]
        invoice["lines"] = {"object": "list", "data": lines, "has_more": False, "url": f"/v1/invoices/{invoice['id']}/lines"}
        for item in pending:
            item["invoice"] = invoice["id"]
        self._store.tell("invoice.created", invoice)
        return invoice

    def finalize(self, invoice: Object) -> None:
        """From draft to open; what costs nothing is paid at once."""
        if invoice["status"] != "draft":
            raise StripeRefusal("This invoice is already finalized, you can't re-finalize a non-draft invoice.", "invoice", "invoice_not_editable")
        customer = self._store.find("customer", invoice["customer"])
        invoice.pop("_finalize_at", None)
        invoice["status"], invoice["status_transitions"]["finalized_at"] = "open", self._store.second
        invoice["effective_at"], invoice["number"] = self._store.second, f"{customer['id'][-8:].upper()}-{len(self._store.all('invoice')):04d}"
        invoice["hosted_invoice_url"] = f"{self._base()}{HOSTED}{invoice['id']}"
        used = min(0, customer["balance"] or 0)
        customer["balance"] = used + max(0, invoice["total"]) if invoice["total"] >= 0 else used + invoice["total"]
        customer["balance"] = min(0, customer["balance"])
        invoice["ending_balance"] = customer["balance"]
        self._store.tell("invoice.finalized", invoice)
        if invoice["amount_due"] == 0:
            self._paid(invoice, None)

    def attempt(self, invoice: Object, retry: bool = False) -> str:
        """Try to have an open invoice paid by the card on file: `paid`, `declined`, `authenticate` or `no_card`."""
        customer = self._store.find("customer", invoice["customer"])
        subscription = self.subscription_of(invoice)
        method = self._payments.default_of(customer, subscription)
        return self.pay_by(invoice, method, retry=retry)

    def pay_by(self, invoice: Object, method: Object | None, retry: bool = False, on_session: bool = False) -> str:
        """Try to have an open invoice paid by one card."""
        customer = self._store.find("customer", invoice["customer"])
        intent = self._payments.charge(customer, method, invoice["amount_due"], invoice["currency"], "Subscription", on_session)
        self._store.make(
            "invoice_payment",
            stripe.InvoicePayment,
            amount_requested=invoice["amount_due"],
            amount_paid=invoice["amount_due"] if intent["status"] == "succeeded" else None,
            currency=invoice["currency"],
            invoice=invoice["id"],
            is_default=True,
            payment=blank(stripe.InvoicePayment.Payment, type="payment_intent", payment_intent=intent["id"]),
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
        return "authenticate" if intent["status"] == "requires_action" else "declined" if charge else "no_card"

    def pay(self, invoice: Object) -> None:
        """What `POST /v1/invoices/{id}/pay` does. Raises StripeRefusal with 402 if the card does not pay."""
        if invoice["status"] != "open":
            raise StripeRefusal(f"Invoice is {invoice['status']}: it cannot be paid.", None, "invoice_not_open")
        outcome = self.attempt(invoice)
        if outcome == "no_card":
            raise StripeRefusal(NO_CARD, None, "resource_missing")
        if outcome == "authenticate":
            raise StripeRefusal(AUTHENTICATE, None, "invoice_payment_intent_requires_action", 402, "card_error")
        if outcome == "declined":
            raise declined("Your card was declined.", "generic_decline")

    def void(self, invoice: Object) -> None:
        """Withdraw an open invoice."""
        invoice["status"], invoice["status_transitions"]["voided_at"] = "void", self._store.second
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        self._store.tell("invoice.voided", invoice)

    def give_up(self, invoice: Object) -> None:
        """Mark an open invoice uncollectible."""
        invoice["status"], invoice["status_transitions"]["marked_uncollectible_at"] = "uncollectible", self._store.second
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        self._store.tell("invoice.marked_uncollectible", invoice)
        self.settled(invoice, "uncollectible")

    def subscription_of(self, invoice: Object) -> Object | None:
        """The subscription that an invoice belongs to."""
        details = (invoice["parent"] or {}).get("subscription_details")
        return self._store.objects.get("subscription", {}).get(details["subscription"]) if details else None

    def open_of(self, subscription: Object) -> list[Object]:
        """The open invoices of a subscription, the oldest first."""
        return [one for one in reversed(self._store.all("invoice")) if one["status"] == "open" and self.subscription_of(one) is subscription]

    def _paid(self, invoice: Object, charge: Object | None) -> None:
        if charge:
            invoice["attempt_count"] += 1
            invoice["attempted"] = True
        else:
            invoice["attempted"] = True
        invoice["status"], invoice["status_transitions"]["paid_at"] = "paid", self._store.second
        invoice["amount_paid"], invoice["amount_remaining"], invoice["next_payment_attempt"] = invoice["amount_due"], 0, None
        invoice["auto_advance"] = False
        if charge:
            self._store.tell("invoice.payment_succeeded", invoice)
        self._store.tell("invoice.paid", invoice)
        self.settled(invoice, "paid")

    def _failed(self, invoice: Object, retry: bool) -> None:
        invoice["attempt_count"] += 1
        invoice["attempted"] = True
        retries = self._store.settings["retries"]
        left = invoice["billing_reason"] != "subscription_create" and invoice["attempt_count"] <= retries
        spacing = RETRIES_OVER_DAYS * 86400 // retries if retries else 0
        invoice["next_payment_attempt"] = self._store.second + spacing if left else None
        self._store.tell("invoice.payment_failed", invoice)
        self._store.tell("invoice.updated", invoice, extra=True)


def _may_join(item: Object, subscription: Object | None) -> bool:
    own = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    return own is None or (subscription is not None and own == subscription["id"])


def _discount(line: Object, subscription: Object | None, store: Store) -> int:
    """What the subscription's coupons take off a line of its own."""
    if subscription is None or line["subscription"] is None:
        return 0
    off = 0
    for coupon in subscription.get("_coupons", []):
        off += int(line["amount"] * (coupon["percent_off"] or 0) / 100) + (coupon["amount_off"] or 0)
    return min(off, max(0, line["amount"]))
