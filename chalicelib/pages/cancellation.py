"""The values of the pages that cancel a subscription."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import Offer, access_ends, may_withdraw
from chalicelib.domain.policy.policy import Policy, RetentionOffer
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.localization.amounts import money, percentage
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.texts import text


def cancel_view(account: Account, policy: Policy, language: str) -> dict[str, Any]:
    """The values of the page that asks for the reason."""
    return {"reasons": CANCELLATION_REASONS, "ends_on": ends_on(account, policy, language)}


def confirm_view(
    account: Account,
    policy: Policy,
    offer: Offer | None,
    reason: str | None,
    comment: str,
    now: datetime,
    language: str,
) -> dict[str, Any]:
    """The values of the page that confirms a cancellation: the retention offer, the day on which
    access ends, and the kinds of cancellation that billing.toml allows.
    """
    zone = zone_of(account, policy.mail)
    return {
        "offer_words": _offer_text(offer, policy, now, zone, language) if offer else "",
        "offer_label": text(f"cancel.take_{offer.alternative.kind}", language) if offer else "",
        "reason": reason or "",
        "comment": comment,
        "ends_on": ends_on(account, policy, language),
        "may_now": policy.cancel.now and ends_on(account, policy, language) != "",
        "may_withdraw": may_withdraw(account, policy, now),
        "today": spoken_day(now, zone, language),
    }


def _offer_text(offer: Offer, policy: Policy, now: datetime, zone: ZoneInfo, language: str) -> str:
    match offer.alternative:
        case RetentionOffer("pause", _, days):
            day = spoken_day(now + timedelta(days=days), zone, language)
            return text("cancel.offer_pause", language, day=day)
        case RetentionOffer("plan", plan, _):
            return text("cancel.offer_plan", language, plan=policy.plan_name(plan))
    if offer.coupon is None:
        return ""
    discount = _discount(offer.coupon, policy, language)
    return text("cancel.offer_coupon", language, discount=discount)


def _discount(coupon: Coupon, policy: Policy, language: str) -> str:
    """What a coupon takes off, and for how long, in words."""
    if coupon.percent_off:
        off = text("discount.percent", language, percent=percentage(coupon.percent_off, language))
    else:
        amount = money(coupon.amount_off or 0, coupon.currency or policy.currency, language)
        off = text("discount.amount", language, amount=amount)
    if coupon.months:
        return text("discount.months", language, off=off, n=coupon.months)
    if coupon.duration in {"once", "forever"}:
        return text(f"discount.{coupon.duration}", language, off=off)
    return off


def ends_on(account: Account, policy: Policy, language: str) -> str:
    """The day on which access ends after a cancellation; empty if it ends at once."""
    ends = access_ends(account)
    return spoken_day(ends, zone_of(account, policy.mail), language) if ends else ""
