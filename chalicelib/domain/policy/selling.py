"""Reads and checks the parts of billing.toml about Checkout and cancellation."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.policy.keys import Key, boolean, one_of, read_keys, table, text, whole_number
from chalicelib.domain.policy.policy import CancelPolicy, CheckoutPolicy, RetentionOffer
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS

PRORATE = {
    "now": (
        "The difference for the rest of the period is billed at once; that of a downgrade is kept"
        " as credit."
    ),
    "next_invoice": "The difference is on the next invoice.",
    "none": "The rest of the period costs what it did before.",
}
"""How a change of plan within a period is billed. A change of interval starts a new period and
bills it at once in any case.
"""


_CHECKOUT = {
    "automatic_tax": Key(boolean, "automatic_tax = true", False, required=False),
    "tax_ids": Key(boolean, "tax_ids = true", False, required=False),
    "addresses": Key(one_of("auto", "required"), 'addresses = "required"', "auto", required=False),
    "promotion_codes": Key(boolean, "promotion_codes = true", False, required=False),
}


_CANCEL = {
    "withdrawal": Key(boolean, "withdrawal = true", False, required=False),
    "withdrawal_days": Key(whole_number(1, 60), "withdrawal_days = 14", 14, required=False),
    "withdrawal_again_after_days": Key(
        whole_number(1, 3650), "withdrawal_again_after_days = 365", 365, required=False
    ),
    "withdrawal_again": Key(
        one_of("prorata", "refuse"), 'withdrawal_again = "prorata"', "prorata", required=False
    ),
    "now": Key(boolean, "now = true", False, required=False),
    "again_after_days": Key(whole_number(1, 3650), "again_after_days = 365", 365, required=False),
}


_OFFERS = {"pause_days": whole_number(1, 365), "plan": text, "coupon": text}
"""What a retention offer may be → the check of its value."""


_OFFER_EXAMPLE = (
    'too_expensive = { coupon = "STAY20" }, or { plan = "pro" }, or { pause_days = 60 }'
)


def read_checkout(raw: Mapping[str, Any], mistakes: list[str]) -> CheckoutPolicy:
    """The table `checkout`."""
    return CheckoutPolicy(
        **read_keys(table(raw, "checkout", mistakes), _CHECKOUT, "checkout.", mistakes)
    )


def read_cancel(
    raw: Mapping[str, Any], plans: Collection[str], mistakes: list[str]
) -> CancelPolicy:
    """The table `cancel`."""
    cancel = table(raw, "cancel", mistakes)
    values = read_keys(cancel, _CANCEL, "cancel.", mistakes, others=("alternatives",))
    offers = cancel.get("alternatives", {})
    if not isinstance(offers, dict):
        mistakes.append(
            f"cancel.alternatives: must be a table by reason. Example: {_OFFER_EXAMPLE}"
        )
        offers = {}
    alternatives = {
        reason: offer
        for reason, content in offers.items()
        if (offer := _offer(reason, content, plans, mistakes)) is not None
    }
    if mistakes:
        return CancelPolicy(alternatives)
    return CancelPolicy(
        alternatives,
        values["withdrawal_days"] if values["withdrawal"] is True else 0,
        values["now"] is True,
        timedelta(days=values["again_after_days"]),
        values["withdrawal_again"],
        timedelta(days=values["withdrawal_again_after_days"]),
    )


def _offer(
    reason: str, content: Any, plans: Collection[str], mistakes: list[str]
) -> RetentionOffer | None:
    where = f"cancel.alternatives.{reason}"
    if reason not in CANCELLATION_REASONS:
        mistakes.append(f"{where}: no such reason. Known here: {', '.join(CANCELLATION_REASONS)}")
        return None
    if not isinstance(content, dict) or len(content) != 1 or not set(content) <= set(_OFFERS):
        mistakes.append(
            f"{where}: must offer one of {', '.join(_OFFERS)}. Example: {_OFFER_EXAMPLE}"
        )
        return None
    ((kind, value),) = content.items()
    wrong = _OFFERS[kind](value)
    if kind == "plan" and not wrong and value not in plans:
        wrong = f'there is no plan "{value}"'
    if wrong:
        mistakes.append(f"{where}.{kind}: {wrong}. Example: {_OFFER_EXAMPLE}")
        return None
    if kind == "pause_days":
        return RetentionOffer("pause", days=value)
    return RetentionOffer(kind, value)
