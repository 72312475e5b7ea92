"""Run an account's pending operations at Stripe: each is done once, wherever it is interrupted and
whatever Stripe answers.
"""

from contextlib import suppress

from chalicelib.domain.account.facts import OperationUpdated
from chalicelib.domain.account.operations import Operation, PendingOperation, kind_of, pending
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import (
    BillhookError,
    CardDeclined,
    ConfirmationRequired,
    InvalidInput,
    NoSubscription,
    NotPossible,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from chalicelib.usecases.billing.completed_checkout import expire_after_purchase, save_card
from chalicelib.usecases.billing.live_subscription import Attempt, OperationResult
from chalicelib.usecases.billing.perform_operation import find_operation, perform_operation
from chalicelib.usecases.billing.record_outcome import (
    record_failed_attempt,
    record_refusal,
    record_success,
)
from chalicelib.usecases.billing.start_trial import find_trial, make_trial, restart_trial
from chalicelib.usecases.billing.update_customer import update_customer
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services

FINAL = (Refused, NoSubscription, NotPossible, InvalidInput)
"""The errors that end what somebody asked for. Nothing was changed; the caller is told, or finds it
on the timeline.
"""

CUSTOMERS_OWN = (CardDeclined, ConfirmationRequired)
"""Refusals that concern the customer and the bank. Nobody in the owner's team has to act."""


def run_operations(account: Account, services: Services) -> Account:
    """The account after each pending operation whose time has come was tried. One that fails is
    tried again later, and does not hold up the others.
    """
    for name, operation in pending(account.errands).items():
        if operation.next_try() <= services.clock.now():
            account = try_operation(account, name, services)
    return account


def try_operation(account: Account, name: str, services: Services) -> Account:
    """The account after the operation was tried. If that fails, the schedule goes on with it.
    Raises Unavailable only if the table cannot be reached.
    """
    try:
        return run_operation(account, name, services)
    except (Unavailable, *FINAL):
        return services.stores.accounts.load(account.id) or account


def run_operation(account: Account, name: str, services: Services) -> Account:
    """The account after the operation was done; unchanged if it is not pending. Raises as
    `attempt_operation` does.
    """
    return attempt_operation(account, name, services)[0]


def attempt_operation(
    account: Account, name: str, services: Services
) -> tuple[Account, OperationResult | None]:
    """The account after the operation was done, and what that showed. If it is not pending, the
    account as it is, and None.

    Raises Unavailable, after which the schedule tries again, and the errors of FINAL. These end
    what somebody asked for. The start of a trial and a saved card are tried again for some time,
    as Stripe's refusal may have to do with the owner's settings.
    """
    operation = pending(account.errands).get(name)
    if operation is None:
        return account, None
    try:
        if operation.needs_lookup(services.clock.now()):
            found = _find(account, name, operation, services)
            if found is not None:
                return record_success(account, name, found, services), found
            operation = operation.with_new_key(services.clock.now())
            # The new key is saved before it is used.
            account = apply_facts(
                account, [OperationUpdated(name, operation)], services, StripeFetcher(services)
            )
        result = _perform(account, name, operation, services)
        return record_success(account, name, result, services), result
    except (Unavailable, *FINAL) as failure:
        _count(operation, failure, services)
        refused = not isinstance(failure, Unavailable)
        if refused and operation.ends_refused(services.clock.now()):
            record_refusal(account.id, name, failure, services)
        else:
            # Stripe keeps a refusal under the key too, and would repeat it after it was mended.
            key_is_used_up = refused or isinstance(failure, OutcomeUnknown)
            record_failed_attempt(account.id, name, key_is_used_up, services)
        raise


def _count(operation: PendingOperation, failure: BillhookError, services: Services) -> None:
    """Count what the owner's team should look at."""
    if isinstance(failure, Unavailable):
        services.metrics.count("ErrandsUnanswered", 1)
    elif isinstance(failure, Refused) and not (
        operation.task and isinstance(failure, CUSTOMERS_OWN)
    ):
        services.metrics.count("ErrandsRefused", 1)


def _find(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> OperationResult | None:
    """What Stripe has of an operation that may have been done; None if nothing. The steps that use
    a saved card, and those that begin a trial anew, look for themselves.
    """
    if operation.task:
        return find_operation(account, operation.task, services)
    facts = find_trial(account, services) if name == "trial" else None
    return None if facts is None else OperationResult(facts)


def _perform(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> OperationResult:
    kind, about = kind_of(name)
    if operation.task:
        return _perform_or_find(account, name, operation, operation.task, services)
    if kind == "profile":
        return OperationResult(update_customer(account, name, operation, services))
    if kind == "trial" and about:
        return OperationResult(restart_trial(account, name, operation, services))
    if kind == "trial":
        return OperationResult(make_trial(account, operation, services))
    if kind == "sessions":
        expire_after_purchase(account, operation.not_before, services)
        return OperationResult()
    return OperationResult(save_card(account, about, operation, services))


def _perform_or_find(
    account: Account, name: str, operation: PendingOperation, task: Operation, services: Services
) -> OperationResult:
    """Perform the operation. If Stripe gives no answer, look whether it was done: what was done
    must not be called a failure.
    """
    attempt = Attempt(
        f"{account.id}:{name}:{operation.generation}",
        operation.generation > 0,
        name,
        operation.since,
    )
    try:
        return perform_operation(account, task, attempt, services)
    except Unavailable:
        with suppress(Unavailable):
            if found := find_operation(account, task, services):
                return found
        raise
