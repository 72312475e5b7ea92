"""Phases of subscription schedules, as parameters give them and as objects show them."""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.calendar import period_end
from local.stripe_sim.billing.prices import currency_for, recurring_of, unit_amount
from local.stripe_sim.lifecycle.store import Store

_Phase = stripe.SubscriptionSchedule.Phase
_Settings = stripe.SubscriptionSchedule.DefaultSettings

PLAIN = ("collection_method", "default_payment_method", "description")


def settings_of(given: Object) -> Object:
    """The settings that hold for every phase that does not say otherwise."""
    kind = _Settings.InvoiceSettings
    terms = blank(kind, issuer=blank(kind.Issuer, type="self"))
    return blank(_Settings, billing_cycle_anchor="automatic") | {
        **given,
        "invoice_settings": terms | (given.get("invoice_settings") or {}),
    }


def phase_of(subscription: Object) -> Object:
    """The phase that a subscription is in without a schedule: its period that runs."""
    items = subscription["items"]["data"]
    held = [{"price": one["price"]["id"], "quantity": one["quantity"]} for one in items]
    return _phase(
        held,
        min(one["current_period_start"] for one in items),
        min(one["current_period_end"] for one in items),
        subscription["currency"],
        {name: subscription[name] for name in PLAIN}
        | {"metadata": dict(subscription["metadata"]), "trial_end": subscription["trial_end"]},
    )


def built_phases(
    store: Store, given: list[Object], start: int, currency: str | None
) -> list[Object]:
    """Phases as parameters say, one after the other from `start`. Raises StripeRefusal."""
    phases: list[Object] = []
    for place, wanted in enumerate(given):
        param = f"phases[{place}]"
        prices = [
            store.find("price", one.get("price"), f"{param}[items][{number}][price]")
            for number, one in enumerate(wanted.get("items") or [])
        ]
        if not prices:
            raise StripeRefusal(
                f"Missing required param: {param}[items].", f"{param}[items]", "parameter_missing"
            )
        paid_in = currency_for(store, prices, wanted.get("currency") or currency, None)
        for number, price in enumerate(prices):
            unit_amount(store, price, paid_in, f"{param}[items][{number}][price]")
        end = _end(wanted, start, prices[0], param)
        phases.append(_phase(wanted["items"], start, end, paid_in, wanted))
        start = end
    return phases


def phase_today(phases: list[Object], now: int) -> Object | None:
    """The phase that runs now."""
    return next((one for one in phases if one["start_date"] <= now < one["end_date"]), None)


def change_by(phase: Object, settings: Object) -> dict[str, Any]:
    """What a phase sets of a subscription, beside its items and its trial."""
    change: dict[str, Any] = {}
    for name in ("collection_method", "default_payment_method", "description"):
        value = phase[name] if phase[name] is not None else settings[name]
        if value is not None:
            change[name] = value
    terms = phase["invoice_settings"] or settings["invoice_settings"]
    if change.get("collection_method") == "send_invoice":
        change["days_until_due"] = terms["days_until_due"]
    if phase["metadata"]:
        change["metadata"] = phase["metadata"]
    if phase["discounts"]:
        change["discounts"] = [
            {name: value for name, value in one.items() if value} for one in phase["discounts"]
        ]
    return change


def items_change(subscription: Object, phase: Object) -> list[Object]:
    """The `items` that make a subscription what a phase has; empty if it is that already."""
    held = {one["price"]["id"]: one for one in subscription["items"]["data"]}
    wanted = {one["price"]: one["quantity"] for one in phase["items"]}
    if {price: one["quantity"] for price, one in held.items()} == wanted:
        return []
    gone = [one["id"] for price, one in held.items() if price not in wanted]
    fresh = [price for price in wanted if price not in held]
    change = [
        {"id": held[price]["id"], "quantity": quantity}
        for price, quantity in wanted.items()
        if price in held
    ]
    replaced = list(zip(gone, fresh, strict=False))
    change += [{"id": id, "price": price, "quantity": wanted[price]} for id, price in replaced]
    change += [{"id": id, "deleted": True} for id in gone[len(replaced) :]]
    return change + [
        {"price": price, "quantity": wanted[price]} for price in fresh[len(replaced) :]
    ]


def _end(wanted: Object, start: int, price: Object, param: str) -> int:
    if "end_date" in wanted and "duration" in wanted:
        raise StripeRefusal(
            "You may only specify one of these parameters: end_date, duration.",
            f"{param}[end_date]",
        )
    end = wanted.get("end_date")
    if end is None or end == "now":
        lasts = wanted.get("duration") or {}
        interval, count = recurring_of(price)
        interval = lasts.get("interval", interval)
        count = lasts.get("interval_count", 1) if lasts else count
        end = period_end(start, start, interval, count)
    if end <= start:
        raise StripeRefusal(
            "The end date of a phase must be after its start date.", f"{param}[end_date]"
        )
    return int(end)


def _phase(items: list[Object], start: int, end: int, currency: str, given: Any) -> Object:
    terms = given.get("invoice_settings")
    trial_end = end if given.get("trial") else given.get("trial_end")
    return blank(
        _Phase,
        currency=currency,
        discounts=[blank(_Phase.Discount, **one) for one in given.get("discounts") or []],
        end_date=end,
        invoice_settings=blank(_Phase.InvoiceSettings, **terms) if terms else None,
        items=[
            blank(
                _Phase.Item,
                metadata=dict(one.get("metadata") or {}),
                plan=one["price"],
                price=one["price"],
                quantity=one.get("quantity", 1),
            )
            for one in items
        ],
        metadata=dict(given.get("metadata") or {}),
        proration_behavior=given.get("proration_behavior", "create_prorations"),
        start_date=start,
        trial=bool(given.get("trial")) or None,
        trial_end=trial_end,
        **{name: given.get(name) for name in PLAIN},
    )
