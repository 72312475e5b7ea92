"""The changes of a subscription at Stripe, by the verb of the operation."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.account.facts import SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.terms import ends_with_its_period
from chalicelib.domain.billing.decisions import PAUSED, made, plan_item
from chalicelib.domain.billing.payments import REQUIRES_ACTION, OpenPayment, open_payment
from chalicelib.domain.errors import ConfirmationRequired, InvalidInput, NotPossible, StripeRefused
from chalicelib.domain.stripe_objects.answers import ChangedSubscription, InvoiceWithPayments
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.billing.completed_checkout import open_invoices
from chalicelib.usecases.billing.live_subscription import (
    LiveSubscription,
    OperationResult,
    line_of,
)
from chalicelib.usecases.billing.pay_invoice import pay_each
from chalicelib.usecases.billing.refund import refund_all
from chalicelib.usecases.services import Services

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far Stripe's clock and ours may be apart."""


def is_done(held: LiveSubscription, operation: Operation, services: Services) -> bool:
    """Whether the subscription is as the operation wants it. Raises as the calls to Stripe do."""
    one = held.one
    match operation.verb:
        case "cancel":
            return ends_with_its_period(one)
        case "unpause" if operation.at:
            return _has_begun_since(one, operation.at)
        case "uncancel" | "unpause":
            return not one.cancellation_scheduled and one.pause_collection is None
        case "pause":
            return (
                one.pause_collection is not None and one.pause_collection.resumes_at == operation.at
            )
        case "resume":
            return one.status == "active"
        case "trial":
            return one.trial_end == operation.at
        case "plan":
            return operation.change is not None and made(
                plan_item(held.recognized, services.policy), operation.change, services.policy
            )
        case "discount":
            found = services.stripe.subscriptions.discounts_of(one.id)
            return any(discount.coupon == operation.coupon for discount in found)
    return False


def _cancel_later(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    return held.changed(
        services.stripe.subscriptions.cancel_at_period_end(
            key, held.one.id, operation.reason, operation.comment
        )
    )


def _cancel_now(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """Stripe takes no idempotency key here, and answers that there is no subscription if it has
    ended already.
    """
    ended = services.stripe.subscriptions.cancel_now(
        held.one.id, operation.reason, operation.comment
    )
    if ended is None:
        found = services.stripe.reader.subscription(held.one.id)
        if found is None:
            raise StripeRefused("Stripe does not know the account's subscription.")
        ended = found.value
    return held.changed(ended)


def withdraw(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """End the subscription, if it has not ended, and refund what was paid for it. A payment that
    Stripe refuses to refund is reported to the team; the withdrawal is done all the same.
    """
    done = (
        OperationResult([SubscriptionSnapshot(held.one, held.by)])
        if held.one.final
        else _cancel_now(held, operation, key, services)
    )
    refund, refused = refund_all(operation, held.one.id, key, services.stripe)
    return OperationResult(
        [*done.facts, FetchRequest("invoices", operation.customer)],
        not_refunded=refused,
        refund=refund,
    )


def _carry_on(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    return held.changed(services.stripe.subscriptions.reactivate(key, held.one))


def _has_begun_since(one: Subscription, at: datetime) -> bool:
    """Whether a period has begun since then. Stripe's clock may be a little behind ours."""
    begun = one.period_start
    return one.pause_collection is None and begun is not None and begun >= at - CLOCKS_DIFFER


def _end_pause(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """Collect payments again. With `at` a new period begins now; if it is not paid, only the pause
    has ended, and access stays as it is until something is paid.
    """
    if held.one.pause_collection or operation.at is None:
        found = services.stripe.subscriptions.reactivate(key, held.one)
        if operation.at is None:
            return held.changed(found)
    begun = services.stripe.subscriptions.begin_period(f"{key}:begin", held.one.id)
    asks = [FetchRequest("invoices", operation.customer)]
    return OperationResult([SubscriptionSnapshot(begun, held.by), *asks])


def _pause(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    assert operation.at
    return held.changed(
        services.stripe.subscriptions.pause_collection(key, held.one.id, operation.at)
    )


def _resume(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """Resume it and pay what that costs. An open invoice is of a resumption that was begun already:
    to begin another one would bill twice.
    """
    stripe, one = services.stripe, held.one
    owed = open_invoices(one.customer, one.id, stripe)
    if one.status == "paused" and not owed:
        stripe.subscriptions.resume(f"{key}:resume", one.id)
        owed = open_invoices(one.customer, one.id, stripe)
    opened, failures = pay_each(owed, key, stripe)
    if failures:
        raise failures[0]
    return OperationResult(
        [FetchRequest("invoices", operation.customer), FetchRequest("subscription", one.id)],
        payment=opened[0] if opened else None,
    )


def _change(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """Change the plan. If the bank wants the payment confirmed, the change waits at Stripe until
    the customer has confirmed it on the invoice's page.
    """
    assert operation.change
    if held.one.pause_collection:
        raise NotPossible(PAUSED)
    subscriptions, line = services.stripe.subscriptions, line_of(held, operation.change, services)
    asked = held.one.id, line, operation.change, held.one.currency
    try:
        changed = subscriptions.change(key, *asked)
    except ConfirmationRequired as failure:
        try:
            waiting = subscriptions.change_once_paid(f"{key}:confirm", *asked)
        except StripeRefused:
            # Some subscriptions cannot wait for a payment. Then nothing is changed.
            raise failure from None
        invoice = _new_invoice(held, waiting)
        to_confirm = OpenPayment(invoice.id, REQUIRES_ACTION, invoice.page_url) if invoice else None
        return held.changed(waiting.subscription, to_confirm)
    invoice = _new_invoice(held, changed)
    payment = open_payment(services.stripe.invoices.with_payments(invoice.id)) if invoice else None
    return held.changed(changed.subscription, payment)


def _new_invoice(
    held: LiveSubscription, changed: ChangedSubscription
) -> InvoiceWithPayments | None:
    """The open invoice that Stripe made for a change."""
    invoice = changed.invoice
    if invoice is None or invoice.id == held.answer.latest_invoice:
        return None
    return invoice if invoice.status == "open" else None


def _move_trial_end(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    assert operation.at
    return held.changed(
        services.stripe.subscriptions.move_trial_end(key, held.one.id, operation.at)
    )


def _give_coupon(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    coupon = services.stripe.subscriptions.coupon(str(operation.coupon))
    if coupon is None or not coupon.valid:
        raise InvalidInput("coupon must be one that Stripe has and that is still valid.", "coupon")
    kept = [discount.id for discount in services.stripe.subscriptions.discounts_of(held.one.id)]
    return held.changed(
        services.stripe.subscriptions.add_coupon(key, held.one.id, kept, str(operation.coupon))
    )


CHANGES: Mapping[str, Callable[[LiveSubscription, Operation, str, Services], OperationResult]] = {
    "cancel": _cancel_later,
    "cancel_now": _cancel_now,
    "uncancel": _carry_on,
    "unpause": _end_pause,
    "pause": _pause,
    "resume": _resume,
    "plan": _change,
    "trial": _move_trial_end,
    "discount": _give_coupon,
}
"""The change of a live subscription at Stripe, for each verb that needs one. Each raises as the
calls to Stripe do (ports/stripe.py), and InvalidInput, NotPossible.
"""
