"""Reads what Stripe's discounts give, in every shape since 2022-11-15. Where a field moved, the
line says in which version.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from chalicelib.domain.stripe_objects.recurring import DiscountTerms, percent_text
from chalicelib.stripe_api.fields import (
    identity,
    if_readable,
    mapping,
    reference,
    when,
    whole,
    words,
)
from chalicelib.stripe_api.transport import Raw
from chalicelib.values import replace

FOR_ONE = (
    "subscription",
    "subscription_item",
    "invoice",
    "invoice_item",
    "checkout_session",
)
"""The fields that say what a discount is for (docs.stripe.com/api/discounts/object): without any of
them it is for all that its customer has.
"""


def discount_terms(raw: Raw, at: datetime) -> DiscountTerms:
    """The terms of a discount as told at that time; without what it gives if its coupon is not told
    whole. The coupon is in `source` since clover (2025-09-30), as an id unless it is expanded.
    """
    coupon = mapping(mapping(raw.get("source")).get("coupon")) or mapping(raw.get("coupon"))
    for_one = any(raw.get(name) for name in FOR_ONE)
    terms = DiscountTerms(
        start=when(raw.get("start")) or at,
        told_at=at,
        end=when(raw.get("end")),
        customer=None if for_one else reference(raw.get("customer")),
    )
    return _with_coupon(terms, coupon) if coupon else terms


def _with_coupon(terms: DiscountTerms, coupon: Raw) -> DiscountTerms:
    percent = coupon.get("percent_off")
    return replace(
        terms,
        duration=words(coupon, "duration"),
        percent_off=percent_text(float(percent)) if isinstance(percent, int | float) else None,
        amount_off=whole(coupon, "amount_off"),
        currency=words(coupon, "currency"),
    )


def terms_in_customer(raw: Raw, at: datetime | None = None) -> dict[str, DiscountTerms]:
    """The terms of the discount for all that a customer has, by its id, as told at that time or
    when it began: at most one (docs.stripe.com/api/customers/object). Without what it gives if its
    coupon is not told whole.
    """
    return _terms([raw.get("discount")], at)


def terms_in_subscription(raw: Raw, at: datetime | None = None) -> dict[str, DiscountTerms]:
    """The terms of the discounts that a subscription and its items hold whole, by id, as told at
    that time or when each began: before basil (2025-03-31) events hold that of the subscription so.
    One whose coupon is not told whole is left out.
    """
    lines = mapping(raw.get("items")).get("data")
    held = [raw.get("discount"), *_listed(raw)]
    for line in lines if isinstance(lines, list) else []:
        held += _listed(mapping(line))
    return {
        id: replace(terms, customer=None)
        for id, terms in _terms(held, at).items()
        if terms.duration is not None
    }


def _listed(raw: Raw) -> list[object]:
    found = raw.get("discounts")
    return found if isinstance(found, list) else []


def _terms(held: list[object], at: datetime | None) -> dict[str, DiscountTerms]:
    found = dict[str, DiscountTerms]()
    for one in held:
        raw = mapping(one)
        id, told_at = if_readable(identity, raw), at or if_readable(when, raw.get("start"))
        if not isinstance(one, Mapping) or not id or not told_at:
            continue
        terms = if_readable(partial(discount_terms, at=told_at), raw)
        if terms:
            found[id] = terms
    return found
