"""Perform an operation at Stripe. Each looks at what Stripe holds before it changes anything, so
that a repetition changes nothing more.
"""

from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import StripeRefused, SubscriptionEnded
from chalicelib.usecases.billing.charge import find_charge, make_charge
from chalicelib.usecases.billing.live_subscription import (
    Attempt,
    LiveSubscription,
    OperationResult,
    hold,
)
from chalicelib.usecases.billing.refund import is_refunded
from chalicelib.usecases.billing.schedules import (
    RELEASES_SCHEDULE,
    stands_in_the_way,
    without_schedule,
)
from chalicelib.usecases.billing.subscription_changes import CHANGES, is_done, withdraw
from chalicelib.usecases.services import Services
from chalicelib.values import replace

CANCELS = frozenset({"cancel", "cancel_now"})
"""The verbs that are done once the subscription has ended, by whomever."""


def perform_operation(
    account: Account, operation: Operation, attempt: Attempt, services: Services
) -> OperationResult:
    """Perform the operation, unless it was done already.

    Raises as the calls to Stripe do (ports/stripe.py), and SubscriptionEnded, InvalidInput,
    NotPossible where Stripe holds something else than Billhook knew.
    """
    if operation.charge:
        taxed = services.policy.checkout.automatic_tax
        charged, payment = make_charge(
            account.id,
            operation,
            operation.charge,
            attempt.key,
            attempt.look,
            services.stripe,
            taxed,
        )
        return OperationResult(charged=charged, payment=payment)
    held = hold(account, str(operation.subscription), services)
    if operation.verb != "withdraw":
        if held.one.final and operation.verb in CANCELS:
            return held.unchanged(operation)
        if held.one.final:
            raise SubscriptionEnded("The subscription has ended. POST …/checkout sells a new one.")
        if is_done(held, operation, services):
            return held.unchanged(operation)
    if operation.verb in RELEASES_SCHEDULE and not held.one.final:
        held = without_schedule(account, held, attempt, services)
    try:
        return _change(held, operation, attempt.key, services)
    except StripeRefused as failure:
        again = hold(account, held.one.id, services)
        if not stands_in_the_way(failure, held, again):
            raise
    held = without_schedule(account, again, attempt, services)
    return _change(held, operation, f"{attempt.key}:released", services)


def find_operation(
    account: Account, operation: Operation, services: Services
) -> OperationResult | None:
    """What Stripe holds of an operation that may have been done; None if it was not. Raises
    Unavailable, Refused, Unreadable.
    """
    if operation.charge:
        made = find_charge(operation, operation.charge, services.stripe)
        return OperationResult(charged=made[0], payment=made[1]) if made else None
    held = hold(account, str(operation.subscription), services)
    if operation.verb == "withdraw":
        if not held.one.final:
            return None
        done, refund = is_refunded(operation, held.one.id, services.stripe)
        return replace(held.unchanged(operation), refund=refund) if done else None
    if held.one.final:
        return held.unchanged(operation) if operation.verb in CANCELS else None
    return held.unchanged(operation) if is_done(held, operation, services) else None


def _change(
    held: LiveSubscription, operation: Operation, key: str, services: Services
) -> OperationResult:
    """The change itself. Releasing a schedule can be all of it: an end that the schedule had set
    goes with it.
    """
    if operation.verb == "withdraw":
        return withdraw(held, operation, key, services)
    if operation.verb == "uncancel" and is_done(held, operation, services):
        return held.unchanged(operation)
    return CHANGES[operation.verb](held, operation, key, services)
