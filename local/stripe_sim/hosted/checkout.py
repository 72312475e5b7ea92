"""Checkout and the portal: what a customer does on Stripe's pages."""

from collections.abc import Callable

import stripe

from local.stripe_sim.api.errors import StripeRefusal, declined
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.cards import Card
from local.stripe_sim.billing.intents import must_have_none_under_way
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.payments import (
    AUTHENTICATE,
    Payments,
    behaviour_of,
    refusal_of,
    test_method,
)
from local.stripe_sim.billing.periods import FINAL
from local.stripe_sim.billing.prices import currency_for, unit_amount
from local.stripe_sim.lifecycle.customers import make_customer
from local.stripe_sim.lifecycle.store import Store
from local.stripe_sim.lifecycle.subscriptions import Subscriptions


class Checkout:
    """What is done with Checkout and portal sessions."""

    def __init__(
        self,
        store: Store,
        payments: Payments,
        invoices: Invoices,
        subscriptions: Subscriptions,
        base: Callable[[], str],
    ) -> None:
        self._store, self._payments, self._invoices, self._subscriptions, self._base = (
            store,
            payments,
            invoices,
            subscriptions,
            base,
        )

    def create(self, wanted: Object) -> Object:
        """A session, as the parameters of `POST /v1/checkout/sessions` say. Raises
        StripeRefusal."""
        mode = wanted["mode"]
        if (
            mode == "setup"
            and not wanted.get("currency")
            and not wanted.get("allowed_payment_method_types")
        ):
            raise StripeRefusal(
                "Missing required param: currency.", "currency", "parameter_missing"
            )
        if mode != "setup" and not wanted.get("line_items"):
            raise StripeRefusal(
                "Missing required param: line_items.", "line_items", "parameter_missing"
            )
        if mode != "subscription" and "subscription_data" in wanted:
            raise StripeRefusal(
                "You can not pass `subscription_data` in a mode that is not `subscription`.",
                "subscription_data",
            )
        if not wanted.get("success_url") and wanted.get("ui_mode", "hosted_page") == "hosted_page":
            raise StripeRefusal(
                "Missing required param: success_url.", "success_url", "parameter_missing"
            )
        customer = (
            self._store.find("customer", wanted["customer"], "customer")
            if wanted.get("customer")
            else None
        )
        for line in wanted.get("line_items") or []:
            self._store.find("price", line.get("price"), "line_items[0][price]")
        session = self._made(wanted, customer)
        if mode == "setup":
            session["setup_intent"] = self.setup_intent(
                customer, (wanted.get("setup_intent_data") or {}).get("metadata")
            )["id"]
        return session

    def _made(self, wanted: Object, customer: Object | None) -> Object:
        kind = stripe.checkout.Session
        lines = wanted.get("line_items") or []
        prices = [self._store.find("price", line["price"]) for line in lines]
        currency = wanted.get("currency")
        if prices:
            usual = customer["currency"] if customer else None
            currency = currency_for(self._store, prices, currency, usual)
        cost = sum(
            unit_amount(self._store, price, currency or "usd", f"line_items[{place}][price]")
            * lines[place].get("quantity", 1)
            for place, price in enumerate(prices)
        )
        session = self._store.make(
            "checkout.session",
            kind,
            amount_total=cost if wanted["mode"] != "setup" else None,
            amount_subtotal=cost if wanted["mode"] != "setup" else None,
            automatic_tax=blank(kind.AutomaticTax, enabled=False),
            cancel_url=wanted.get("cancel_url"),
            client_reference_id=wanted.get("client_reference_id"),
            currency=currency or "usd",
            custom_text=blank(kind.CustomText),
            customer=customer and customer["id"],
            customer_email=wanted.get("customer_email"),
            expires_at=wanted.get("expires_at", self._store.second + days(1)),
            metadata=dict(wanted.get("metadata") or {}),
            mode=wanted["mode"],
            payment_method_collection=wanted.get("payment_method_collection", "always"),
            payment_method_types=["card"],
            payment_status="no_payment_required" if wanted["mode"] == "setup" else "unpaid",
            status="open",
            success_url=wanted.get("success_url"),
            ui_mode=wanted.get("ui_mode", "hosted_page"),
        )
        session["url"] = f"{self._base()}/c/pay/{session['id']}"
        session["_wanted"] = wanted
        return session

    def setup_intent(self, customer: Object | None, metadata: Object | None) -> Object:
        """An intent to save a card."""
        intent = self._store.make(
            "setup_intent",
            stripe.SetupIntent,
            customer=customer and customer["id"],
            metadata=dict(metadata or {}),
            payment_method_types=["card"],
            status="requires_payment_method",
            usage="off_session",
        )
        self._store.tell("setup_intent.created", intent)
        return intent

    def confirm_setup(self, intent: Object, method: Object) -> None:
        """Save the card of an intent, unless the bank asks first: then its status says so. Raises
        StripeRefusal for one that is declined.
        """
        behaviour = behaviour_of(method)
        card = behaviour if isinstance(behaviour, Card) else None
        if card and not card.attaches:
            raise refusal_of(card)
        intent["payment_method"] = method["id"]
        if card and card.secure and not method["_authenticated"]:
            intent["status"] = "requires_action"
            self._store.tell("setup_intent.requires_action", intent)
            return
        intent["status"] = "succeeded"
        self._store.tell("setup_intent.succeeded", intent)
        if intent["customer"]:
            self._payments.attach(method, self._store.find("customer", intent["customer"]))

    def complete(self, session: Object, card: str | None, authenticated: bool = False) -> None:
        """A customer fills in the page with a card, or with none where none is asked for. Raises
        StripeRefusal.
        """
        if session["status"] != "open":
            raise StripeRefusal(f"This Checkout session is {session['status']}.", "session")
        customer = self._customer_of(session)
        method = (
            self._checked_card(card, session, authenticated)
            if wants_card(session) or card
            else None
        )
        if session["mode"] == "setup":
            self._set_up(session, method)
        if method:
            self._payments.attach(method, customer)
        if session["mode"] == "subscription":
            self._subscribe(session, customer, method)
        session["status"], session["customer_details"] = (
            "complete",
            blank(
                stripe.checkout.Session.CustomerDetails,
                email=customer["email"],
                name=customer["name"],
                tax_exempt="none",
                tax_ids=[],
            ),
        )
        session["url"] = None
        self._store.tell("checkout.session.completed", session)

    def _customer_of(self, session: Object) -> Object:
        if session["customer"]:
            return self._store.find("customer", session["customer"])
        customer = make_customer(self._store, {"email": session["customer_email"]})
        session["customer"] = customer["id"]
        return customer

    def _checked_card(self, name: str | None, session: Object, authenticated: bool) -> Object:
        """The payment method of the card that was filled in; the page refuses one that cannot pay
        or be saved, and asks where the bank does.
        """
        behaviour = test_method(name or "")
        card = behaviour if isinstance(behaviour, Card) else None
        if (
            card
            and card.code
            and (not card.attaches or (session["mode"] != "setup" and not is_free(session)))
        ):
            raise refusal_of(card)
        if card and card.secure and not authenticated:
            raise StripeRefusal(AUTHENTICATE, "card", "authentication_required", 402, "card_error")
        return self._payments.make_method(name or "", authenticated)

    def _set_up(self, session: Object, method: Object | None) -> None:
        intent = self._store.find("setup_intent", session["setup_intent"])
        intent["customer"], intent["payment_method"], intent["status"] = (
            session["customer"],
            method and method["id"],
            "succeeded",
        )
        self._store.tell("setup_intent.succeeded", intent)

    def _subscribe(self, session: Object, customer: Object, method: Object | None) -> None:
        wanted = session["_wanted"]
        lines = [
            {"price": line["price"], "quantity": line.get("quantity", 1)}
            for line in wanted["line_items"]
        ]
        once = {one["id"] for one in self._store.all("price") if one["type"] == "one_time"}
        subscription = self._subscriptions.create(
            customer,
            {
                **(wanted.get("subscription_data") or {}),
                "items": [one for one in lines if one["price"] not in once],
                "add_invoice_items": [one for one in lines if one["price"] in once],
                "currency": session["currency"],
            },
            method,
            on_session=True,
        )
        session["subscription"], session["invoice"] = (
            subscription["id"],
            subscription["latest_invoice"],
        )
        invoice = self._store.find("invoice", subscription["latest_invoice"])
        session["payment_status"] = (
            "no_payment_required"
            if subscription["status"] == "trialing"
            else "paid"
            if invoice["status"] == "paid"
            else "unpaid"
        )

    def expire(self, session: Object) -> None:
        """Close an open session. Raises StripeRefusal."""
        if session["status"] != "open":
            raise StripeRefusal(
                'Only Checkout Sessions with a status in ["open"] can be expired. This Session has'
                f" a status of `{session['status']}`.",
                "session",
            )
        session["status"], session["url"] = "expired", None
        self._store.tell("checkout.session.expired", session)

    def portal(self, wanted: Object) -> Object:
        """A portal session. Raises StripeRefusal."""
        customer = self._store.find("customer", wanted["customer"], "customer")
        configuration = wanted.get("configuration")
        if (
            configuration
            and not self._store.find(
                "billing_portal.configuration", configuration, "configuration"
            )["active"]
        ):
            raise StripeRefusal("The configuration is not active.", "configuration")
        session = self._store.make(
            "billing_portal.session",
            stripe.billing_portal.Session,
            configuration=configuration or "bpc_default",
            customer=customer["id"],
            return_url=wanted.get("return_url"),
            url="",
        )
        session["url"] = f"{self._base()}/p/session/{session['id']}"
        return session

    def set_default_card(self, customer: Object, card: str) -> Object:
        """A customer gives a card or a bank account in the portal: it is saved, and is the
        customer's default.
        """
        method = self._payments.make_method(card, authenticated=True)
        self._payments.attach(method, customer)
        with self._store.changing(customer, "customer.updated"):
            customer["invoice_settings"] = customer["invoice_settings"] | {
                "default_payment_method": method["id"]
            }
        return method

    def portal_cancel(self, subscription: Object) -> None:
        """At the period's end: in flexible billing by `cancel_at`, in classic by the flag."""
        flexible = subscription["billing_mode"]["type"] == "flexible"
        with self._store.changing(subscription, "customer.subscription.updated"):
            end = min(item["current_period_end"] for item in subscription["items"]["data"])
            self._subscriptions.plan_cancel(subscription, end if flexible else None, not flexible)

    def portal_uncancel(self, subscription: Object) -> None:
        """Take a planned cancellation back."""
        with self._store.changing(subscription, "customer.subscription.updated"):
            self._subscriptions.plan_cancel(subscription, None, False)

    def portal_state(self, session_id: str) -> Object | None:
        """What the portal's page shows."""
        session = self._store.objects.get("billing_portal.session", {}).get(session_id)
        if session is None:
            return None
        customer = self._store.find("customer", session["customer"])
        mine = {
            kind: [one for one in self._store.all(kind) if one["customer"] == customer["id"]]
            for kind in ("subscription", "invoice")
        }
        return {
            "session": session,
            "allows": self._allowed(session["configuration"]),
            "customer": customer,
            "card": self._payments.default_of(customer),
            "subscriptions": [one for one in mine["subscription"] if one["status"] not in FINAL],
            "invoices": mine["invoice"],
        }

    def _allowed(self, configuration: str) -> frozenset[str]:
        """What a portal of this configuration lets a customer do. The default allows everything."""
        found = self._store.objects.get("billing_portal.configuration", {}).get(configuration)
        if found is None:
            return frozenset({"card", "cancel", "email"})
        features = found["features"]
        updates = features["customer_update"]
        allowed = {
            "card": features["payment_method_update"]["enabled"],
            "cancel": features["subscription_cancel"]["enabled"],
            "email": updates["enabled"] and "email" in (updates["allowed_updates"] or ()),
        }
        return frozenset(name for name, is_allowed in allowed.items() if is_allowed)

    def authenticate(self, invoice: Object) -> None:
        """A customer confirms with the bank, or pays by hand, on an invoice's page. Raises
        StripeRefusal, also while a debit is under way.
        """
        must_have_none_under_way(invoice, self._invoices.intents, "paid")
        customer = self._store.find("customer", invoice["customer"])
        method = self._payments.default_of(customer, self._invoices.subscription_of(invoice))
        if invoice["status"] != "open" or self._invoices.pay_by(
            invoice, method, on_session=True
        ) not in ("paid", "processing"):
            raise declined("The invoice was not paid.", decline_code="generic_decline")

    def debit_ended(self, invoice: Object) -> None:
        """Tell of a session that was completed with a bank account how its first debit ended."""
        for session in self._store.all("checkout.session"):
            if session["invoice"] == invoice["id"] and session["payment_status"] == "unpaid":
                paid = invoice["status"] == "paid"
                session["payment_status"] = "paid" if paid else "unpaid"
                what = "succeeded" if paid else "failed"
                self._store.tell(f"checkout.session.async_payment_{what}", session)


def is_free(session: Object) -> bool:
    """Whether nothing is to be paid at once."""
    data = session["_wanted"].get("subscription_data") or {}
    return "trial_end" in data or "trial_period_days" in data or session["amount_total"] == 0


def wants_card(session: Object) -> bool:
    """Whether the page asks for a card."""
    return (
        session["mode"] == "setup"
        or session["payment_method_collection"] == "always"
        or not is_free(session)
    )
