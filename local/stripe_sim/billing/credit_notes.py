"""Credit notes: they lower what an open invoice asks for, or give back what was paid for one: to
the card, to the customer's balance, or outside of Stripe.
"""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.balances import move
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.payments import Payments
from local.stripe_sim.lifecycle.store import Store

_Note, _Line = stripe.CreditNote, stripe.CreditNoteLineItem
WAYS_BACK = ("credit_amount", "refund_amount", "out_of_band_amount")


class CreditNotes:
    """What is done with credit notes."""

    def __init__(self, store: Store, payments: Payments, invoices: Invoices) -> None:
        self._store, self._payments, self._invoices = store, payments, invoices

    def create(self, wanted: Object) -> Object:
        """A credit note as the parameters of `POST /v1/credit_notes` say. Raises StripeRefusal."""
        invoice = self._store.find("invoice", wanted["invoice"], "invoice")
        if invoice["status"] not in ("open", "paid"):
            raise StripeRefusal(
                "You can only create credit notes for open or paid invoices.", "invoice"
            )
        lines = self._lines(invoice, wanted)
        total = sum(line["amount"] for line in lines)
        self._check(invoice, wanted, total)
        paid = invoice["status"] == "paid"
        held = [one for one in self._store.all("credit_note") if one["invoice"] == invoice["id"]]
        note = self._store.make(
            "credit_note",
            _Note,
            amount=total,
            amount_shipping=0,
            currency=invoice["currency"],
            customer=invoice["customer"],
            discount_amount=0,
            effective_at=self._store.second,
            invoice=invoice["id"],
            lines={"object": "list", "data": lines, "has_more": False, "url": ""},
            memo=wanted.get("memo"),
            metadata=dict(wanted.get("metadata") or {}),
            number=f"{invoice['number']}-CN-{len(held) + 1:02d}",
            out_of_band_amount=wanted.get("out_of_band_amount"),
            pdf=f"{invoice['hosted_invoice_url']}/credit",
            post_payment_amount=total if paid else 0,
            pre_payment_amount=0 if paid else total,
            reason=wanted.get("reason"),
            status="issued",
            subtotal=total,
            subtotal_excluding_tax=total,
            total=total,
            total_excluding_tax=total,
            type="post_payment" if paid else "pre_payment",
        )
        note["lines"]["url"] = f"/v1/credit_notes/{note['id']}/lines"
        if paid:
            self._give_back(invoice, note, wanted)
        self._store.tell("credit_note.created", note)
        if not paid:
            self._invoices.credited(invoice, total)
        return note

    def void(self, note: Object) -> None:
        """Take a credit note back while its invoice is open. Raises StripeRefusal."""
        invoice = self._store.find("invoice", note["invoice"])
        if note["status"] == "void" or invoice["status"] != "open":
            raise StripeRefusal(
                "You can only void issued credit notes of invoices that are open.", "id"
            )
        note["status"], note["voided_at"] = "void", self._store.second
        self._invoices.credited(invoice, -note["total"])
        self._store.tell("credit_note.voided", note)

    def _lines(self, invoice: Object, wanted: Object) -> list[Object]:
        if wanted.get("lines"):
            return [
                self._line(invoice, one, f"lines[{place}]")
                for place, one in enumerate(wanted["lines"])
            ]
        amount = wanted.get("amount")
        if amount is None:
            amount = sum(wanted.get(name) or 0 for name in WAYS_BACK)
        return [self._plain_line(amount, wanted.get("memo"), "custom_line_item", None)]

    def _line(self, invoice: Object, wanted: Object, param: str) -> Object:
        id, amount = wanted.get("invoice_line_item"), wanted.get("amount")
        credited = next((one for one in invoice["lines"]["data"] if one["id"] == id), None)
        if id and credited is None:
            raise StripeRefusal(
                f"No such invoice line item: '{id}'",
                f"{param}[invoice_line_item]",
                "resource_missing",
            )
        if amount is None and credited:
            amount = credited["amount"]
        if amount is None:
            amount = (wanted.get("unit_amount") or 0) * (wanted.get("quantity") or 1)
        name = wanted.get("description") or (credited and credited["description"])
        return self._plain_line(amount, name, wanted["type"], id)

    def _plain_line(self, amount: int, name: str | None, type: str, of: str | None) -> Object:
        return blank(
            _Line,
            id=self._store.id("credit_note_line_item"),
            amount=amount,
            description=name,
            discount_amount=0,
            invoice_line_item=of,
            type=type,
        )

    def _check(self, invoice: Object, wanted: Object, total: int) -> None:
        back = sum(wanted.get(name) or 0 for name in WAYS_BACK)
        paid = invoice["status"] == "paid"
        left = (
            invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]
            if paid
            else invoice["amount_remaining"]
        )
        if total <= 0:
            raise StripeRefusal(
                "This value must be greater than or equal to 1.",
                "amount",
                "parameter_invalid_integer",
            )
        if total > left:
            raise StripeRefusal(
                f"The credit note amount ({total}) is greater than what is left of the invoice"
                f" ({left}).",
                "amount",
            )
        if back != (total if paid else 0):
            raise StripeRefusal(
                "The sum of credit amount, refund amount and out of band amount must equal what a"
                " credit note gives back: its amount if the invoice was paid, nothing if it is"
                " open.",
                "amount",
            )

    def _give_back(self, invoice: Object, note: Object, wanted: Object) -> None:
        invoice["post_payment_credit_notes_amount"] += note["total"]
        if wanted.get("credit_amount"):
            customer = self._store.find("customer", invoice["customer"])
            moved = move(
                self._store,
                customer,
                -wanted["credit_amount"],
                "credit_note",
                invoice["currency"],
                credit_note=note["id"],
                invoice=invoice["id"],
            )
            note["customer_balance_transaction"] = moved["id"]
        if wanted.get("refund_amount"):
            refund = self._payments.refund(self._charge_of(invoice), wanted["refund_amount"])
            note["refunds"] = [
                blank(_Note.Refund, amount_refunded=refund["amount"], refund=refund["id"])
            ]

    def _charge_of(self, invoice: Object) -> Object:
        found: Any = next(
            (
                one["payment"]["payment_intent"]
                for one in self._store.all("invoice_payment")
                if one["invoice"] == invoice["id"] and one["status"] == "paid"
            ),
            None,
        )
        if found is None:
            raise StripeRefusal("The invoice was not paid by a charge.", "refund_amount")
        intent = self._store.find("payment_intent", found)
        return self._store.find("charge", intent["latest_charge"])
