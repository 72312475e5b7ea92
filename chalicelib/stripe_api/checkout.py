"""Stripe's Checkout sessions."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.billing.stripe_requests import NewCheckout
from chalicelib.domain.errors import Refused
from chalicelib.domain.policy.policy import CheckoutPolicy
from chalicelib.domain.stripe_objects.answers import CheckoutSession
from chalicelib.stripe_api import answers
from chalicelib.stripe_api.writer import OURS, StripeWriter, data_of


class StripeCheckout(StripeWriter):
    """Implements CheckoutApi (usecases/ports/stripe.py)."""

    def create(self, key: str, new: NewCheckout) -> CheckoutSession:
        """See CheckoutApi."""
        raw = self._write(
            "/v1/checkout/sessions",
            key,
            mode=new.order.mode,
            ui_mode="hosted_page",
            customer=new.customer,
            client_reference_id=new.account_id,
            metadata={**new.metadata, **OURS},
            success_url=new.success_url,
            cancel_url=new.cancel_url,
            **self._contents(new),
        )
        return answers.checkout_session(raw)

    def _contents(self, new: NewCheckout) -> Mapping[str, Any]:
        """The parameters of a purchase, or of saving a card."""
        # A purchase collects by itself what tax needs.
        needs_address = new.options.addresses == "required" or (
            new.order.mode == "setup" and new.options.automatic_tax
        )
        addresses = {"billing_address_collection": "required"} if needs_address else {}
        if new.order.mode == "setup":
            return {
                "currency": new.currency,
                "setup_intent_data": {"metadata": {"account_id": new.account_id}},
                **addresses,
            }
        if new.lookup_key is None:
            raise Refused("The plan has no lookup key in billing.toml.", "plan")
        price = self._price(new.lookup_key, new.currency)
        return {
            "line_items": [price.line(new.order.quantity)],
            "subscription_data": {"metadata": dict(new.metadata)},
            **price.options_in(new.currency),
            **addresses,
            **_purchase_options(new.options),
        }

    def session(self, id: str) -> CheckoutSession | None:
        """See CheckoutApi."""
        raw = self._transport.get(
            f"/v1/checkout/sessions/{id}", expand=["setup_intent.payment_method"]
        )
        return answers.checkout_session(raw) if raw else None

    def open_sessions(self, customer: str) -> list[CheckoutSession]:
        """See CheckoutApi."""
        page = self._transport.get(
            "/v1/checkout/sessions", customer=customer, status="open", limit=100
        )
        return [answers.checkout_session(raw) for raw in data_of(page)]

    def expire(self, id: str) -> None:
        """See CheckoutApi."""
        session = self._transport.get(f"/v1/checkout/sessions/{id}")
        if session and session.get("status") == "open":
            self._transport.post(f"/v1/checkout/sessions/{id}/expire")


def _purchase_options(options: CheckoutPolicy) -> dict[str, Any]:
    """What a purchase collects and calculates. Tax needs the customer's address, and a tax id its
    name: Checkout writes them to the customer only on request.
    """
    found: dict[str, Any] = {}
    if options.automatic_tax or options.tax_ids:
        found["customer_update"] = {"address": "auto", "name": "auto"}
    if options.automatic_tax:
        found["automatic_tax"] = {"enabled": True}
    if options.tax_ids:
        found["tax_id_collection"] = {"enabled": True}
    if options.promotion_codes:
        found["allow_promotion_codes"] = True
    return found
