"""Reads Stripe's objects into domain/stripe_objects, in every shape since 2022-11-15.
Where a field moved, the line says in which version.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib.domain.bounds import most
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.security.signup import with_ascii_domain
from chalicelib.domain.stripe_objects.objects import (
    INVOICE_RANKS,
    STATUSES,
    CancellationDetails,
    Card,
    Customer,
    Invoice,
    InvoicePayment,
    Item,
    PauseCollection,
    Subscription,
)
from chalicelib.stripe_api.fields import (
    decimal_text,
    identity,
    mapping,
    moment,
    reference,
    text,
    when,
    whole,
    words,
)
from chalicelib.stripe_api.transport import Raw

DEBITS = frozenset(
    {
        "acss_debit",
        "au_becs_debit",
        "bacs_debit",
        "nz_bank_account",
        "sepa_debit",
        "us_bank_account",
    }
)
"""The payment methods that take days to be paid or to fail
(docs.stripe.com/payments/bank-debits).
"""

TAX_FAILED = frozenset({"failed", "requires_location_inputs"})
"""The states of Stripe's automatic tax in which a draft cannot be finalized."""

AWAITS_PAYMENT = frozenset({"draft", "open", "uncollectible"})
"""The statuses of an invoice that is not paid and may be."""

SEND_INVOICE = "send_invoice"
"""The `collection_method` of invoices that are sent to the customer, and not charged."""


def customer(raw: Raw, *, deleted: bool = False) -> Customer:
    """A customer. `deleted` is for the payload of `customer.deleted`, which does not say so itself;
    an answer about a deleted customer does.
    """
    id = identity(raw)
    if deleted or raw.get("deleted"):
        return Customer(id, deleted=True)
    settings = raw.get("invoice_settings") or {}
    return Customer(
        id,
        with_ascii_domain(words(raw, "email") or "") or None,
        words(raw, "name"),
        card=reference(settings.get("default_payment_method"))
        or reference(raw.get("default_source")),
        currency=words(raw, "currency"),
        locale=_first_locale(raw.get("preferred_locales")),
    )


def _first_locale(preferred: Any) -> str | None:
    return (
        words({"locale": preferred[0]}, "locale")
        if isinstance(preferred, list) and preferred
        else None
    )


def subscription(raw: Raw) -> Subscription:
    """A subscription. Raises Unreadable, for an unknown status too."""
    lines = (raw.get("items") or {}).get("data") or []
    status = text(raw, "status")
    if status not in STATUSES:
        raise Unreadable("A subscription has a status that this release does not know.", "status")
    starts = [line["current_period_start"] for line in lines if line.get("current_period_start")]
    # On the items since basil (2025-03-31).
    ends = [line["current_period_end"] for line in lines if line.get("current_period_end")]
    if not ends and raw.get("current_period_end"):
        starts, ends = [raw["current_period_start"]], [raw["current_period_end"]]
    pause = raw.get("pause_collection")
    return Subscription(
        id=identity(raw),
        customer=reference(raw.get("customer")) or text(raw, "customer"),
        status=status,
        created=moment(raw, "created"),
        items=tuple(item(line, raw.get("default_tax_rates")) for line in lines),
        discounts=_discounts(raw),
        trial_start=when(raw.get("trial_start")),
        trial_end=when(raw.get("trial_end")),
        period_start=when(min(starts)) if starts else None,
        period_end=when(max(ends)) if ends else None,
        cancel_at=when(raw.get("cancel_at")),
        cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
        ended_at=when(raw.get("ended_at")),
        pause_collection=PauseCollection(text(pause, "behavior"), when(pause.get("resumes_at")))
        if pause
        else None,
        card=reference(raw.get("default_payment_method")) or reference(raw.get("default_source")),
        canceled_at=when(raw.get("canceled_at")),
        cancellation_details=_cancellation_details(raw.get("cancellation_details")),
        currency=words(raw, "currency"),
        send_invoice=raw.get("collection_method") == SEND_INVOICE,
        schedule=reference(raw.get("schedule")),
        account_id=account_id_of(raw),
    )


def card(raw: Any) -> Card | None:
    """The card or the bank account of a payment method; None if it is of another kind, or only its
    id is given.
    """
    kind = mapping(raw).get("type")
    if kind in DEBITS:
        account = mapping(raw.get(kind))
        last4 = words(account, "last4")
        bank = words(account, "bank_name") or ""
        return Card(identity(raw), bank, last4, 0, 0, kind) if last4 else None
    details = mapping(mapping(raw).get("card"))
    month, year = whole(details, "exp_month"), whole(details, "exp_year")
    if not details or not month or not year or not 1 <= month <= 12 or not 2000 <= year <= 9000:
        return None
    return Card(
        identity(raw), words(details, "brand") or "card", words(details, "last4") or "", month, year
    )


def cards_in(raw: Raw) -> list[Card]:
    """The cards of the default payment methods of a customer or a subscription, if expanded."""
    found = (
        mapping(raw.get("invoice_settings")).get("default_payment_method"),
        raw.get("default_payment_method"),
    )
    return [one for one in map(card, found) if one]


def invoice(raw: Raw) -> Invoice:
    """An invoice. Raises Unreadable, for an unknown status too."""
    status = text(raw, "status")
    if status not in INVOICE_RANKS:
        raise Unreadable("An invoice has a status that this release does not know.", "status")
    details = (raw.get("parent") or {}).get(
        "subscription_details"
    ) or {}  # since basil; `subscription` before it
    transitions = raw.get("status_transitions") or {}
    return Invoice(
        id=identity(raw),
        customer=reference(raw.get("customer")) or text(raw, "customer"),
        status=status,
        created=moment(raw, "created"),
        subscription=reference(details.get("subscription")) or reference(raw.get("subscription")),
        currency=words(raw, "currency"),
        amount_due=whole(raw, "amount_due") or 0,
        amount_paid=whole(raw, "amount_paid") or 0,
        attempt_count=whole(raw, "attempt_count") or 0,
        attempted=bool(raw.get("attempted")),
        next_payment_attempt=when(raw.get("next_payment_attempt")),
        finalized_at=when(transitions.get("finalized_at")),
        hosted_invoice_url=words(raw, "hosted_invoice_url"),
        paid_at=when(transitions.get("paid_at")),
        amount_remaining=whole(raw, "amount_remaining"),
        reason=words(raw, "billing_reason"),
        send_invoice=raw.get("collection_method") == SEND_INVOICE,
        due_date=when(raw.get("due_date")),
        held=status == "draft" and raw.get("auto_advance") is False,
        total=whole(raw, "total"),
        changed_from=_changed_from(raw) if status in AWAITS_PAYMENT else (),
        uncollectible_at=when(transitions.get("marked_uncollectible_at"))
        if status == "uncollectible"
        else None,
    )


def _changed_from(raw: Raw) -> tuple[Item, ...]:
    """The items that the invoice of a change credits, by its lines for the time that is not used.
    Only what could be read: without them a change that is not paid gives what it says.
    """
    lines = mapping(raw.get("lines")).get("data")
    if raw.get("billing_reason") != "subscription_update" or not isinstance(lines, list):
        return ()
    found = (_credited_item(mapping(line)) for line in lines)
    return tuple(dict.fromkeys(one for one in found if one))[: most("changed items")]


def _credited_item(line: Raw) -> Item | None:
    details = mapping(mapping(line.get("parent")).get("subscription_item_details"))
    is_proration = details.get("proration") or line.get("proration")  # moved by basil
    if not is_proration or (whole(line, "amount") or 0) >= 0:
        return None
    price = mapping(mapping(line.get("pricing")).get("price_details"))  # `price` before basil
    former = mapping(line.get("price")) or mapping(line.get("plan"))
    id = reference(price.get("price")) or words(former, "id")
    product = reference(price.get("product")) or reference(former.get("product"))
    key = words(former, "lookup_key")
    return Item(id, product, key, whole(line, "quantity")) if id else None


def finalization_error(raw: Raw) -> str | None:
    """Why a draft cannot be finalized, by Stripe's code: an error of its last try, or a tax that
    could not be calculated; None if nothing stands in the way.
    """
    if raw.get("status") != "draft":
        return None
    error = mapping(raw.get("last_finalization_error"))
    if error:
        return words(error, "code") or words(error, "type") or "unknown"
    tax = mapping(raw.get("automatic_tax")).get("status")
    return f"tax_{tax}" if tax in TAX_FAILED else None


def payment(raw: Raw) -> InvoicePayment:
    """The state of a PaymentIntent."""
    details, error = mapping(raw.get("payment_details")), mapping(raw.get("last_payment_error"))
    order = words(details, "order_reference") or ""
    used = words(mapping(error.get("payment_method")), "type")
    types = [used] if used else raw.get("payment_method_types")
    only_debits = isinstance(types, list) and types and set(types) <= DEBITS
    status = text(raw, "status")
    failed = bool(error) and status in {"requires_payment_method", "canceled"}
    return InvoicePayment(
        # `invoice` until basil (2025-03-31); since then it is the reference of the order
        reference(raw.get("invoice")) or (order if order.startswith("in_") else None),
        "processing" if status == "processing" else "failed" if failed else "settled",
        words(error, "decline_code") or words(error, "code"),
        when(raw.get("created")) if only_debits else None,
    )


def customer_of(raw: Raw) -> str | None:
    """The id of the customer that an object is or belongs to."""
    return reference(raw) if raw.get("object") == "customer" else reference(raw.get("customer"))


def account_id_of(raw: Raw) -> str | None:
    """The account that an object's metadata names, or an invoice's subscription's metadata."""
    found = _naming_metadata(raw).get("account_id")
    return found if isinstance(found, str) else None


def account_proof_of(raw: Raw) -> str | None:
    """What stands beside the account's id in the same metadata, and may prove it."""
    found = _naming_metadata(raw).get("account_proof")
    return found if isinstance(found, str) else None


def _naming_metadata(raw: Raw) -> Mapping[str, Any]:
    parent = mapping(raw.get("parent"))
    # Moved by basil.
    details = mapping(parent.get("subscription_details")) or mapping(
        raw.get("subscription_details")
    )
    found = (mapping(raw.get("metadata")), mapping(details.get("metadata")))
    return next((one for one in found if isinstance(one.get("account_id"), str)), {})


def before(raw: Raw, previous: Raw) -> dict[str, Any]:
    """The object before the change that an event's `previous_attributes` describe. There, objects
    are partial and lists whole.
    """
    merged = dict(raw)
    for key, value in previous.items():
        merged[key] = (
            before(merged[key], value)
            if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            else value
        )
    return merged


def item(line: Raw, tax_rates: Any = None) -> Item:
    """An item of a subscription with these default tax rates, or of a phase of its schedule. Raises
    Unreadable.
    """
    price = line.get("price") or line.get("plan") or {}
    if isinstance(price, str):
        return Item(text({"price": price}, "price"), quantity=whole(line, "quantity"))
    recurring = price.get("recurring") or price  # a `plan` has interval and interval_count itself
    package = mapping(price.get("transform_quantity") or price.get("transform_usage"))
    return Item(
        price=text(price, "id"),
        product=reference(price.get("product")),
        lookup_key=words(price, "lookup_key"),
        quantity=whole(line, "quantity"),
        amount=whole(price, "unit_amount" if "unit_amount" in price else "amount"),
        currency=words(price, "currency"),
        interval=words(recurring, "interval"),
        interval_count=whole(recurring, "interval_count") or 1,
        metered=recurring.get("usage_type") == "metered",
        amount_decimal=_amount_decimal(price),
        discounts=_discounts(line),
        package=_above_1(whole(package, "divide_by")),
        rounds_up=package.get("round") == "up",
        inclusive_tax=_inclusive_tax(line.get("tax_rates") or tax_rates),
    )


def _above_1(number: int | None) -> int | None:
    return number if number and number > 1 else None


def _inclusive_tax(rates: Any) -> str | None:
    """What inclusive rates come to. Those of an item are in place of its subscription's
    (docs.stripe.com/api/subscriptions/object). A rate without a number counts nothing.
    """
    found = [mapping(one) for one in rates] if isinstance(rates, list) else []
    numbers = [
        one["percentage"]
        for one in found
        if one.get("inclusive") is True and isinstance(one.get("percentage"), int | float)
    ]
    total = sum((Decimal(str(one)) for one in numbers if 0 <= one <= 100), Decimal(0))
    return f"{total.normalize():f}" if total else None


def _amount_decimal(price: Raw) -> str | None:
    """An amount with fractions of a minor unit; `amount_decimal` in a plan."""
    if price.get("unit_amount") is not None or price.get("amount") is not None:
        return None
    found = decimal_text(price.get("unit_amount_decimal")) or decimal_text(
        price.get("amount_decimal")
    )
    return found if found and _DECIMAL.fullmatch(found) else None


_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,12})?")
"""Stripe's has up to 12 decimal places (docs.stripe.com/api/prices/object)."""


def _cancellation_details(raw: Any) -> CancellationDetails | None:
    reason, feedback, comment = (
        words(mapping(raw), name) for name in ("reason", "feedback", "comment")
    )
    details = CancellationDetails(reason, feedback, comment and comment[: most("comment")])
    return None if details == CancellationDetails() else details


def _discounts(raw: Raw) -> tuple[str, ...]:
    # One `discount` before basil.
    many = raw.get("discounts") or ([raw["discount"]] if raw.get("discount") else [])
    return tuple(sorted(id for id in map(reference, many) if id))
