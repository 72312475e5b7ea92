"""The texts and values of the pages that cancel a subscription."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import Offer, access_ends, may_withdraw
from chalicelib.domain.policy.policy import Policy, RetentionOffer
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.customer import zone_of

REASONS: Mapping[str, str] = {
    "too_expensive": "It costs too much",
    "missing_features": "Something that I need is missing",
    "switched_service": "I use another service",
    "unused": "I do not use it enough",
    "too_complex": "It is too hard to use",
    "low_quality": "It does not work well enough",
    "customer_service": "I was not helped well enough",
    "other": "Something else",
}
"""Stripe's reason (domain/policy/reasons.py) → the text that a customer chooses."""


def cancel_view(account: Account, policy: Policy) -> dict[str, Any]:
    """The values of the page that asks for the reason."""
    return {"reasons": REASONS, "ends_on": ends_on(account, policy)}


LABELS = {"pause": "Pause instead", "plan": "See what it costs", "coupon": "Stay with the discount"}
"""Kind of retention offer → the label of its button."""


def confirm_view(
    account: Account,
    policy: Policy,
    offer: Offer | None,
    reason: str | None,
    comment: str,
    now: datetime,
) -> dict[str, Any]:
    """The values of the page that confirms a cancellation: the retention offer, the day on which
    access ends, and the kinds of cancellation that billing.toml allows.
    """
    zone = zone_of(account, policy)
    return {
        "offer_words": _offer_text(offer, policy, now, zone) if offer else "",
        "offer_label": LABELS[offer.alternative.kind] if offer else "",
        "reason": reason or "",
        "comment": comment,
        "ends_on": ends_on(account, policy),
        "may_now": policy.cancel.now and ends_on(account, policy) != "",
        "may_withdraw": may_withdraw(account, policy, now),
        "today": spoken_day(now, zone),
    }


def _offer_text(offer: Offer, policy: Policy, now: datetime, zone: ZoneInfo) -> str:
    match offer.alternative:
        case RetentionOffer("pause", _, days):
            return (
                "Pause it instead: nothing is charged until"
                f" {spoken_day(now + timedelta(days=days), zone)}. Then it continues as before."
            )
        case RetentionOffer("plan", plan, _):
            return (
                f"The plan {policy.plan_name(plan)} costs less. You see what changes before you"
                " decide."
            )
    return f"Stay, and get {_discount(offer.coupon)}." if offer.coupon else ""


def _discount(coupon: Coupon) -> str:
    """What a coupon takes off, and for how long, in words."""
    off = (
        f"{coupon.percent_off:g} % off"
        if coupon.percent_off
        else f"{money(coupon.amount_off or 0, coupon.currency or 'usd')} off"
    )
    durations = {"once": " your next invoice", "forever": " every invoice from now on"}
    return off + (
        f" for {coupon.months} months"
        if coupon.months
        else durations.get(coupon.duration or "", "")
    )


def ends_on(account: Account, policy: Policy) -> str:
    """The day on which access ends after a cancellation; empty if it ends at once."""
    ends = access_ends(account)
    return spoken_day(ends, zone_of(account, policy)) if ends else ""
