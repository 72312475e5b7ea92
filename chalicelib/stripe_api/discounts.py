"""Reads what Stripe's discounts give, in every shape since 2022-11-15. Where a field moved, the
line says in which version.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.stripe_api.fields import (
    decimal_text,
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

NO_COUPONS: Mapping[str, Raw] = {}

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


Coupons = Mapping[str, Raw]
"""Coupons by id."""


def discount_terms(raw: Raw, at: datetime, coupons: Coupons = NO_COUPONS) -> DiscountTerms:
    """The terms of a discount as told at that time; without what it gives if its coupon is neither
    told whole nor among `coupons`. The coupon is in `source` since clover (2025-09-30), as an id
    unless it is expanded.
    """
    found = mapping(raw.get("source")).get("coupon")
    coupon = mapping(found) or coupons.get(reference(found) or "") or mapping(raw.get("coupon"))
    for_one = any(raw.get(name) for name in FOR_ONE)
    terms = DiscountTerms(
        start=when(raw.get("start")) or at,
        told_at=at,
        end=when(raw.get("end")),
        customer=None if for_one else reference(raw.get("customer")),
    )
    return _with_coupon(terms, coupon) if coupon else terms


_PERCENT = re.compile(r"\d{1,3}(\.\d{1,16})?")


def _with_coupon(terms: DiscountTerms, coupon: Raw) -> DiscountTerms:
    percent = decimal_text(coupon.get("percent_off"))
    return replace(
        terms,
        duration=words(coupon, "duration"),
        percent_off=percent.removesuffix(".0") if percent and _PERCENT.fullmatch(percent) else None,
        amount_off=whole(coupon, "amount_off"),
        currency=words(coupon, "currency"),
    )


def terms_in_customer(
    raw: Raw, at: datetime | None = None, coupons: Coupons = NO_COUPONS
) -> dict[str, DiscountTerms]:
    """The terms of the discount for all that a customer has, by its id, as told at that time or
    when it began: at most one (docs.stripe.com/api/customers/object). Without what it gives if its
    coupon is not told whole.
    """
    return _terms(_held(raw)[:1], at, coupons)


def terms_in_subscription(
    raw: Raw, at: datetime | None = None, coupons: Coupons = NO_COUPONS
) -> dict[str, DiscountTerms]:
    """The terms of the discounts that a subscription and its items hold whole, by id, as told at
    that time or when each began: before basil (2025-03-31) events hold that of the subscription so.
    One whose coupon is not told whole is left out.
    """
    return {
        id: replace(terms, customer=None)
        for id, terms in _terms(_held(raw), at, coupons).items()
        if terms.duration is not None
    }


def named_coupons(raw: Raw) -> set[str]:
    """The ids of the coupons of what a customer or a subscription holds, where they are not told
    whole.
    """
    sources = [mapping(mapping(one).get("source")) for one in _held(raw)]
    return {id for one in sources if isinstance(id := one.get("coupon"), str) and id}


def _held(raw: Raw) -> list[object]:
    lines = mapping(raw.get("items")).get("data")
    held = [raw.get("discount"), *_listed(raw)]
    for line in lines if isinstance(lines, list) else []:
        held += _listed(mapping(line))
    return held


def _listed(raw: Raw) -> list[object]:
    found = raw.get("discounts")
    return found if isinstance(found, list) else []


def _terms(held: list[object], at: datetime | None, coupons: Coupons) -> dict[str, DiscountTerms]:
    found = dict[str, DiscountTerms]()
    for one in held:
        raw = mapping(one)
        id, told_at = if_readable(identity, raw), at or if_readable(when, raw.get("start"))
        if not isinstance(one, Mapping) or not id or not told_at:
            continue
        terms = if_readable(partial(discount_terms, at=told_at, coupons=coupons), raw)
        if terms:
            found[id] = terms
    return found
