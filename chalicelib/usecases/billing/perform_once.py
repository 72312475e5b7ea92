"""Decide on an operation, save it, perform it at Stripe once, and answer with its outcome. A call
that is repeated under the same Idempotency-Key gets the same answer.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import OperationUpdated
from chalicelib.domain.account.operations import (
    HEAD_START,
    Operation,
    PendingOperation,
    pending,
    reactivation_result,
)
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome, StoredResponse
from chalicelib.domain.errors import CardDeclined, IdempotencyConflict, Unavailable
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.billing.run_operation import FINAL, attempt_operation, run_operation
from chalicelib.usecases.billing.settle_payment import settle_payment
from chalicelib.usecases.publishing import without_published
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import replace

GOES_ON = "The request is saved and goes on by itself. Send it again for the result."

Decide = Callable[[Account, datetime], Operation | None]
"""The operation to perform for an account; None if nothing has to change. Raises the reason why it
is not possible.
"""

Otherwise = Callable[[Account], Outcome]
"""The outcome if nothing has to change."""


def perform_once(
    account_id: str,
    request: IdempotentRequest,
    decide: Decide,
    services: Services,
    otherwise: Otherwise | None = None,
) -> Outcome:
    """Perform what `decide` returns. Raises AccountNotFound, what `decide` raises,
    IdempotencyConflict, CardDeclined, ConfirmationRequired, Refused; and Unavailable, after which
    the schedule finishes it.
    """

    def begin() -> Outcome | tuple[Account, str | None]:
        """The response that was stored under the key; else the account, and the name of the
        operation that is pending for this request, None if there is none.
        """
        account = require_account(account_id, services.stores.accounts)
        if stored := stored_outcome(account_id, request, services):
            return stored
        account = _after_other_operations(account, request, services)
        if name := _pending_for(account, request):
            return account, name
        account = without_published(account, services)
        operation = decide(account, services.clock.now())
        if operation is None:
            return account, None
        name, now = _name(account, request), services.clock.now()
        begun = PendingOperation(
            now + HEAD_START, now, task=replace(operation, key=request.key, asked=request.what)
        )
        updated = apply(account, OperationUpdated(name, begun))
        new = next_version(account, updated, services.policy, now)
        # Saved before Stripe is called: a call beside or after this one runs the same operation.
        services.stores.accounts.save(account, new)
        return new, name

    begun = retry_on_lost_race(account_id, begin, services)
    if isinstance(begun, Outcome):
        return begun
    account, name = begun
    if name:
        return _run(account, request, name, services)
    return store_outcome(
        account,
        request,
        otherwise(account) if otherwise else _standing(account, services),
        services,
    )


def stored_outcome(
    account_id: str, request: IdempotentRequest, services: Services
) -> Outcome | None:
    """What was answered before under the same key, with what has become of a payment that was open
    then. None if nothing was. Raises IdempotencyConflict, CardDeclined.
    """
    if request.key is None:
        return None
    stored = services.stores.responses.load(account_id, request.key)
    return _outcome_of(stored, request, services) if stored else None


def store_outcome(
    account: Account, request: IdempotentRequest, outcome: Outcome, services: Services
) -> Outcome:
    """Store the outcome under the request's key, if it has one. Returns the stored one: of two, the
    first.
    """
    if request.key is None:
        return outcome
    response = StoredResponse(account.id, request.key, request.what, services.clock.now(), outcome)
    return _outcome_of(services.stores.responses.keep(response), request, services)


def key_digest(account_id: str, key: str) -> str:
    """A short hash of an Idempotency-Key, unique to the account."""
    return hashlib.sha256(f"{account_id} {key}".encode()).hexdigest()[:20]


def _run(account: Account, request: IdempotentRequest, name: str, services: Services) -> Outcome:
    operation = account.errands[name].task
    try:
        account, result = attempt_operation(account, name, services)
    except Unavailable as failure:
        raise type(failure)(f"{failure.message} {GOES_ON}") from failure
    stored = services.stores.responses.load(account.id, request.key) if request.key else None
    if stored:
        return _outcome_of(stored, request, services, is_new=result is not None)
    return Outcome(
        standing(account, services.policy, services.clock.now()),
        reactivation_result(operation) if operation else None,
        charged=result.charged if result else None,
        payment=result.payment if result else None,
    )


def _standing(account: Account, services: Services) -> Outcome:
    return Outcome(standing(account, services.policy, services.clock.now()))


def _after_other_operations(
    account: Account, request: IdempotentRequest, services: Services
) -> Account:
    """The account once no other operation on its subscription is pending: the decision is based on
    what these have led to.
    """
    account = run_operation(account, "trial", services)
    ours = _pending_for(account, request)
    for name, operation in pending(account.errands).items():
        if operation.task and operation.task.verb != "charge" and name != ours:
            try:
                account = run_operation(account, name, services)
            except FINAL:
                account = require_account(account.id, services.stores.accounts)
    return account


def _pending_for(account: Account, request: IdempotentRequest) -> str | None:
    """The name of the operation that is pending for the same request. Raises IdempotencyConflict if
    its key belongs to another request.
    """
    for name, operation in pending(account.errands).items():
        task = operation.task
        if task and task.key == request.key and (request.key or task.asked == request.what):
            if task.asked != request.what:
                _raise_conflict()
            return name
    return None


def _name(account: Account, request: IdempotentRequest) -> str:
    """The operation's name. The same for the same key until an operation under it has ended undone,
    so that two calls at once begin one operation.
    """
    digest = key_digest(account.id, request.key) if request.key else secrets.token_hex(8)
    base = f"do:{digest}"
    tried = sum(name.partition(".")[0] == base for name in account.errands)
    return f"{base}.{tried}" if tried else base


def _outcome_of(
    stored: StoredResponse, request: IdempotentRequest, services: Services, is_new: bool = False
) -> Outcome:
    """The stored outcome. `is_new` says that its payment need not be looked up at Stripe."""
    if stored.asked != request.what:
        _raise_conflict()
    declined = stored.outcome.declined
    if declined:
        raise CardDeclined(declined.message, stripe_code=declined.stripe_code)
    if stored.outcome.payment is None or is_new:
        return stored.outcome
    return settle_payment(stored, stored.outcome.payment, services)


def _raise_conflict() -> NoReturn:
    raise IdempotencyConflict(
        "This Idempotency-Key was used for another call: take another one.", "Idempotency-Key"
    )
