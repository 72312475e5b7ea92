"""Perform an operation at Stripe. Each looks at what Stripe holds before it changes anything, so
that a repetition changes nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.account.facts import Fact, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import Change, Charged, Operation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import made, plan_item
from chalicelib.domain.errors import InvalidInput, Refused, SubscriptionEnded
from chalicelib.domain.stripe_objects.answers import SubscriptionAnswer
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.billing.charge import find_charge, make_charge
from chalicelib.usecases.billing.refund import is_refunded, refund_all
from chalicelib.usecases.billing.save_card import open_invoices
from chalicelib.usecases.services import Services


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What performing an operation showed of Stripe's objects, and what became of its charge."""

    facts: Sequence[Fact] = ()
    charged: Charged | None = None


@dataclass(frozen=True, slots=True)
class LiveSubscription:
    """A subscription as Stripe holds it now: Stripe's `answer`, and the subscription itself. `by`
    marks what the account knew of it before.
    """

    answer: SubscriptionAnswer
    one: Subscription
    by: FromFetch

    def seen(self, operation: Operation) -> OperationResult:
        """That the subscription was read. After a resumption or a withdrawal its invoices have to
        be fetched too.
        """
        asks = (
            [FetchRequest("invoices", operation.customer)]
            if operation.verb in {"resume", "withdraw"}
            else []
        )
        return OperationResult([SubscriptionSnapshot(self.one, self.by), *asks])


def perform_operation(
    account: Account, operation: Operation, key: str, look: bool, services: Services
) -> OperationResult:
    """Perform the operation, unless it was done already. `look` says that it may have been done
    under another idempotency key, so that a charge has to be looked for first.

    Raises as the calls to Stripe do (ports.py), and SubscriptionEnded, InvalidInput, NotPossible
    where Stripe holds something else than Billhook knew.
    """
    if operation.charge:
        taxed = services.policy.checkout.automatic_tax
        return OperationResult(
            charged=make_charge(
                account.id, operation, operation.charge, key, look, services.stripe, taxed
            )
        )
    held = hold(account, str(operation.subscription), services)
    if operation.verb == "withdraw":
        return _withdraw(held, operation, key, services)
    if held.one.final:
        if operation.verb in {"cancel", "cancel_now"}:
            return held.seen(operation)
        raise SubscriptionEnded("The subscription has ended. POST …/checkout sells a new one.")
    if _is_so(held, operation, services):
        return held.seen(operation)
    return _WAYS[operation.verb](held, operation, key, services)


def find_operation(
    account: Account, operation: Operation, services: Services
) -> OperationResult | None:
    """What Stripe holds of an operation that may have been done; None if it was not. Raises
    Unavailable, Refused, Unreadable.
    """
    if operation.charge:
        charged = find_charge(operation, operation.charge, services.stripe)
        return OperationResult(charged=charged) if charged else None
    held = hold(account, str(operation.subscription), services)
    if operation.verb == "withdraw":
        return (
            held.seen(operation)
            if held.one.final and is_refunded(operation.customer, held.one.id, services.stripe)
            else None
        )
    ended_by_it = held.one.final and operation.verb in {"cancel", "cancel_now"}
    return (
        held.seen(operation)
        if ended_by_it or (not held.one.final and _is_so(held, operation, services))
        else None
    )


def hold(account: Account, id: str, services: Services) -> LiveSubscription:
    """The subscription as Stripe holds it now. Raises Unavailable, Refused, Unreadable."""
    by = FromFetch(services.clock.now().replace(microsecond=0), account.mark(id))
    found = services.stripe.reader.subscription(id)
    if found is None:
        raise Refused("Stripe does not know the account's subscription.")
    return LiveSubscription(found, found.value, by)


def line_of(held: LiveSubscription, change: Change, services: Services) -> str:
    """The id of the subscription's line that a change is about."""
    return held.answer.line_ids[held.one.items.index(plan_item(held.one, services.policy))]


def _is_so(held: LiveSubscription, operation: Operation, services: Services) -> bool:
    one = held.one
    match operation.verb:
        case "cancel":
            return one.cancellation_scheduled
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
                plan_item(one, services.policy), operation.change, services.policy
            )
        case "discount":
            found = services.stripe.subscriptions.discounts_of(one.id)
            return any(discount.coupon == operation.coupon for discount in found)
    return False


def _cancel_later(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    changed = services.stripe.subscriptions.cancel_at_period_end(
        key, held.one.id, operation.reason, operation.comment
    )
    return _seen(held, changed)


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
            raise Refused("Stripe does not know the account's subscription.")
        ended = found.value
    return _seen(held, ended)


def _withdraw(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    done = (
        OperationResult([SubscriptionSnapshot(held.one, held.by)])
        if held.one.final
        else _cancel_now(held, operation, key, services)
    )
    refund_all(operation.customer, held.one.id, key, services.stripe)
    return OperationResult([*done.facts, FetchRequest("invoices", operation.customer)])


def _carry_on(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    return _seen(held, services.stripe.subscriptions.reactivate(key, held.one))


def _pause(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    assert operation.at
    return _seen(
        held, services.stripe.subscriptions.pause_collection(key, held.one.id, operation.at)
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
    for invoice in owed:
        stripe.invoices.pay(f"{key}:{invoice.id}:pay", invoice.id)
    return OperationResult(
        [FetchRequest("invoices", operation.customer), FetchRequest("subscription", one.id)]
    )


def _change(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    assert operation.change
    line = line_of(held, operation.change, services)
    return _seen(
        held, services.stripe.subscriptions.change(key, held.one.id, line, operation.change)
    )


def _move_trial_end(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    assert operation.at
    return _seen(held, services.stripe.subscriptions.move_trial_end(key, held.one.id, operation.at))


def _give_coupon(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    coupon = services.stripe.subscriptions.coupon(str(operation.coupon))
    if coupon is None or not coupon.valid:
        raise InvalidInput("coupon must be one that Stripe has and that is still valid.", "coupon")
    kept = [discount.id for discount in services.stripe.subscriptions.discounts_of(held.one.id)]
    changed = services.stripe.subscriptions.add_coupon(
        key, held.one.id, kept, str(operation.coupon)
    )
    return _seen(held, changed)


_WAYS: dict[str, Callable[[LiveSubscription, Operation, str, Services], OperationResult]] = {
    "cancel": _cancel_later,
    "cancel_now": _cancel_now,
    "uncancel": _carry_on,
    "unpause": _carry_on,
    "pause": _pause,
    "resume": _resume,
    "plan": _change,
    "trial": _move_trial_end,
    "discount": _give_coupon,
}


def _seen(held: LiveSubscription, changed: Subscription) -> OperationResult:
    return OperationResult([SubscriptionSnapshot(changed, held.by)])
