"""Invoices as far as they are put together: drafts, their lines and totals, and what finalizing one
does.
"""

from collections.abc import Callable
from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import least
from local.stripe_sim.billing.balances import balance_in, move
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.discounts import coupon_of, drop, standing
from local.stripe_sim.billing.items import pending_of, subscription_of
from local.stripe_sim.billing.lines import item_of, line_of, total_up
from local.stripe_sim.billing.proration import remember_debits
from local.stripe_sim.lifecycle.store import Store

HOSTED = "/invoice/"
UPDATED = "invoice.updated"
DRAFT_SECONDS = 3600
"""How long Stripe leaves a draft that advances by itself before it is finalized and charged."""

CHARGED_IN_THE_CALL = frozenset({"subscription_create", "subscription_update"})
"""Reasons of invoices that are finalized and charged while the call is answered, not by time."""

NOWHERE = "ZZ"
"""The country of an address that tax cannot be worked out for."""

NOT_TAXED = StripeRefusal(
    "The customer's location isn't recognized. Set a valid customer address in order to"
    " automatically calculate tax.",
    None,
    "customer_tax_location_invalid",
)


def can_be_taxed(customer: Object) -> bool:
    """Whether the address of a customer can be placed."""
    return (customer["address"] or {}).get("country") != NOWHERE


class Drafts:
    """What is done with invoices until they are open."""

    def __init__(self, store: Store, base: Callable[[], str]) -> None:
        self._store, self._base = store, base

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
        subscription's invoice takes. `start` and `end` are when its items were made, not the period
        that its lines pay for. `invoice.created` is sent.
        """
        kind = stripe.Invoice
        if pending is None:
            pending = [
                one
                for one in pending_of(self._store, customer, currency)
                if _may_join(one, subscription)
            ]
        discounts = standing(self._store, subscription["discounts"]) if subscription else []
        method = subscription["collection_method"] if subscription else "charge_automatically"
        advances = method == "send_invoice" or reason not in CHARGED_IN_THE_CALL
        values = {
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_shipping": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": advances,
            "automatic_tax": blank(
                kind.AutomaticTax,
                enabled=bool(subscription and subscription["automatic_tax"]["enabled"]),
            ),
            "billing_reason": reason,
            "collection_method": method,
            "currency": currency,
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "discounts": [one["id"] for one in discounts],
            "issuer": blank(kind.Issuer, type="self"),
            "parent": _parent(subscription) if subscription else None,
            "payment_settings": blank(kind.PaymentSettings),
            "next_payment_attempt": (
                self._store.second + DRAFT_SECONDS
                if advances and method == "charge_automatically"
                else None
            ),
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
        if method == "send_invoice" and subscription:
            values["due_date"] = self._store.second + days(subscription["days_until_due"])
        invoice = self._store.make("invoice", kind, **values | more)
        invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
        if invoice["automatic_tax"]["enabled"]:
            invoice["automatic_tax"]["status"] = "complete"
        for item in pending:
            item["invoice"] = invoice["id"]
        self.total(invoice)
        if subscription:
            subscription["_invoices"].append(invoice["id"])
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
        """From draft to open. Raises StripeRefusal, and tells of it if the tax cannot be known."""
        if invoice["status"] != "draft":
            raise StripeRefusal(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice."
            )
        customer = self._store.find("customer", invoice["customer"])
        invoice.pop("_finalize_at", None)
        if invoice["automatic_tax"]["enabled"] and not can_be_taxed(customer):
            self._leave_draft(invoice)
            raise NOT_TAXED
        invoice["last_finalization_error"] = None
        self.total(invoice)
        invoice["status"], invoice["status_transitions"]["finalized_at"] = (
            "open",
            self._store.second,
        )
        invoice["effective_at"], invoice["number"] = (
            self._store.second,
            f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
        )
        customer["next_invoice_sequence"] += 1
        invoice["automatically_finalizes_at"] = invoice["next_payment_attempt"] = None
        invoice["hosted_invoice_url"] = f"{self._base()}{HOSTED}{invoice['id']}"
        invoice["invoice_pdf"] = f"{invoice['hosted_invoice_url']}/pdf"
        self._settle_balance(invoice, customer)
        self._store.tell("invoice.finalized", invoice)
        if invoice["collection_method"] == "send_invoice":
            self._store.tell("invoice.sent", invoice)

    def _leave_draft(self, invoice: Object) -> None:
        invoice["automatic_tax"]["status"] = "requires_location_inputs"
        invoice["automatically_finalizes_at"] = invoice["next_payment_attempt"] = None
        invoice["last_finalization_error"] = blank(
            stripe.Invoice.LastFinalizationError,
            **{name: NOT_TAXED.error[name] for name in ("code", "message", "type")},
        )
        self._store.tell("invoice.finalization_failed", invoice)

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
        """Raises StripeRefusal for an invoice whose lines can no longer be edited."""
        if invoice["status"] != "draft":
            raise StripeRefusal(
                "Invalid invoice: This invoice is no longer editable", None, "invoice_not_editable"
            )


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
