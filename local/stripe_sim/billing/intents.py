"""Payment intents and charges: what happens when a payment is tried, and how a bank debit ends days
later. An invoice has one intent, which every try of it confirms again.
"""

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.bank_accounts import BankAccount
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.cards import Card
from local.stripe_sim.billing.payments import Payments, behaviour_of, message_of, takes
from local.stripe_sim.lifecycle.store import Store

_Intent = stripe.PaymentIntent


class Intents:
    """What is done with payment intents of invoices."""

    def __init__(self, store: Store, payments: Payments) -> None:
        self._store, self._payments = store, payments

    def of_invoice(self, invoice: Object) -> Object | None:
        """The intent of an invoice that was neither paid by it nor withdrawn."""
        payment = self._payment_of(invoice)
        return payment and self._store.find("payment_intent", payment["payment"]["payment_intent"])

    def is_processing(self, invoice: Object) -> bool:
        """Whether a debit for the invoice is under way."""
        intent = self.of_invoice(invoice)
        return intent is not None and intent["status"] == "processing"

    def _payment_of(self, invoice: Object) -> Object | None:
        found = self._store.objects.get("invoice_payment", {}).get(invoice.get("_payment", ""))
        return found if found and found["status"] == "open" else None

    def prepare(self, invoice: Object) -> Object:
        """The intent of an open invoice, made if there is none: it waits for a payment method."""
        intent = self.of_invoice(invoice)
        if intent is None:
            intent = self._store.make(
                "payment_intent",
                _Intent,
                amount=invoice["amount_remaining"],
                amount_capturable=0,
                amount_received=0,
                capture_method="automatic",
                confirmation_method="automatic",
                currency=invoice["currency"],
                customer=invoice["customer"],
                description="Subscription creation"
                if invoice["billing_reason"] == "subscription_create"
                else "Subscription update",
                payment_details=blank(_Intent.PaymentDetails, order_reference=invoice["id"]),
                payment_method_types=["card"],
                status="requires_payment_method",
            )
            payment = self._store.make(
                "invoice_payment",
                stripe.InvoicePayment,
                amount_requested=invoice["amount_remaining"],
                currency=invoice["currency"],
                invoice=invoice["id"],
                is_default=True,
                payment=blank(
                    stripe.InvoicePayment.Payment,
                    type="payment_intent",
                    payment_intent=intent["id"],
                ),
                status="open",
                status_transitions=blank(stripe.InvoicePayment.StatusTransitions),
            )
            intent["_new"], invoice["_payment"] = True, payment["id"]
        intent["amount"] = invoice["amount_remaining"]
        return intent

    def confirm(self, invoice: Object, method: Object | None, on_session: bool = False) -> Object:
        """Try to take what an invoice still asks for. The intent's status says how it went:
        `succeeded`, `processing`, `requires_action` or `requires_payment_method`, with a
        `latest_charge` if one was made.
        """
        intent = self.prepare(invoice)
        behaviour = behaviour_of(method) if method else None
        debit = isinstance(behaviour, BankAccount)
        intent["payment_method"], intent["latest_charge"] = method and method["id"], None
        intent["status"] = "requires_confirmation" if debit else "requires_payment_method"
        if intent.pop("_new", False):
            self._store.tell("payment_intent.created", intent, extra=not debit)
        intent["last_payment_error"] = None
        if method is None or behaviour is None or not takes(method, invoice["currency"]):
            return intent
        if isinstance(behaviour, BankAccount):
            self._debit(intent, method)
        elif not on_session and _asks(behaviour, method):
            intent["status"] = "requires_action"
            self._store.tell("payment_intent.requires_action", intent, extra=True)
        else:
            self._charge_card(intent, method, behaviour)
        return intent

    def _charge_card(self, intent: Object, method: Object, card: Card) -> None:
        charge = self._charge(intent, method)
        if card.code is None:
            self._succeed(intent, charge)
            self._store.tell("payment_intent.succeeded", intent, extra=True)
        else:
            self._fail(intent, charge, method, card.code, card.decline)
            self._store.tell("payment_intent.payment_failed", intent, extra=True)

    def _debit(self, intent: Object, method: Object) -> None:
        """Begin a debit; without a mandate it fails at once."""
        intent["payment_method_types"] = [method["type"]]
        charge = self._charge(intent, method)
        if not self._payments.has_mandate(method):
            self._fail(intent, charge, method, "payment_intent_mandate_invalid", None)
            self._store.tell("payment_intent.payment_failed", intent)
            return
        intent["status"], intent["latest_charge"] = "processing", charge["id"]
        self._store.tell("charge.pending", charge, extra=True)
        self._store.tell("payment_intent.processing", intent)
        behaviour = behaviour_of(method)
        if not (isinstance(behaviour, BankAccount) and behaviour.hangs):
            intent["_ends_at"] = self._store.second + days(self._store.settings["debit_days"])

    def end_debit(self, intent: Object, outcome: str | None = None) -> Object:
        """A debit succeeds or fails, as its account says unless the `outcome` is named: `succeeded`
        or why it failed. Gives the charge. Raises StripeRefusal if none is under way.
        """
        if intent["status"] != "processing":
            raise StripeRefusal("No debit is under way.", "payment_intent")
        intent.pop("_ends_at", None)
        method = self._store.find("payment_method", intent["payment_method"])
        charge = self._store.find("charge", intent["latest_charge"])
        account = behaviour_of(method)
        failure = account.failure if isinstance(account, BankAccount) else None
        if outcome is not None:
            failure = None if outcome == "succeeded" else outcome
        if failure is None:
            self._succeed(intent, charge)
            self._store.tell("charge.succeeded", charge)
            self._store.tell("payment_intent.succeeded", intent)
            return charge
        if failure == "debit_not_authorized":
            self._payments.revoke(method)
        self._fail(intent, charge, method, failure, None)
        self._store.tell("charge.failed", charge)
        self._store.tell("payment_intent.payment_failed", intent)
        return charge

    def is_disputed(self, charge: Object) -> bool:
        """Whether the bank takes a payment back once it succeeded."""
        account = behaviour_of(self._store.find("payment_method", charge["payment_method"]))
        return isinstance(account, BankAccount) and account.disputed

    def paid(self, invoice: Object) -> None:
        """Note that the invoice's intent paid it."""
        payment = self._payment_of(invoice)
        if payment:
            payment["status"], payment["amount_paid"] = "paid", payment["amount_requested"]
            payment["status_transitions"]["paid_at"] = self._store.second

    def withdraw(self, invoice: Object) -> None:
        """Cancel the intent of an invoice that is void, or was paid in another way."""
        payment, intent = self._payment_of(invoice), self.of_invoice(invoice)
        if payment is None or intent is None:
            return
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = self._store.second
        intent["status"], intent["canceled_at"] = "canceled", self._store.second
        intent.pop("_ends_at", None)
        self._store.tell("payment_intent.canceled", intent, extra=True)

    def _succeed(self, intent: Object, charge: Object) -> None:
        charge |= {"paid": True, "captured": True, "status": "succeeded"}
        charge["amount_captured"] = intent["amount_received"] = intent["amount"]
        intent["status"], intent["latest_charge"] = "succeeded", charge["id"]

    def _fail(
        self, intent: Object, charge: Object, method: Object, code: str, decline_code: str | None
    ) -> None:
        message = message_of(code, decline_code)
        charge |= {"status": "failed", "failure_code": code, "failure_message": message}
        intent["status"], intent["latest_charge"] = "requires_payment_method", charge["id"]
        intent["last_payment_error"] = blank(
            _Intent.LastPaymentError,
            type="card_error" if method["type"] == "card" else "invalid_request_error",
            charge=charge["id"],
            code=code,
            decline_code=decline_code,
            message=message,
            payment_method_type=method["type"],
        )

    def _charge(self, intent: Object, method: Object) -> Object:
        # Stripe's ids of debits begin with py.
        kind = "charge" if method["type"] == "card" else "debit"
        billing = stripe.Charge.BillingDetails
        return self._store.make(
            "charge",
            stripe.Charge,
            id=self._store.id(kind),
            amount=intent["amount"],
            amount_captured=0,
            amount_refunded=0,
            billing_details=blank(billing, address=blank(billing.Address)),
            captured=False,
            currency=intent["currency"],
            customer=intent["customer"],
            description=intent["description"],
            disputed=False,
            paid=False,
            payment_intent=intent["id"],
            payment_method=method["id"],
            refunded=False,
            status="pending",
        )


def must_have_none_under_way(invoice: Object, intents: Intents, what: str) -> None:
    """Raises StripeRefusal where a debit for the invoice is under way."""
    if intents.is_processing(invoice):
        raise StripeRefusal(f"Invoices with `processing` payments cannot be {what}.")


def _asks(card: Card, method: Object) -> bool:
    """Whether the bank asks the customer about a payment that is made without them."""
    once = card.secure == "once" and not method["_authenticated"]
    return card.secure == "always" or once
