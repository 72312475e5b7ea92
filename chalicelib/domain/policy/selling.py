"""The parts of billing.toml that are about selling and about leaving, read and checked."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.policy.keys import Key, one_of, read, table, text, whole
from chalicelib.domain.policy.policy import CancelPolicy, CheckoutPolicy, RetentionOffer, Tariff

INTERVALS = {"day", "week", "month", "year"}
"""Stripe's, for how often a price is paid."""


CURRENCIES = (
    'currencies.eur = { lookup_keys = { month = "pro_monthly_eur" }, amounts = { month = 4500 } }'
)


_CHECKOUT = {
    "automatic_tax": Key(one_of(True, False), "automatic_tax = true", False, required=False),
    "tax_ids": Key(one_of(True, False), "tax_ids = true", False, required=False),
    "addresses": Key(one_of("auto", "required"), 'addresses = "required"', "auto", required=False),
    "promotion_codes": Key(one_of(True, False), "promotion_codes = true", False, required=False),
}


_CANCEL = {
    "withdrawal": Key(one_of(True, False), "withdrawal = true", False, required=False),
    "withdrawal_days": Key(whole(1, 60), "withdrawal_days = 14", 14, required=False),
    "now": Key(one_of(True, False), "now = true", False, required=False),
    "again_after_days": Key(whole(1, 3650), "again_after_days = 365", 365, required=False),
}


OFFER = 'too_expensive = { coupon = "STAY20" }, or { plan = "pro" }, or { pause_days = 60 }'


_ALTERNATIVES = {"pause_days": whole(1, 365), "plan": text, "coupon": text}


def lookup_keys(value: Any) -> str | None:
    """What is wrong with lookup keys by interval."""
    fits = (
        isinstance(value, dict)
        and value
        and set(value) <= INTERVALS
        and all(text(one) is None for one in value.values())
    )
    return None if fits else "must name a lookup key for at least one of day, week, month, year"


def amounts(value: Any) -> str | None:
    """What is wrong with amounts by interval."""
    fits = (
        isinstance(value, dict)
        and set(value) <= INTERVALS
        and all(whole(0, 10**9)(one) is None for one in value.values())
    )
    return None if fits else "must name an amount in minor units for some of day, week, month, year"


def currencies(value: Any) -> str | None:
    """What is wrong with what a plan costs in other currencies."""
    if not isinstance(value, dict) or not all(
        len(name) == 3 and name.isascii() and name.islower() and name.isalpha() for name in value
    ):
        return "must be tables by currency, each named in three small letters"
    for name, tariff in value.items():
        if not isinstance(tariff, dict) or not set(tariff) <= {"lookup_keys", "amounts"}:
            return f"{name} must have lookup_keys and may have amounts"
        wrong = lookup_keys(tariff.get("lookup_keys")) or amounts(tariff.get("amounts", {}))
        if wrong:
            return f"{name} {wrong}"
    return None


def tariffs(value: Mapping[str, Any]) -> dict[str, Tariff]:
    """What a plan costs in other currencies, once it has been checked."""
    return {
        name: Tariff(tariff["lookup_keys"], tariff.get("amounts", {}))
        for name, tariff in value.items()
    }


def read_checkout(raw: Mapping[str, Any], mistakes: list[str]) -> CheckoutPolicy:
    """The table `checkout`."""
    return CheckoutPolicy(
        **read(table(raw, "checkout", mistakes), _CHECKOUT, "checkout.", mistakes)
    )


def read_cancel(
    raw: Mapping[str, Any], plans: Collection[str], mistakes: list[str]
) -> CancelPolicy:
    """The table `cancel`."""
    held = table(raw, "cancel", mistakes)
    cancel = read(held, _CANCEL, "cancel.", mistakes, beside=("alternatives",))
    offers = held.get("alternatives", {})
    if not isinstance(offers, dict):
        mistakes.append(f"cancel.alternatives: must be a table by reason. Example: {OFFER}")
        offers = {}
    alternatives = {
        reason: alternative
        for reason, offer in offers.items()
        if (alternative := _alternative(reason, offer, plans, mistakes)) is not None
    }
    again_after = timedelta(days=365 if mistakes else cancel["again_after_days"])
    return CancelPolicy(
        alternatives,
        cancel["withdrawal_days"] if cancel["withdrawal"] is True else 0,
        cancel["now"] is True,
        again_after,
    )


def _alternative(
    reason: str, offer: Any, plans: Collection[str], mistakes: list[str]
) -> RetentionOffer | None:
    where = f"cancel.alternatives.{reason}"
    if reason not in REASONS:
        mistakes.append(f"{where}: no such reason. Known here: {', '.join(REASONS)}")
        return None
    if not isinstance(offer, dict) or len(offer) != 1 or not set(offer) <= set(_ALTERNATIVES):
        mistakes.append(f"{where}: must offer one of {', '.join(_ALTERNATIVES)}. Example: {OFFER}")
        return None
    ((kind, value),) = offer.items()
    wrong = _ALTERNATIVES[kind](value) or (
        f'there is no plan "{value}"' if kind == "plan" and value not in plans else None
    )
    if wrong:
        mistakes.append(f"{where}.{kind}: {wrong}. Example: {OFFER}")
        return None
    return (
        RetentionOffer("pause", days=value) if kind == "pause_days" else RetentionOffer(kind, value)
    )


REASONS = {
    "too_expensive": "It costs too much.",
    "missing_features": "Something is missing.",
    "switched_service": "Another service does it.",
    "unused": "It is not used.",
    "customer_service": "The service was not good.",
    "too_complex": "It is too hard to use.",
    "low_quality": "It is not good enough.",
    "other": "Something else.",
}
"""Why customers cancel: Stripe's words for it (`cancellation_details.feedback`)."""


PRORATE = {
    "now": (
        "The difference for the rest of the period is billed at once; what a smaller plan leaves"
        " over is kept as credit."
    ),
    "next_invoice": "The difference stands on the next invoice.",
    "none": "The rest of the period costs what it did.",
}
"""How a change of plan in the middle of a period is settled. A change of interval begins a new
period and bills it at once in any case.
"""
