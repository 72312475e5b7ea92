"""How subscriptions begin: on trial, paid, or incomplete."""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.calendar import days, period_end
from local.stripe_sim.billing.cards import Card
from local.stripe_sim.billing.discounts import (
    discounts_for,
    net,
    refuse_for_item,
    standing,
    take_off,
)
from local.stripe_sim.billing.drafts import DRAFT_SECONDS, NOT_TAXED, can_be_taxed
from local.stripe_sim.billing.items import make_item, subscription_of
from local.stripe_sim.billing.payments import NO_CARD, behaviour_of, must_take, refusal_of
from local.stripe_sim.billing.prices import (
    currency_for,
    is_metered,
    plan_of,
    recurring_of,
    unit_amount,
)
from local.stripe_sim.lifecycle.customers import settle_currency
from local.stripe_sim.lifecycle.subscription_clock import NOTICE_SECONDS, SubscriptionClock

NEEDS_ACTION = (
    "Payment for this subscription requires additional user action, but the requested payment"
    " behavior doesn't save the invoice or PaymentIntent. Retry the request with"
    " `payment_behavior=allow_incomplete` or `payment_behavior=default_incomplete`, then complete"
    " the PaymentIntent on the subscription's latest invoice. Additional information is available"
    " here: https://stripe.com/docs/billing/subscriptions/overview#requires-action"
)


class SubscriptionStart(SubscriptionClock):
    """Subscriptions that can be made."""

    def create(
        self,
        customer: Object,
        wanted: Object,
        method: Object | None = None,
        on_session: bool = False,
    ) -> Object:
        """A subscription as the parameters of `POST /v1/subscriptions` say. `method` is the card
        that a Checkout collected. Raises StripeRefusal.
        """
        trial_end = self._trial_end(wanted)
        behaviour = wanted.get("payment_behavior", "allow_incomplete")
        if behaviour == "pending_if_incomplete":
            raise StripeRefusal(
                "Setting `payment_behavior` to `pending_if_incomplete` has no effect when creating"
                " a subscription.",
                "payment_behavior",
            )
        check_terms(wanted, wanted.get("collection_method", "charge_automatically"))
        if (wanted.get("automatic_tax") or {}).get("enabled") and not can_be_taxed(customer):
            raise NOT_TAXED
        subscription = self._made(customer, wanted, trial_end, method)
        start, end = self._period_of(subscription)
        if wanted.get("cancel_at_period_end") or wanted.get("cancel_at"):
            at_period_end = bool(wanted.get("cancel_at_period_end"))
            self.plan_cancel(
                subscription,
                self._cancel_moment(subscription, wanted.get("cancel_at", "")),
                at_period_end,
            )
        # Its first payment shows in the event of its creation.
        with self._store.quietly(subscription):
            if trial_end:
                subscription["status"] = "trialing"
                self._begin_trial(subscription, customer, method, on_session)
            elif subscription["collection_method"] == "send_invoice":
                subscription["status"] = "active"
                self._first_invoice(subscription, self._lines(subscription, start, end))
            else:
                self._begin_paying(subscription, customer, method, behaviour, on_session)
        self._store.tell("customer.subscription.created", subscription)
        if trial_end and trial_end - self._store.second <= NOTICE_SECONDS:
            self._give_notice(subscription)
        return subscription

    def _made(
        self, customer: Object, wanted: Object, trial_end: int | None, method: Object | None
    ) -> Object:
        """The subscription with its items and discounts, not paid yet. What is refused leaves
        nothing behind.
        """
        card = wanted.get("default_payment_method")
        if card:
            self._store.find("payment_method", card, "default_payment_method")
        currency = self._currency(customer, wanted)
        subscription = self._store.make(
            "subscription",
            stripe.Subscription,
            **_terms(wanted, trial_end, self._store.second),
            currency=currency,
            customer=customer["id"],
            default_payment_method=method["id"] if method else card,
            status="incomplete",
            items={"object": "list", "data": [], "has_more": False, "url": ""},
        )
        subscription["items"]["url"] = f"/v1/subscription_items?subscription={subscription['id']}"
        subscription["_debits"], subscription["_invoices"] = {}, []
        try:
            self._fill(subscription, customer, wanted, trial_end)
        except StripeRefusal:
            self._forget(subscription)
            raise
        return subscription

    def _currency(self, customer: Object, wanted: Object) -> str:
        """The currency in which all of the wanted prices are sold, and the customer's from now
        on.
        """
        prices = [
            self._recurring(line, f"items[{place}][price]")
            for place, line in enumerate(wanted.get("items") or [])
        ]
        if not prices:
            raise StripeRefusal("Missing required param: items.", "items", "parameter_missing")
        currency = currency_for(self._store, prices, wanted.get("currency"), customer["currency"])
        for place, price in enumerate(prices):
            unit_amount(self._store, price, currency, f"items[{place}][price]")
        settle_currency(self._store, customer, currency, "currency")
        return currency

    def _fill(
        self, subscription: Object, customer: Object, wanted: Object, trial_end: int | None
    ) -> None:
        """Give a new subscription its items, its discounts, and what its first invoice takes."""
        for line in wanted["items"]:
            self._add_item(subscription, line, trial_end)
        currency, id = subscription["currency"], subscription["id"]
        subscription["discounts"] = discounts_for(
            self._store, wanted.get("discounts"), customer, currency, [], subscription=id
        )
        for one in wanted.get("add_invoice_items") or []:
            make_item(self._store, customer, {**one, "subscription": id, "currency": currency})

    def _recurring(self, line: Object, param: str) -> Object:
        """The price that an item names. Raises StripeRefusal for one that cannot be
        subscribed to."""
        price = self._store.find("price", line.get("price"), param)
        if price["type"] != "recurring":
            raise StripeRefusal(
                "The price specified is set to `type=one_time` but this field only accepts prices"
                " with `type=recurring`.",
                param,
            )
        if not price["active"]:
            raise StripeRefusal(
                "The price specified is inactive. This field only accepts active prices.", param
            )
        return price

    def _add_item(self, subscription: Object, line: Object, trial_end: int | None) -> None:
        refuse_for_item(line, "items[0]")
        price = self._recurring(line, "items[0][price]")
        if price["id"] in {item["price"]["id"] for item in subscription["items"]["data"]}:
            raise StripeRefusal(
                f"Cannot add multiple subscription items with the same plan: {price['id']}."
                " Consider using `quantity` instead.",
                "items[0][price]",
            )
        now, anchor = self._store.second, subscription["billing_cycle_anchor"]
        end = trial_end or period_end(now, anchor, *recurring_of(price))
        item = self._store.make(
            "subscription_item",
            stripe.SubscriptionItem,
            current_period_start=now,
            current_period_end=end,
            price=price,
            plan=plan_of(price),
            quantity=quantity_of(price, line, "items[0]"),
            subscription=subscription["id"],
        )
        subscription["items"]["data"].append(item)

    def _trial_end(self, wanted: Object) -> int | None:
        end, trial_days = wanted.get("trial_end"), wanted.get("trial_period_days")
        if end is not None and trial_days is not None:
            raise StripeRefusal(
                "You may only specify one of these parameters: trial_end, trial_period_days.",
                "trial_end",
            )
        if trial_days is not None:
            if not 1 <= trial_days <= 730:
                raise StripeRefusal(
                    "trial_period_days must be between 1 and 730.", "trial_period_days"
                )
            return self._store.second + days(trial_days)
        if end in (None, "now"):
            return None
        return self._future_trial_end(end)

    def _future_trial_end(self, end: Any) -> int:
        if end <= self._store.second:
            raise StripeRefusal(
                "Invalid timestamp: must be an integer Unix timestamp in the future.",
                "trial_end",
                "parameter_invalid_integer",
            )
        if end > self._store.second + days(730):
            raise StripeRefusal(
                "The maximum number of trial period days is 730 (2 years).", "trial_end"
            )
        return int(end)

    def _begin_paying(
        self,
        subscription: Object,
        customer: Object,
        method: Object | None,
        behaviour: str,
        on_session: bool,
    ) -> None:
        start, end = self._period_of(subscription)
        card = method or self._payments.default_of(customer, subscription)
        lines = self._lines(subscription, start, end)
        take_off(self._store, standing(self._store, subscription["discounts"]), lines)
        fees = sum(item["amount"] for item in self._pending_of(subscription))
        due = sum(net(line) for line in lines) + fees
        if card is None and behaviour != "default_incomplete" and due > 0:
            self._forget(subscription)
            raise StripeRefusal(NO_CARD, None, "resource_missing")
        if card is not None and behaviour != "default_incomplete":
            self._check_method(subscription, card, behaviour, on_session)
        invoice = self._first_invoice(subscription, lines)
        if invoice["status"] == "open" and behaviour != "default_incomplete":
            self._invoices.pay_by(invoice, card, on_session=on_session)

    def _begin_trial(
        self, subscription: Object, customer: Object, method: Object | None, on_session: bool
    ) -> None:
        """The first invoice of a trial costs nothing but what is pending; that is paid at once, and
        the trial runs whatever comes of it.
        """
        invoice = self._first_invoice(subscription, self._free_lines(subscription))
        card = method or self._payments.default_of(customer, subscription)
        if invoice["status"] == "open" and card:
            self._invoices.pay_by(invoice, card, on_session=on_session)

    def _check_method(
        self, subscription: Object, method: Object, behavior: str, on_session: bool
    ) -> None:
        """Refuse before anything is made: a bank account in another currency, and where a
        subscription is only wanted if its first payment succeeds, a card that does not pay.
        """
        try:
            must_take(method, subscription["currency"])
            card = behaviour_of(method)
            if behavior == "error_if_incomplete" and isinstance(card, Card):
                if card.code:
                    raise refusal_of(card)
                if card.secure and not on_session:
                    raise StripeRefusal(
                        NEEDS_ACTION,
                        None,
                        "subscription_payment_intent_requires_action",
                        402,
                        "card_error",
                    )
        except StripeRefusal:
            self._forget(subscription)
            raise

    def _forget(self, subscription: Object) -> None:
        del self._store.objects["subscription"][subscription["id"]]
        items = self._store.objects.setdefault("invoiceitem", {})
        for item in [one for one in items.values() if subscription_of(one) == subscription["id"]]:
            del items[item["id"]]

    def _first_invoice(self, subscription: Object, lines: list[Object]) -> Object:
        invoice = self._invoice(subscription, "subscription_create", lines)
        if subscription["collection_method"] == "send_invoice" and invoice["amount_due"] > 0:
            invoice["automatically_finalizes_at"] = invoice["_finalize_at"] = (
                self._store.second + DRAFT_SECONDS
            )
        else:
            self._invoices.finalize(invoice)
        return invoice


def quantity_of(price: Object, line: Object, param: str, usual: int = 1) -> int | None:
    """How many an item is; of a metered price none. Raises StripeRefusal if a number is given."""
    if not is_metered(price):
        return int(line.get("quantity", usual))
    if "quantity" in line:
        raise StripeRefusal(
            "Quantity should not be specified where usage_type is `metered`. Remove quantity from"
            f" `{param}`",
            f"{param}[quantity]",
        )
    return None


def check_terms(wanted: Object, method: str) -> None:
    """Raises StripeRefusal where the days until an invoice is due do not fit its collection."""
    due = wanted.get("days_until_due")
    if due is not None and method != "send_invoice":
        raise StripeRefusal(
            "You can only specify 'days_until_due' if invoice collection method is 'send_invoice'."
        )
    if due is None and method == "send_invoice" and "collection_method" in wanted:
        raise StripeRefusal(
            "If invoice collection method is 'send_invoice', you must specify 'days_until_due'."
        )


def _terms(wanted: Object, trial_end: int | None, now: int) -> Object:
    """What the parameters alone say of a new subscription."""
    kind = stripe.Subscription
    anchor = wanted.get("billing_cycle_anchor")
    payment = wanted.get("payment_settings") or {}
    trial = (wanted.get("trial_settings") or {}).get("end_behavior", {})
    return {
        "automatic_tax": blank(
            kind.AutomaticTax, enabled=bool((wanted.get("automatic_tax") or {}).get("enabled"))
        ),
        "billing_cycle_anchor": trial_end or (anchor if isinstance(anchor, int) else None) or now,
        "billing_mode": blank(
            kind.BillingMode,
            type=(wanted.get("billing_mode") or {}).get("type", "flexible"),
            updated_at=now,
        ),
        "cancel_at_period_end": False,
        "cancellation_details": blank(kind.CancellationDetails),
        "collection_method": wanted.get("collection_method", "charge_automatically"),
        "days_until_due": wanted.get("days_until_due"),
        "description": wanted.get("description"),
        "invoice_settings": blank(
            kind.InvoiceSettings, issuer=blank(kind.InvoiceSettings.Issuer, type="self")
        ),
        "metadata": dict(wanted.get("metadata") or {}),
        "payment_settings": blank(
            kind.PaymentSettings,
            save_default_payment_method=payment.get("save_default_payment_method", "off"),
            payment_method_types=payment.get("payment_method_types") or None,
        ),
        "start_date": now,
        "trial_start": now if trial_end else None,
        "trial_end": trial_end,
        "trial_settings": blank(
            kind.TrialSettings,
            end_behavior=blank(
                kind.TrialSettings.EndBehavior,
                missing_payment_method=trial.get("missing_payment_method", "create_invoice"),
            ),
        ),
    }
