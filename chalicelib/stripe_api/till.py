"""What Billhook has Stripe do. Each change goes out under a key of the caller's, so that it is made
once however often it is called for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.checkouts import Order
from chalicelib.domain.errors import Refused
from chalicelib.domain.policy import CheckoutPolicy
from chalicelib.stripe_api.calling import Raw
from chalicelib.stripe_api.making import OURS, Maker, data_of


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial to be started. `without_card` is Stripe's `missing_payment_method`."""

    account_id: str
    customer: str
    lookup_key: str
    ends_at: datetime
    without_card: str


@dataclass(frozen=True, slots=True)
class Sale:
    """A Checkout session to be made. `lookup_key` is of the price, for a purchase; `currency` is
    what a card is saved for; `asking` what else is asked for and reckoned.
    """

    account_id: str
    customer: str
    order: Order
    lookup_key: str | None
    currency: str
    success_url: str
    cancel_url: str
    asking: CheckoutPolicy = field(default_factory=CheckoutPolicy)


class Till(Protocol):
    """Raises Unavailable (the same again with the same key), Doubtful (look, then another key),
    CardDeclined, Refused.
    """

    def customers_with(self, email: str) -> list[Raw]:
        """The newest hundred customers with exactly this address, from a list that is never behind,
        as Stripe's search is.
        """

    def make_customer(self, key: str, account_id: str, email: str, name: str | None) -> Raw:
        """A new customer that names the account."""

    def start_trial(self, key: str, trial: Trial) -> Raw:
        """A trialing subscription without a card."""

    def make_checkout(self, key: str, sale: Sale) -> Raw:
        """A Checkout session."""

    def checkout(self, id: str) -> Raw | None:
        """A Checkout session, with its setup intent and the card in it."""

    def open_checkouts(self, customer: str) -> list[Raw]:
        """The Checkout sessions of a customer that can still be completed."""

    def expire_checkout(self, id: str) -> None:
        """Close a Checkout session; nothing if it is closed or completed already."""

    def portal(self, customer: str, return_url: str) -> Raw:
        """A session of Stripe's portal, as `python -m ops stripe apply` has set it up, or else as
        its owner has.
        """

    def set_default_card(
        self, key: str, customer: str, card: str, address: Raw | None = None
    ) -> Raw:
        """Make an attached card the customer's default, and the address that was given with it the
        customer's.
        """

    def reckon_tax(self, key: str, subscription: str) -> Raw:
        """Have Stripe Tax reckon what a subscription owes beside its price."""

    def set_subscription_card(self, key: str, subscription: str, card: str) -> Raw:
        """Make an attached card the default of a subscription that has one of its own."""

    def resume(self, key: str, subscription: str) -> Raw:
        """Resume a paused subscription, its period beginning now."""

    def pay(self, key: str, invoice: str) -> Raw:
        """Try to have an open invoice paid now."""

    def delete_customer(self, id: str) -> None:
        """Delete a customer for good, which ends its subscriptions at once; nothing if it is
        deleted already.
        """


class StripeTill(Maker):
    """The till at Stripe."""

    def customers_with(self, email: str) -> list[Raw]:
        """See Till."""
        return data_of(self._caller.get("/v1/customers", email=email, limit=100))

    def make_customer(self, key: str, account_id: str, email: str, name: str | None) -> Raw:
        """See Till."""
        return self._made(
            "/v1/customers",
            key,
            email=email,
            metadata={"account_id": account_id},
            **({"name": name} if name else {}),
        )

    def start_trial(self, key: str, trial: Trial) -> Raw:
        """See Till."""
        return self._made(
            "/v1/subscriptions",
            key,
            customer=trial.customer,
            items=[{"price": self._price(trial.lookup_key)}],
            trial_end=int(trial.ends_at.timestamp()),
            trial_settings={"end_behavior": {"missing_payment_method": trial.without_card}},
            metadata={"account_id": trial.account_id},
        )

    def make_checkout(self, key: str, sale: Sale) -> Raw:
        """See Till."""
        return self._made(
            "/v1/checkout/sessions",
            key,
            mode=sale.order.mode,
            ui_mode="hosted_page",
            customer=sale.customer,
            client_reference_id=sale.account_id,
            metadata={"account_id": sale.account_id, **OURS},
            success_url=sale.success_url,
            cancel_url=sale.cancel_url,
            **self._wares(sale),
        )

    def _wares(self, sale: Sale) -> Mapping[str, Any]:
        metadata = {"account_id": sale.account_id}
        taxed = (
            sale.order.mode == "setup" and sale.asking.automatic_tax
        )  # a purchase asks for what tax needs by itself
        addresses = (
            {"billing_address_collection": "required"}
            if taxed or sale.asking.addresses == "required"
            else {}
        )
        if sale.order.mode == "setup":
            return {
                "currency": sale.currency,
                "setup_intent_data": {"metadata": metadata},
                **addresses,
            }
        if sale.lookup_key is None:
            raise Refused("The plan has no lookup key in billing.toml.", "plan")
        line = {"price": self._price(sale.lookup_key), "quantity": sale.order.quantity}
        return {
            "line_items": [line],
            "subscription_data": {"metadata": metadata},
            **addresses,
            **_asked_for(sale.asking),
        }

    def checkout(self, id: str) -> Raw | None:
        """See Till."""
        return self._caller.get(
            f"/v1/checkout/sessions/{id}", expand=["setup_intent.payment_method"]
        )

    def open_checkouts(self, customer: str) -> list[Raw]:
        """See Till."""
        return data_of(
            self._caller.get("/v1/checkout/sessions", customer=customer, status="open", limit=100)
        )

    def expire_checkout(self, id: str) -> None:
        """See Till."""
        session = self._caller.get(f"/v1/checkout/sessions/{id}")
        if session and session.get("status") == "open":
            self._caller.post(f"/v1/checkout/sessions/{id}/expire")

    def portal(self, customer: str, return_url: str) -> Raw:
        """See Till. Under our own configuration: the account's default is only made in Stripe's
        dashboard, and may serve other things.
        """
        made = self._caller.all("/v1/billing_portal/configurations", active=True)
        ours = [one["id"] for one in made if OURS.items() <= (one.get("metadata") or {}).items()]
        configuration = {"configuration": ours[-1]} if ours else {}
        return self._made(
            "/v1/billing_portal/sessions",
            None,
            customer=customer,
            return_url=return_url,
            **configuration,
        )

    def set_default_card(
        self, key: str, customer: str, card: str, address: Raw | None = None
    ) -> Raw:
        """See Till."""
        living = (
            {"address": {name: value for name, value in address.items() if value}}
            if address
            else {}
        )
        return self._made(
            f"/v1/customers/{customer}",
            key,
            invoice_settings={"default_payment_method": card},
            **living,
        )

    def reckon_tax(self, key: str, subscription: str) -> Raw:
        """See Till."""
        return self._made(f"/v1/subscriptions/{subscription}", key, automatic_tax={"enabled": True})

    def set_subscription_card(self, key: str, subscription: str, card: str) -> Raw:
        """See Till."""
        return self._made(f"/v1/subscriptions/{subscription}", key, default_payment_method=card)

    def resume(self, key: str, subscription: str) -> Raw:
        """See Till. The anchor is an object since endive (2026-09-30)."""
        return self._made(
            f"/v1/subscriptions/{subscription}/resume", key, billing_cycle_anchor={"type": "now"}
        )

    def pay(self, key: str, invoice: str) -> Raw:
        """See Till."""
        return self._made(f"/v1/invoices/{invoice}/pay", key)

    def delete_customer(self, id: str) -> None:
        """See Till."""
        self._caller.delete(f"/v1/customers/{id}")


def _asked_for(asking: CheckoutPolicy) -> dict[str, Any]:
    """Of a purchase alone. Tax needs the address, and a tax id the name, on the customer: Checkout
    writes them there only if it is told to.
    """
    found: dict[str, Any] = {}
    if asking.automatic_tax or asking.tax_ids:
        found["customer_update"] = {"address": "auto", "name": "auto"}
    if asking.automatic_tax:
        found["automatic_tax"] = {"enabled": True}
    if asking.tax_ids:
        found["tax_id_collection"] = {"enabled": True}
    if asking.promotion_codes:
        found["allow_promotion_codes"] = True
    return found
