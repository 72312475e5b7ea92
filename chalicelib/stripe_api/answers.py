"""Reads Stripe's answers to Billhook's calls into the values of domain/stripe_objects/answers.py.
Where a field moved, the line says in which version.

An answer about a customer, a subscription or an invoice can always be read: a field of the wrong
shape counts as missing, and its state says why the object itself cannot be read.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.stripe_objects.answers import (
    Address,
    BalanceChange,
    ChangedSubscription,
    CheckoutSession,
    Coupon,
    CustomerAnswer,
    Discount,
    EnteredCard,
    InvoiceAnswer,
    InvoiceItem,
    InvoicePreview,
    InvoiceWithPayments,
    ListedSubscription,
    ListEntry,
    SchedulePhase,
    StripeCharge,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import InvoicePayment
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.discounts import terms_in_customer
from chalicelib.stripe_api.failures import CONFIRMATION_CODES
from chalicelib.stripe_api.fields import (
    identity,
    if_readable,
    mapping,
    moment,
    read,
    reference,
    text,
    when,
    whole,
    words,
)
from chalicelib.stripe_api.transport import Raw
from chalicelib.stripe_api.writer import is_ours

WITHDRAWN = "withdrawn"
"""The metadata of a balance change that took a withdrawn subscription's credit away: its id."""


def customer(raw: Raw) -> CustomerAnswer:
    """A customer."""
    return CustomerAnswer(
        if_readable(identity, raw) or "",
        if_readable(objects.account_id_of, raw),
        read(objects.customer, raw),
        if_readable(objects.account_proof_of, raw),
        deleted=bool(mapping(raw).get("deleted")),
        cards=tuple(if_readable(objects.cards_in, raw) or ()),
        discounts=if_readable(terms_in_customer, raw) or {},
    )


def customer_with_subscriptions(
    raw: Raw,
) -> tuple[CustomerAnswer, list[SubscriptionAnswer] | None]:
    """A customer and its subscriptions, if they were expanded and there are no more."""
    listed = mapping(mapping(raw).get("subscriptions"))
    found = listed.get("data")
    if not isinstance(found, list) or listed.get("has_more") is not False:
        return customer(raw), None
    return customer(raw), [subscription(one) for one in found]


def customer_in(found: Iterable[Raw]) -> CustomerAnswer | None:
    """The customer that objects of one customer were expanded with; None if none was."""
    whole = (one.get("customer") for one in found)
    return next((customer(one) for one in whole if isinstance(one, Mapping)), None)


def subscription(raw: Raw) -> SubscriptionAnswer:
    """A subscription."""
    found = mapping(raw)
    paused = mapping(mapping(found.get("status_details")).get("paused"))
    lines = mapping(found.get("items")).get("data")
    return SubscriptionAnswer(
        if_readable(identity, raw) or "",
        if_readable(objects.account_id_of, raw),
        read(objects.subscription, raw),
        if_readable(objects.account_proof_of, raw),
        status=_words(found, "status") or "",
        created=if_readable(when, found.get("created")),
        payment_method=if_readable(reference, found.get("default_payment_method")),
        automatic_tax=bool(mapping(found.get("automatic_tax")).get("enabled")),
        paused_by=_words(mapping(paused.get("subscription")), "type"),
        line_ids=tuple(if_readable(identity, line) or "" for line in lines)
        if isinstance(lines, list)
        else (),
        cards=tuple(if_readable(objects.cards_in, raw) or ()),
        latest_invoice=if_readable(reference, found.get("latest_invoice")),
    )


def changed_subscription(raw: Raw) -> ChangedSubscription:
    """A subscription after a change, with its latest invoice expanded. Raises Unreadable."""
    latest = raw.get("latest_invoice")
    return ChangedSubscription(
        objects.subscription(raw),
        invoice_with_payments(latest, ()) if isinstance(latest, Mapping) else None,
    )


def schedule_phases(raw: Raw) -> list[SchedulePhase]:
    """The phases of a schedule, with their prices expanded. Raises Unreadable."""
    return [
        SchedulePhase(
            moment(phase, "start_date"),
            tuple(objects.item(line) for line in phase.get("items") or []),
        )
        for phase in raw.get("phases") or []
    ]


def intents_in(raw: Raw) -> list[Raw | str] | None:
    """The payment intents of an invoice, whole or by id; None if it does not list them. Before
    basil (2025-03-31) it had one.
    """
    listed = mapping(raw.get("payments")).get("data")
    if isinstance(listed, list):
        return intents_of(listed)
    intent = raw.get("payment_intent")
    return [intent] if isinstance(intent, Mapping | str) else None


def intents_of(payments: Iterable[Any]) -> list[Raw | str]:
    """The payment intents of a list of invoice payments, whole or by id."""
    found = (mapping(mapping(one).get("payment")).get("payment_intent") for one in payments)
    return [intent for intent in found if isinstance(intent, Mapping | str)]


def invoice_with_payments(raw: Raw, intents: Iterable[Raw]) -> InvoiceWithPayments:
    """An invoice with its whole payment intents. Raises Unreadable if it has no id."""
    return InvoiceWithPayments(
        identity(raw),
        _words(raw, "status") or "",
        tuple(_intent_status(intent) for intent in intents),
        _words(raw, "hosted_invoice_url"),
    )


def _intent_status(intent: Raw) -> str:
    """An attempt without the customer fails where the bank wants a confirmation. The intent then
    waits for another card by its status, and says in its last error that this one would do.
    """
    error = mapping(intent.get("last_payment_error"))
    asked = {_words(error, "code"), _words(error, "decline_code")} & CONFIRMATION_CODES
    status = _words(intent, "status") or ""
    return "requires_action" if asked and status == "requires_payment_method" else status


def invoice(raw: Raw) -> InvoiceAnswer:
    """An invoice."""
    found = mapping(raw)
    return InvoiceAnswer(
        if_readable(identity, raw) or "",
        if_readable(objects.account_id_of, raw),
        read(objects.invoice, raw),
        status=_words(found, "status") or "",
        charge_id=_charge_id(found),
        page_url=_words(found, "hosted_invoice_url"),
        pdf_url=_words(found, "invoice_pdf"),
    )


def payments(raw: Iterable[Raw]) -> list[InvoicePayment]:
    """The payments of an invoice, with their expanded PaymentIntents. One of another kind, or that
    cannot be read, is left out.
    """
    intents = (mapping(mapping(one).get("payment")).get("payment_intent") for one in raw)
    found = (if_readable(objects.payment, intent) for intent in intents)
    return [payment for payment in found if payment]


def invoice_item(raw: Raw) -> InvoiceItem:
    """An invoice item. Raises Unreadable if it has no id."""
    return InvoiceItem(identity(raw), _charge_id(raw))


def invoice_preview(raw: Raw) -> InvoicePreview:
    """A preview of an invoice. Raises Unreadable if it has no currency."""
    return InvoicePreview(whole(raw, "amount_due") or 0, text(raw, "currency"))


def charge(raw: Raw) -> StripeCharge:
    """A charge. Raises Unreadable if it has no id."""
    return StripeCharge(
        identity(raw),
        if_readable(objects.customer_of, raw),
        if_readable(reference, raw.get("payment_intent")),
        paid=bool(raw.get("paid")),
        refunded=bool(raw.get("refunded")),
        disputed=bool(raw.get("disputed")),
        amount=whole(raw, "amount") or 0,
        amount_refunded=whole(raw, "amount_refunded") or 0,
        currency=words(raw, "currency"),
    )


def balance_change(raw: Raw) -> BalanceChange:
    """A change of a customer's balance. Raises Unreadable if it has no amount."""
    return BalanceChange(
        whole(raw, "amount") or 0,
        text(raw, "currency"),
        whole(raw, "ending_balance") or 0,
        if_readable(reference, raw.get("invoice")),
        _words(mapping(raw.get("metadata")), WITHDRAWN),
    )


def checkout_session(raw: Raw) -> CheckoutSession:
    """A Checkout session. Raises Unreadable if it has no id."""
    intent = mapping(raw.get("setup_intent"))
    return CheckoutSession(
        identity(raw),
        _words(raw, "status") or "",
        _words(raw, "mode") or "",
        ours=is_ours(raw),
        account_id=objects.account_id_of(raw),
        customer=if_readable(objects.customer_of, raw),
        url=_words(raw, "url") or "",
        card=if_readable(_entered_card, intent.get("payment_method")),
    )


def _entered_card(raw: Any) -> EnteredCard:
    """Raises an error if the payment method is not expanded."""
    return EnteredCard(
        identity(raw),
        moment(raw, "created"),
        if_readable(_address, mapping(raw.get("billing_details")).get("address")),
    )


def _address(raw: Any) -> Address:
    """Raises Unreadable without a country: Stripe Tax cannot calculate with such an address."""
    return Address(
        text(raw, "country"),
        *(words(raw, part) for part in ("state", "postal_code", "city", "line1", "line2")),
    )


def coupon(raw: Raw) -> Coupon:
    """A coupon. Raises Unreadable if it has no id."""
    percent = raw.get("percent_off")
    return Coupon(
        identity(raw),
        valid=bool(raw.get("valid", True)),
        percent_off=float(percent) if isinstance(percent, int | float) else None,
        amount_off=whole(raw, "amount_off"),
        currency=words(raw, "currency"),
        duration=words(raw, "duration"),
        months=whole(raw, "duration_in_months"),
    )


def discounts(raw: Raw) -> list[Discount]:
    """The expanded discounts of a subscription. They name their coupon in `source` since clover
    (2025-09-30).
    """
    found = [one for one in raw.get("discounts") or [] if isinstance(one, Mapping)]
    return [
        Discount(
            identity(one), reference(mapping(one.get("source")).get("coupon") or one.get("coupon"))
        )
        for one in found
    ]


def list_entry(raw: Raw) -> ListEntry:
    """An entry of a list of subscriptions. Raises Unreadable if it has no id."""
    return ListEntry(identity(raw), if_readable(_listed, raw))


def _listed(raw: Raw) -> ListedSubscription:
    owner, latest = raw.get("customer"), raw.get("latest_invoice")
    return ListedSubscription(
        objects.subscription(raw),
        objects.customer(owner) if isinstance(owner, Mapping) else None,
        objects.invoice(latest) if isinstance(latest, Mapping) else None,
        account_id=objects.account_id_of(raw),
        account_proof=objects.account_proof_of(raw),
        customer_account_id=objects.account_id_of(mapping(owner)),
        customer_account_proof=objects.account_proof_of(mapping(owner)),
        credit=_credit_of(mapping(owner)),
    )


def _credit_of(customer: Raw) -> int:
    """What a customer has for the next invoices: a balance below 0 is credit."""
    return max(0, -(if_readable(lambda one: whole(one, "balance"), customer) or 0))


def event_body(raw: Raw) -> str:
    """An event of a list as the webhook endpoint would have received it."""
    return json.dumps(raw)


def _charge_id(raw: Raw) -> str | None:
    return _words(mapping(raw.get("metadata")), "charge_id")


def _words(raw: Raw, key: str) -> str | None:
    return if_readable(lambda one: words(one, key), raw)
