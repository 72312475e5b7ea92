"""Previews of invoices: the change is really made, on a copy of all that the customer has, and the
first draft that comes of it is shown.

So what is previewed is what will be charged: there is no second arithmetic.
"""

from typing import TYPE_CHECKING

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.items import make_item, pending_of
from local.stripe_sim.lifecycle.customers import make_customer

if TYPE_CHECKING:
    from local.stripe_sim.lifecycle.engine import Engine

CHANGES = (
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "items",
    "metadata",
    "proration_behavior",
    "proration_date",
    "trial_end",
)
"""What `subscription_details` shares with the update of a subscription."""


def preview(engine: "Engine", wanted: Object) -> Object:
    """The invoice that `POST /v1/invoices/create_preview` shows. Nothing is made. Raises
    StripeRefusal.
    """
    store, details = engine.store, wanted.get("subscription_details") or {}
    _check(wanted, details)
    subscription = (
        store.find("subscription", wanted["subscription"], "subscription")
        if wanted.get("subscription")
        else None
    )
    customer = subscription["customer"] if subscription else wanted.get("customer")
    if customer is not None:
        store.find("customer", customer, "customer")
    if subscription and wanted.get("customer", customer) != customer:
        raise StripeRefusal(
            f"The customer `{wanted['customer']}` does not have a subscription with ID"
            f" {subscription['id']}",
            "subscription",
        )
    copied = engine.copied(customer)
    invoice = _first_draft(copied, wanted, details, customer)
    if invoice is None:
        raise StripeRefusal(
            f"No upcoming invoices for customer: {customer}",
            "subscription",
            "invoice_upcoming_none",
            404,
        )
    id = f"upcoming_{invoice['id']}"
    invoice["lines"]["data"] = [line | {"invoice": id} for line in invoice["lines"]["data"]]
    return invoice | {"id": id, "created": store.second}


def _check(wanted: Object, details: Object) -> None:
    if not any(wanted.get(name) for name in ("customer", "customer_details", "subscription")):
        raise StripeRefusal(
            "You must provide one of customer, customer_details or subscription.",
            "customer",
            "parameter_missing",
        )
    if (
        wanted.get("preview_mode", "next") != "next"
        or wanted.get("schedule")
        or wanted.get("schedule_details")
    ):
        raise StripeRefusal(
            "The simulated Stripe previews the next invoice of subscriptions only.", "preview_mode"
        )
    if "proration_date" in details:
        if not wanted.get("subscription") or not (
            "items" in details or "trial_end" in details or "billing_cycle_anchor" in details
        ):
            raise StripeRefusal(
                "A proration date needs a subscription and a change of it.",
                "subscription_details[proration_date]",
            )
        if details.get("proration_behavior") == "none":
            raise StripeRefusal(
                "You cannot specify a proration date with a proration behavior of none.",
                "subscription_details[proration_date]",
            )


def _first_draft(
    copied: "Engine", wanted: Object, details: Object, customer_id: str | None
) -> Object | None:
    store = copied.store
    customer = (
        store.find("customer", customer_id)
        if customer_id
        else make_customer(store, _plain(wanted["customer_details"]))
    )
    for item in wanted.get("invoice_items") or []:
        make_item(store, customer, item)
    store.events.clear()
    change = {name: details[name] for name in CHANGES if name in details}
    discounts = {"discounts": wanted["discounts"] or []} if "discounts" in wanted else {}
    if wanted.get("subscription"):
        subscription = store.find("subscription", wanted["subscription"])
        if details.get("cancel_now"):
            prorated = details.get("proration_behavior", "create_prorations") != "none"
            copied.subscriptions.cancel(subscription, invoice_now=True, prorate_it=prorated)
            return _drafted(copied)
        if change or discounts:
            copied.subscriptions.update(subscription, change | discounts)
        if not _drafted(copied) and copied.subscriptions.will_renew(subscription):
            copied.subscriptions.renew_early(subscription)
    elif details.get("items"):
        copied.subscriptions.create(
            customer,
            change
            | discounts
            | {
                "payment_behavior": "default_incomplete",
                "currency": wanted.get("currency"),
            },
        )
    else:
        pending = pending_of(store, customer, wanted.get("currency") or customer["currency"])
        if pending:
            copied.invoices.make(
                customer,
                "upcoming",
                [],
                None,
                store.second,
                store.second,
                pending[0]["currency"],
                pending=pending,
            )
    return _drafted(copied)


def _drafted(copied: "Engine") -> Object | None:
    found: list[Object] = [
        event["data"]["object"]
        for event in copied.store.events
        if event["type"] == "invoice.created"
    ]
    return found[0] if found else None


def _plain(details: Object) -> Object:
    return {name: value for name, value in details.items() if name in ("address", "tax_exempt")}
