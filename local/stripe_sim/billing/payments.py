"""Cards and money: payment methods, charges, refunds, disputes, and the try to pay an invoice."""

from typing import Any

import stripe

from chalicelib.localization.amounts import money
from local.stripe_sim.api.errors import StripeRefusal, declined
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.cards import Card, card
from local.stripe_sim.lifecycle.store import Store

DECLINES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
}
AUTHENTICATE = (
    "This payment requires additional user action before it can be completed successfully."
)
NO_CARD = "This customer has no attached payment source or default payment method."


def refused_card(method: Object) -> StripeRefusal:
    """What Stripe says of a card that does not pay."""
    behaviour = card(method["_card"])
    code = (behaviour and behaviour.decline) or "generic_decline"
    return declined(DECLINES[code], code)


class Payments:
    """What is done with cards."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make_method(self, name: str, authenticated: bool = False) -> Object:
        """A payment method of a test card. Raises StripeRefusal."""
        found = card(name)
        if found is None:
            raise StripeRefusal(f"No such token: '{name}'", "card", "resource_missing")
        method = self._store.make(
            "payment_method",
            stripe.PaymentMethod,
            type="card",
            allow_redisplay="unspecified",
            billing_details=blank(
                stripe.PaymentMethod.BillingDetails,
                address=blank(stripe.PaymentMethod.BillingDetails.Address),
            ),
            card=blank(
                stripe.PaymentMethod.Card,
                brand=found.brand,
                country="US",
                display_brand=found.brand,
                exp_month=12,
                exp_year=2034,
                fingerprint=f"fp{found.number[-12:]}",
                funding="credit",
                last4=found.number[-4:],
            ),
        )
        method["_card"], method["_authenticated"] = found.number, authenticated
        return method

    def attach(self, method: Object, customer: Object) -> None:
        """Save a payment method with a customer. Raises StripeRefusal for a card that cannot be
        saved.
        """
        behaviour = card(method["_card"])
        if behaviour and not behaviour.attaches:
            raise declined(
                DECLINES[behaviour.decline or "generic_decline"],
                behaviour.decline or "generic_decline",
            )
        if method["customer"] not in (None, customer["id"]):
            raise StripeRefusal(
                "The payment method you provided has already been attached to a customer.",
                "payment_method",
            )
        if method["customer"] is None:
            method["customer"] = customer["id"]
            self._store.tell("payment_method.attached", method)

    def default_of(self, customer: Object, subscription: Object | None = None) -> Object | None:
        """The card that would pay: the subscription's own default, else the customer's. One merely
        attached does not count.
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

    def charge(
        self,
        customer: Object,
        method: Object | None,
        amount: int,
        currency: str,
        description: str,
        on_session: bool = False,
    ) -> Object:
        """Try to take money: a payment intent, and a charge in it unless the bank asks first. Its
        `status` says what came of it.
        """
        intent = self._store.make(
            "payment_intent",
            stripe.PaymentIntent,
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            capture_method="automatic",
            confirmation_method="automatic",
            currency=currency,
            customer=customer["id"],
            description=description,
            payment_method=method and method["id"],
            status="requires_payment_method",
        )
        self._store.tell("payment_intent.created", intent, extra=True)
        behaviour = card(method["_card"]) if method else None
        if method is None or behaviour is None:
            return intent
        if not on_session and (
            behaviour.secure == "always"
            or (behaviour.secure == "once" and not method["_authenticated"])
        ):
            intent["status"] = "requires_action"
            self._store.tell("payment_intent.requires_action", intent, extra=True)
            return intent
        charge = self._charge(customer, method, amount, currency, description, behaviour, intent)
        intent["latest_charge"] = charge["id"]
        intent["status"] = "succeeded" if charge["paid"] else "requires_payment_method"
        intent["amount_received"] = amount if charge["paid"] else 0
        self._store.tell(
            f"payment_intent.{'succeeded' if charge['paid'] else 'payment_failed'}",
            intent,
            extra=True,
        )
        return intent

    def _charge(
        self,
        customer: Object,
        method: Object,
        amount: int,
        currency: str,
        description: str,
        behaviour: Card,
        intent: Object,
    ) -> Object:
        paid = behaviour.decline is None
        return self._store.make(
            "charge",
            stripe.Charge,
            amount=amount,
            amount_captured=amount if paid else 0,
            amount_refunded=0,
            billing_details=blank(
                stripe.Charge.BillingDetails, address=blank(stripe.Charge.BillingDetails.Address)
            ),
            captured=paid,
            currency=currency,
            customer=customer["id"],
            description=description,
            disputed=False,
            failure_code=None if paid else "card_declined",
            failure_message=None if paid else DECLINES[behaviour.decline or "generic_decline"],
            paid=paid,
            payment_intent=intent["id"],
            payment_method=method["id"],
            refunded=False,
            status="succeeded" if paid else "failed",
        )

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
