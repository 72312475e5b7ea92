"""Invoices from open to paid, void or uncollectible: how they are paid, by cards at once and by
bank debits in days, and how often it is tried.
"""

from collections.abc import Callable

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.balances import move
from local.stripe_sim.billing.bank_accounts import BankAccount
from local.stripe_sim.billing.cards import NEVER_RETRIED
from local.stripe_sim.billing.drafts import UPDATED, Drafts
from local.stripe_sim.billing.intents import Intents, must_have_none_under_way
from local.stripe_sim.billing.payments import (
    AUTHENTICATE,
    NO_CARD,
    Payments,
    behaviour_of,
    must_take,
    refusal_of,
)
from local.stripe_sim.lifecycle.store import Store

TRIES_OVER_DAYS = 14
NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."


class Invoices(Drafts):
    """What is done with invoices. `settled` is called when one that belongs to a subscription was
    paid, failed to be, is being paid by a debit, or was given up, withdrawn or left until it was
    overdue; `paid` before that, of any that was paid.
    """

    def __init__(self, store: Store, payments: Payments, base: Callable[[], str]) -> None:
        super().__init__(store, base)
        self._payments, self.intents = payments, Intents(store, payments)
        self.settled: Callable[[Object, str], None] = lambda invoice, what: None
        self.paid: Callable[[Object], None] = lambda invoice: None

    def finalize(self, invoice: Object) -> None:
        """From draft to open; what costs nothing, or too little to be charged, is paid at once.
        Raises StripeRefusal.
        """
        super().finalize(invoice)
        if invoice["amount_due"] == 0:
            self._paid(invoice)
        else:
            self.intents.prepare(invoice)

    def attempt(self, invoice: Object, retry: bool = False) -> str:
        """Try to have an open invoice paid by the default payment method: `paid`, `processing`,
        `declined`, `authenticate` or `no_card`.
        """
        return self.pay_by(invoice, self._default_for(invoice), retry=retry)

    def _default_for(self, invoice: Object) -> Object | None:
        customer = self._store.find("customer", invoice["customer"])
        own = invoice["default_payment_method"]
        if own:
            return self._store.find("payment_method", own)
        return self._payments.default_of(customer, self.subscription_of(invoice))

    def retry(self, invoice: Object) -> None:
        """Try again by schedule. After a decline that is final for its payment method the try only
        counts: no mail and no event is sent.
        """
        method = self._default_for(invoice)
        if method is None or invoice.get("_refused_for_good") != method["id"]:
            self.pay_by(invoice, method, retry=True)
            return
        with self._store.changing(invoice, UPDATED, extra=True):
            invoice["attempt_count"] += 1
            invoice["next_payment_attempt"] = self._next_try(invoice)
        self.settled(invoice, "failed")

    def pay_by(
        self, invoice: Object, method: Object | None, retry: bool = False, on_session: bool = False
    ) -> str:
        """Try to have an invoice paid by one payment method."""
        intent = self.intents.confirm(invoice, method, on_session)
        charge = self._store.objects.get("charge", {}).get(intent["latest_charge"] or "")
        match intent["status"]:
            case "succeeded":
                self._store.tell("charge.succeeded", charge or {})
                self._count(invoice, retry)
                self._paid(invoice, "card")
                return "paid"
            case "processing":
                with self._store.changing(invoice, UPDATED):
                    self._count(invoice, retry)
                    invoice["attempted"], invoice["next_payment_attempt"] = True, None
                    # One whose debit is under way is neither paid again nor voided.
                    invoice["_attempt_at"] = invoice["_void_at"] = None
                self.settled(invoice, "processing")
                return "processing"
        if charge:
            self._store.tell("charge.failed", charge, extra=retry)
        asked = intent["status"] == "requires_action"
        # The first payment of a subscription that the bank asks about does not count as a try.
        if not (asked and invoice["billing_reason"] == "subscription_create"):
            first = self._count(invoice, retry)
            if first or retry:
                invoice["next_payment_attempt"] = self._next_try(invoice)
        invoice["attempted"] = True
        error = intent["last_payment_error"] or {}
        code = "authentication_required" if asked else error.get("decline_code")
        invoice["_refused_for_good"] = method["id"] if method and code in NEVER_RETRIED else None
        self._store.tell("invoice.payment_failed", invoice)
        self._store.tell(UPDATED, invoice, extra=True)
        if asked:
            self._store.tell("invoice.payment_action_required", invoice)
        self.settled(invoice, "failed")
        return "authenticate" if asked else "declined" if charge else "no_card"

    def _count(self, invoice: Object, retry: bool) -> bool:
        """Count a try: the first one however it is made, later ones only if they are scheduled. By
        hand nothing more is counted, and the schedule stays (docs.stripe.com/api/invoices/object,
        `attempt_count`). Gives whether it was the first.
        """
        first = bool(invoice["attempt_count"] == 0)
        invoice["attempt_count"] += first or retry
        return first

    def _next_try(self, invoice: Object) -> int | None:
        """When the schedule tries next: evenly spread, with the first try counted in."""
        tries = self._store.settings["payment_tries"]
        scheduled = invoice["billing_reason"] not in ("subscription_create", "manual") or (
            invoice["billing_reason"] == "manual" and invoice["auto_advance"]
        )
        if not scheduled or invoice["status"] != "open" or self._is_sent(invoice):
            return None
        if invoice["attempt_count"] >= tries:
            return None
        return int(self._store.second + TRIES_OVER_DAYS * 86400 // tries)

    def end_debit(self, intent: Object, outcome: str | None = None) -> None:
        """A debit that was under way succeeds, or comes back. The invoice of a subscription's first
        payment is withdrawn with it. Raises StripeRefusal.
        """
        invoice = self._store.find("invoice", intent["payment_details"]["order_reference"])
        charge = self.intents.end_debit(intent, outcome)
        if intent["status"] == "succeeded":
            self._paid(invoice, "debit")
            if self.intents.is_disputed(charge):
                self._payments.dispute(charge, "fraudulent")
            return
        self._store.tell("invoice.payment_failed", invoice)
        if invoice["billing_reason"] == "subscription_create":
            self.void(invoice)
        else:
            self.settled(invoice, "failed")

    def pay(self, invoice: Object, method: Object | None = None, on_session: bool = False) -> None:
        """What `POST /v1/invoices/{id}/pay` does: a debit leaves it open. Raises StripeRefusal,
        with 402 if the card does not pay; the invoice stays as it is then.
        """
        if invoice["status"] == "paid":
            raise StripeRefusal("Invoice is already paid")
        if invoice["status"] not in ("open", "uncollectible"):
            raise StripeRefusal(NOT_OPEN)
        must_have_none_under_way(invoice, self.intents, "paid")
        method = method or self._default_for(invoice)
        if method:
            must_take(method, invoice["currency"])
        refuse(self.pay_by(invoice, method, on_session=on_session), method)

    def paid_elsewhere(self, invoice: Object) -> None:
        """Note that an invoice was paid outside of Stripe. Raises StripeRefusal."""
        must_have_none_under_way(invoice, self.intents, "paid out of band")
        invoice["amount_paid_off_stripe"] = invoice["amount_remaining"]
        self._paid(invoice, "elsewhere")

    def credited(self, invoice: Object, amount: int) -> None:
        """Take a credit note's amount off an open invoice, or put it on again; with nothing left it
        is paid.
        """
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
        if invoice["amount_remaining"] == 0:
            self._paid(invoice)

    def must_be_voidable(self, invoice: Object) -> None:
        """Raises StripeRefusal for an invoice that cannot be withdrawn."""
        if invoice["status"] == "paid":
            raise StripeRefusal("Invoices with `paid` payments cannot be voided.")
        if invoice["status"] not in ("open", "uncollectible"):
            raise StripeRefusal(NOT_OPEN)
        must_have_none_under_way(invoice, self.intents, "voided")

    def void(self, invoice: Object) -> None:
        """Withdraw an open invoice; what of the customer's balance went into it comes back."""
        self.intents.withdraw(invoice)
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
        self.settled(invoice, "void")

    def give_up(self, invoice: Object) -> None:
        """Mark an open invoice uncollectible, or a draft that costs less than nothing."""
        invoice["status"], invoice["status_transitions"]["marked_uncollectible_at"] = (
            "uncollectible",
            self._store.second,
        )
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        self._store.tell("invoice.marked_uncollectible", invoice)
        self.settled(invoice, "uncollectible")

    def fall_overdue(self, invoice: Object) -> None:
        """The day has come by which a sent invoice should have been paid."""
        invoice["_overdue"] = True
        self._store.tell("invoice.overdue", invoice)
        self.settled(invoice, "overdue")

    def is_owed(self, invoice: Object) -> bool:
        """Whether an open invoice is late: a payment failed, or it is overdue."""
        if invoice["status"] != "open" or self.intents.is_processing(invoice):
            return False
        return bool(invoice.get("_overdue") if self._is_sent(invoice) else invoice["attempted"])

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
        return [one for one in reversed(self.of(subscription)) if one["status"] == "open"]

    def of(self, subscription: Object) -> list[Object]:
        """All invoices of a subscription, the newest first."""
        held = self._store.objects.get("invoice", {})
        return [held[id] for id in reversed(subscription["_invoices"]) if id in held]

    def _is_sent(self, invoice: Object) -> bool:
        return bool(invoice["collection_method"] == "send_invoice")

    def _paid(self, invoice: Object, by: str | None = None) -> None:
        """Note that an invoice is paid: `by` a card, a debit, elsewhere, or by nothing that is
        left to pay.
        """
        if by in ("card", "debit"):
            self.intents.paid(invoice)
        else:
            self.intents.withdraw(invoice)
        invoice["attempted"] = invoice["attempted"] or by != "elsewhere"
        invoice["status"], invoice["status_transitions"]["paid_at"] = "paid", self._store.second
        invoice["amount_paid"], invoice["amount_remaining"], invoice["next_payment_attempt"] = (
            invoice["amount_due"],
            0,
            None,
        )
        invoice["auto_advance"] = False
        told = {"card": ["payment_succeeded", "paid"], "debit": ["paid", "payment_succeeded"]}
        for name in told.get(by or "", ["paid"]):
            self._store.tell(f"invoice.{name}", invoice)
        self.paid(invoice)
        self.settled(invoice, "paid")


def refuse(outcome: str, method: Object | None) -> None:
    """Raises StripeRefusal with 402 for a payment that did not come about; 400 without a card."""
    if outcome == "no_card":
        raise StripeRefusal(NO_CARD, None, "resource_missing")
    if outcome == "authenticate":
        raise StripeRefusal(
            AUTHENTICATE, None, "invoice_payment_intent_requires_action", 402, "card_error"
        )
    if outcome == "declined" and method:
        behaviour = behaviour_of(method)
        if isinstance(behaviour, BankAccount):
            raise StripeRefusal(
                "The mandate of this payment method is not active.",
                None,
                "payment_intent_mandate_invalid",
            )
        raise refusal_of(behaviour)
