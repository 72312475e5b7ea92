"""Payment methods and what comes after a payment: cards and bank accounts that are saved, refunds,
disputes.
"""

from typing import Any

import stripe

from chalicelib.localization.amounts import money
from local.stripe_sim.api.errors import StripeRefusal, declined
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.bank_accounts import CURRENCIES, FAILURES, BankAccount, bank_account
from local.stripe_sim.billing.cards import Card, card
from local.stripe_sim.lifecycle.store import Store

_Method = stripe.PaymentMethod

DECLINES = FAILURES | {
    "card_declined": "Your card was declined.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its amount"
        " limit."
    ),
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "insufficient_funds": "Your card has insufficient funds.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
"""What Stripe says of a payment that failed, by decline code or else by code."""

AUTHENTICATE = (
    "This payment requires additional user action before it can be completed successfully. Payment"
    " can be completed using the PaymentIntent associated with this invoice. For more details see:"
    " https://stripe.com/docs/billing/subscriptions/overview#requires-action"
)
NO_CARD = (
    "This customer has no attached payment source or default payment method. Please consider adding"
    " a default payment method. For more information, visit"
    " https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
    "#payment-method-priority."
)


def test_method(name: str) -> Card | BankAccount:
    """The test card or bank account of a number or a token. Raises StripeRefusal."""
    found = card(name) or bank_account(name)
    if found is None:
        raise StripeRefusal(f"No such token: '{name}'", "card", "resource_missing")
    return found


def behaviour_of(method: Object) -> Card | BankAccount:
    """How a payment method behaves."""
    return test_method(method["_test"])


def refusal_of(behaviour: Card | BankAccount) -> StripeRefusal:
    """What Stripe says of a payment method that does not pay."""
    if isinstance(behaviour, BankAccount):
        code = behaviour.failure or "generic_could_not_process"
        return declined(FAILURES[code], code)
    code = behaviour.code or "card_declined"
    return declined(message_of(code, behaviour.decline), code, behaviour.decline)


def message_of(code: str, decline_code: str | None) -> str:
    """The sentence that goes with a decline."""
    return DECLINES.get(decline_code or code) or DECLINES["card_declined"]


class Payments:
    """What is done with payment methods, and with charges that were made."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make_method(self, name: str, /, authenticated: bool = False, **more: Any) -> Object:
        """A payment method of a test card or a test bank account. Raises StripeRefusal."""
        found = test_method(name)
        bank = found if isinstance(found, BankAccount) else None
        if isinstance(found, BankAccount):
            details = {"type": found.type, found.type: _bank_of(found)}
        else:
            details = {"type": "card", "card": _card_of(found)}
        method = self._store.make(
            "payment_method",
            _Method,
            allow_redisplay="unspecified",
            billing_details=blank(
                _Method.BillingDetails,
                address=blank(_Method.BillingDetails.Address),
                **more,
            ),
            **details,
        )
        method["_test"], method["_authenticated"] = found.number, authenticated
        if bank:
            method["_mandate"] = self._mandate(method)["id"]
        return method

    def _mandate(self, method: Object) -> Object:
        kind = stripe.Mandate
        return self._store.make(
            "mandate",
            kind,
            customer_acceptance=blank(
                kind.CustomerAcceptance, type="online", accepted_at=self._store.second
            ),
            multi_use=blank(kind.MultiUse),
            payment_method=method["id"],
            payment_method_details=blank(kind.PaymentMethodDetails, type=method["type"]),
            status="active",
            type="multi_use",
        )

    def revoke(self, method: Object) -> None:
        """End the mandate of a bank account: it cannot be debited any more."""
        mandate = self._store.find("mandate", method["_mandate"])
        with self._store.changing(mandate, "mandate.updated"):
            mandate["status"] = "inactive"

    def has_mandate(self, method: Object) -> bool:
        """Whether a payment method may be debited: a card always."""
        mandate = self._store.objects.get("mandate", {}).get(method.get("_mandate", ""))
        return mandate is None or mandate["status"] == "active"

    def attach(self, method: Object, customer: Object) -> None:
        """Save a payment method with a customer. Raises StripeRefusal for a card that cannot be
        saved.
        """
        behaviour = behaviour_of(method)
        if isinstance(behaviour, Card) and not behaviour.attaches:
            raise refusal_of(behaviour)
        if method["customer"] not in (None, customer["id"]):
            raise StripeRefusal(
                "The payment method you provided has already been attached to a customer.",
                "payment_method",
            )
        if method["customer"] is None:
            method["customer"] = customer["id"]
            self._store.tell("payment_method.attached", method)

    def default_of(self, customer: Object, subscription: Object | None = None) -> Object | None:
        """The payment method that would pay: the subscription's own default, else the customer's.
        One merely attached does not count.
        """
        own = subscription and (
            subscription["default_payment_method"] or subscription["default_source"]
        )
        id = (
            own
            or customer["invoice_settings"]["default_payment_method"]
            or customer["default_source"]
        )
        return self._store.objects["payment_method"].get(id) if id else None

    def refund(self, charge: Object, amount: int | None, **more: Any) -> Object:
        """Give back a charge, or a part. Raises StripeRefusal."""
        left = charge["amount"] - charge["amount_refunded"]
        if not charge["paid"]:
            raise StripeRefusal(
                f"Charge {charge['id']} did not succeed and cannot be refunded.", "charge"
            )
        if left <= 0:
            raise StripeRefusal(
                f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded"
            )
        if charge["disputed"]:
            raise StripeRefusal(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                None,
                "charge_disputed",
            )
        amount = left if amount is None else amount
        if amount < 1:
            raise StripeRefusal(
                "This value must be greater than or equal to 1.",
                "amount",
                "parameter_invalid_integer",
            )
        if amount > left:
            given, whole = money(amount, charge["currency"]), money(left, charge["currency"])
            raise StripeRefusal(
                f"Refund amount ({given}) is greater than unrefunded amount on charge ({whole})",
                "amount",
            )
        refund = self._store.make(
            "refund",
            stripe.Refund,
            amount=amount,
            charge=charge["id"],
            currency=charge["currency"],
            payment_intent=charge["payment_intent"],
            status="succeeded",
            **more,
        )
        with self._store.changing(charge, "charge.refunded"):
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._store.tell("refund.created", refund)
        return refund

    def dispute(self, charge: Object, reason: str) -> Object:
        """A customer disputes a charge."""
        charge["disputed"], kind = True, stripe.Dispute.EvidenceDetails
        details: Any = blank(
            kind,
            enhanced_eligibility=blank(kind.EnhancedEligibility),
            has_evidence=False,
            past_due=False,
            submission_count=0,
            submission_method="not_submitted",
        )
        dispute = self._store.make(
            "dispute",
            stripe.Dispute,
            amount=charge["amount"],
            charge=charge["id"],
            currency=charge["currency"],
            payment_intent=charge["payment_intent"],
            reason=reason,
            status="needs_response",
            is_charge_refundable=True,
            evidence=blank(
                stripe.Dispute.Evidence,
                enhanced_evidence=blank(stripe.Dispute.Evidence.EnhancedEvidence),
            ),
            evidence_details=details,
        )
        self._store.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: Object, status: str) -> None:
        """A dispute is `won` or `lost`."""
        dispute["status"] = status
        self._store.tell("charge.dispute.closed", dispute)


def must_take(method: Object, currency: str) -> None:
    """Raises StripeRefusal for a bank account that cannot be debited in a currency."""
    if not takes(method, currency):
        raise StripeRefusal(
            f"The currency provided ({currency}) is invalid for the payment method type"
            f" {method['type']}. Expected currency: {CURRENCIES[method['type']]}.",
            "currency",
        )


def takes(method: Object, currency: str) -> bool:
    """Whether a payment method can be used for a currency: a bank account only for its own."""
    return CURRENCIES.get(method["type"], currency) == currency


def _card_of(found: Card) -> Object:
    return blank(
        _Method.Card,
        brand=found.brand,
        country="US",
        display_brand=found.brand,
        exp_month=12,
        exp_year=2034,
        fingerprint=f"fp{found.number[-12:]}",
        funding="credit",
        last4=found.number[-4:],
    )


def _bank_of(found: BankAccount) -> Object:
    common = {"fingerprint": f"fp{found.number[-12:]}", "last4": found.number[-4:]}
    match found.type:
        case "sepa_debit":
            return blank(
                _Method.SepaDebit,
                bank_code=found.number[4:9],
                country=found.number[:2],
                **common,
            )
        case "us_bank_account":
            return blank(
                _Method.UsBankAccount,
                account_holder_type="individual",
                account_type="checking",
                bank_name="STRIPE TEST BANK",
                routing_number="110000000",
                **common,
            )
    return blank(_Method.BacsDebit, sort_code="108800", **common)
