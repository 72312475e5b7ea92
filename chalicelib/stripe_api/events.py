"""Reads Stripe's events into facts: by the object that an event carries, whatever its type, and in
the shape of every API version.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account.facts import (
    CheckoutCompleted,
    CustomerSnapshot,
    DiscountSnapshot,
    DisputeSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    RefundRecorded,
    StripeFact,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import is_profile_key
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.state import CardSnapshot
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.objects import digest
from chalicelib.domain.stripe_objects.recurring import recurring
from chalicelib.stripe_api import discounts, objects
from chalicelib.stripe_api.envelope import opened
from chalicelib.stripe_api.fields import (
    identity,
    if_readable,
    mapping,
    moment,
    reference,
    text,
    when,
    whole,
    words,
)
from chalicelib.stripe_api.transport import Raw, lacks_items
from chalicelib.stripe_api.writer import is_ours
from chalicelib.values import frozen, replace

STALE = timedelta(days=1)
"""An event that arrives later than this is stale: its state may be outdated."""

OBJECTS = {
    "customer": "customer",
    "customer.subscription": "subscription",
    "subscription_schedule": "subscription_schedule",
    "invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "checkout.session": "checkout.session",
    "charge": "charge",
    "charge.dispute": "dispute",
    "customer.discount": "discount",
}
"""The family of an event, which is its type without the last word → the object that it carries."""

PROFILE = {"email": "email", "name": "name", "language": "preferred_locales"}
"""Field of a profile → its name in Stripe's customer."""

KNOWN_RELEASES = frozenset({"acacia", "basil", "clover", "dahlia", "endive"})
THIN = "v2.core.event"
"""The object of a thin event (docs.stripe.com/event-destinations)."""

NEWEST_UNNAMED = "2024-06-20"
"""The last API version without a release name."""


@frozen
class StripeEvent:
    """One event. `customer` and `account_id` are those that its object names; `account_proof`
    stands beside the id. `fact` is None if Billhook needs nothing of it. `set_aside` is the metric
    that counts it, if it is none of Billhook's: an event of Stripe's other mode, of a connected
    account, or a thin event.
    """

    id: str
    type: str
    created: datetime
    api_version: str | None
    livemode: bool
    customer: str | None = None
    account_id: str | None = None
    fact: StripeFact | None = None
    set_aside: str | None = None
    account_proof: str | None = field(default=None, repr=False)

    @property
    def version_known(self) -> bool:
        """Whether this release knows the event's API version. The event is read by its shape in any
        case; of one that is set aside nothing is read.
        """
        return self.set_aside is not None or is_known_version(self.api_version)


def is_known_version(api_version: str | None) -> bool:
    """Whether this release knows an API version, such as 2026-10-28.endive."""
    date, _, release = (api_version or "").partition(".")
    return release in KNOWN_RELEASES or (not release and "2011" < date <= NEWEST_UNNAMED)


def read_event(body: str, now: datetime, livemode: bool | None = None) -> StripeEvent:
    """The event in a webhook's body, or in EventBridge's envelope. One of the other mode than
    `livemode` is set aside; None takes both. Raises Unreadable, which no repetition will cure.
    """
    try:
        raw = opened(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is no JSON.") from error
    if isinstance(raw, dict) and livemode is not None and raw.get("livemode") is (not livemode):
        return _set_aside(raw, "WebhooksOfOtherMode")
    if isinstance(raw, dict) and raw.get("object") == THIN:
        # It carries no object, and the same change also comes as a whole event.
        return _set_aside(raw, "ThinEvents")
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("data"), dict)
        or not isinstance(raw["data"].get("object"), dict)
    ):
        raise Unreadable("The body is no event of Stripe's: data.object is missing.", "data.object")
    try:
        return _read(raw, now)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Unreadable(
            f"An object has a shape that this release does not know ({type(error).__name__})."
        ) from error


def _read(raw: Mapping[str, Any], now: datetime) -> StripeEvent:
    data, kind = raw["data"], text(raw, "type")
    carried = data["object"]
    created = moment(raw, "created")
    if not isinstance(raw.get("livemode"), bool):
        raise Unreadable("The field livemode is missing.", "livemode")
    event = StripeEvent(text(raw, "id"), kind, created, words(raw, "api_version"), raw["livemode"])
    if words(raw, "account"):
        return replace(event, set_aside="EventsOfOthers")
    if kind not in EVENT_TYPES:
        return event
    return StripeEvent(
        event.id,
        kind,
        created,
        event.api_version,
        event.livemode,
        customer=objects.customer_of(carried),
        account_id=objects.account_id_of(carried),
        fact=_fact(kind, carried, data.get("previous_attributes"), created, now, _is_echo(raw)),
        account_proof=objects.account_proof_of(carried),
    )


def _is_echo(raw: Mapping[str, Any]) -> bool:
    """Whether the event tells of a call by which Billhook changed a customer's profile: Stripe says
    under which idempotency key the call was made.
    """
    return is_profile_key(words(mapping(raw.get("request")), "idempotency_key") or "")


def _changed(raw: Mapping[str, Any], previous: Mapping[str, Any] | None) -> frozenset[str]:
    """The fields of a profile that the event says it changed."""
    return frozenset(
        field
        for field, name in PROFILE.items()
        if previous and name in previous and previous[name] != raw.get(name)
    )


def _set_aside(raw: Mapping[str, Any], metric: str) -> StripeEvent:
    """An event of which only the name is read."""
    created = if_readable(_moment_of_any, raw.get("created"))
    return StripeEvent(
        text(raw, "id"),
        text(raw, "type"),
        created or datetime.fromtimestamp(0, UTC),
        None,
        bool(raw.get("livemode")),
        set_aside=metric,
    )


def _moment_of_any(created: Any) -> datetime | None:
    """When an event was created: Unix seconds, or a text in a thin event."""
    return datetime.fromisoformat(created) if isinstance(created, str) else when(created)


def _checkout(raw: Mapping[str, Any], now: datetime) -> CheckoutCompleted | None:
    """The completion of a session that Billhook created. Other sessions of the owner's are
    ignored.
    """
    customer = objects.customer_of(raw)
    if customer is None or not is_ours(raw) or raw.get("status") != "complete":
        return None
    return CheckoutCompleted(identity(raw), text(raw, "mode"), customer, now)


def _discount(kind: str, raw: Mapping[str, Any], created: datetime) -> DiscountSnapshot:
    """The terms of a discount, which ends with its deletion. Since clover (2025-09-30) it names its
    coupon only by its id.
    """
    terms = discounts.discount_terms(raw, created)
    if kind == "customer.discount.deleted":
        terms = replace(terms, end=min(terms.end or created, created))
    coupon = mapping(raw.get("source")).get("coupon")
    return DiscountSnapshot(
        identity(raw), terms, reference(coupon) if terms.duration is None else None
    )


def _payment(kind: str, raw: Mapping[str, Any], created: datetime) -> PaymentSnapshot | None:
    """The state of an invoice's payment; None for a payment that belongs to no invoice."""
    payment = objects.payment(raw)
    if payment.invoice is None:
        return None
    status = "processing" if kind == "payment_intent.processing" else "failed"
    return PaymentSnapshot(payment.invoice, status, created, payment.failure, payment.debit_since)


def _subscription(raw: Raw, was: Raw | None, source: FromEvent) -> StripeFact:
    """The state of a subscription, which was `was` before the event, if it tells that. The request
    for it if the event tells only some of its items.
    """
    if lacks_items(raw):
        return FetchRequest("subscription", identity(raw))
    former = if_readable(objects.subscription, was) if was else None
    return SubscriptionSnapshot(
        objects.subscription(raw),
        replace(source, before=digest(former) if former else None),
        recurring_before=recurring(former) if former else None,
        discounts={
            **(discounts.terms_in_subscription(was, source.created) if was else {}),
            **discounts.terms_in_subscription(raw, source.created),
        },
    )


def _refund(kind: str, raw: Raw, created: datetime) -> RefundRecorded:
    amount, refunded = whole(raw, "amount") or 0, whole(raw, "amount_refunded") or 0
    return RefundRecorded(identity(raw), amount, refunded, words(raw, "currency"), created)


def _scheduled(kind: str, raw: Raw, created: datetime) -> FetchRequest | None:
    """The request for the subscription that a schedule changes, or has let go; None before the
    schedule has one.
    """
    id = reference(raw.get("subscription")) or reference(raw.get("released_subscription"))
    return FetchRequest("subscription", id) if id else None


_BY_OBJECT: Mapping[str, Callable[[str, Raw, datetime], StripeFact | None]] = {
    "charge": _refund,
    "discount": _discount,
    "payment_intent": _payment,
    "subscription_schedule": _scheduled,
}
"""The object that an event carries → its fact, where the event's kind, the object and the time are
all that it is made of.
"""


def _fact(
    kind: str,
    raw: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    created: datetime,
    now: datetime,
    echo: bool,
) -> StripeFact | None:
    """The fact about the object, which was `previous` in part before. A subscription's former
    state that this release cannot read, such as a new status, proves no order, and hides nothing of
    the present one. Raises Unreadable.
    """
    was = objects.before(raw, previous) if previous else None
    source = FromEvent(created, None, kind.endswith(".created"), now - created > STALE)
    match raw.get("object") if raw.get("object") == OBJECTS.get(kind.rpartition(".")[0]) else None:
        case "customer":
            gone = kind == "customer.deleted"
            before = digest(objects.customer(was)) if was and not gone else None
            return CustomerSnapshot(
                objects.customer(raw, deleted=gone),
                replace(source, before=before),
                _changed(raw, previous),
                echo,
                {} if gone else discounts.terms_in_customer(raw, created),
            )
        case "subscription":
            return _subscription(raw, was, source)
        case "invoice":
            return InvoiceSnapshot(
                objects.invoice(raw),
                created,
                bank_asks=kind == "invoice.payment_action_required",
                failed=kind == "invoice.payment_failed",
                finalization_error=objects.finalization_error(raw),
            )
        case "payment_method":
            card = objects.card(raw)
            return CardSnapshot(card, created) if card else None
        case "checkout.session":
            return _checkout(raw, now)
        case "dispute":
            return DisputeSnapshot(
                identity(raw),
                reference(raw.get("charge")) or "",
                text(raw, "status"),
                created,
            )
        case str(name) if name in _BY_OBJECT:
            return _BY_OBJECT[name](kind, raw, created)
    raise Unreadable(
        f"An event of type {kind} carries no object that belongs to it.", "data.object.object"
    )
