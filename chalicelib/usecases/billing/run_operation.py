"""Run an errand at Stripe: once, wherever it is interrupted, whatever Stripe answers."""

from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.access import standing
from chalicelib.domain.account.facts import Fact, OperationUpdated
from chalicelib.domain.account.operations import (
    Operation,
    PendingOperation,
    kind_of,
    pending,
    reactivation_result,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import follows
from chalicelib.domain.billing.idempotency import Declined, Outcome, StoredResponse
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import (
    BillhookError,
    CardDeclined,
    InvalidInput,
    NoSubscription,
    NotPossible,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from chalicelib.usecases.billing.perform_operation import (
    OperationResult,
    find_operation,
    perform_operation,
)
from chalicelib.usecases.billing.save_card import save_card
from chalicelib.usecases.billing.start_trial import find_trial, make_trial
from chalicelib.usecases.billing.update_customer import update_customer
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services

OVER = (Refused, NoSubscription, NotPossible, InvalidInput)
"""What ends a task undone: nothing was changed, and whoever asked for it has been told, or finds it
in the timeline.
"""


def run_operations(account: Account, services: Services) -> Account:
    """The account after each of its errands whose time has come was tried. What fails is tried
    again later, and keeps nothing else waiting.
    """
    for name, operation in pending(account.errands).items():
        if operation.next_try() <= services.clock.now():
            try:
                account = run_operation(account, name, services)
            except (Unavailable, *OVER):
                account = services.stores.accounts.load(account.id) or account
    return account


def run_operation(account: Account, name: str, services: Services) -> Account:
    """The account after an errand was done; as it is, if that is not to do.

    Raises Unavailable, Refused: then it is tried again by the agenda. A task that Stripe refuses is
    over instead, with one of OVER.
    """
    operation = pending(account.errands).get(name)
    if operation is None:
        return account
    try:
        if operation.needs_lookup(services.clock.now()):
            found = _found(account, name, operation, services)
            if found is not None:
                return _done(account, name, found, services)
            operation = operation.with_new_key(services.clock.now())
            account = _learnt(
                account, [OperationUpdated(name, operation)], services
            )  # the new key is written down before it is used
        return _done(account, name, _made(account, name, operation, services), services)
    except (Unavailable, *OVER) as failure:
        _count(operation, failure, services)
        if operation.task and not isinstance(failure, Unavailable):
            _over(account.id, name, operation.task, failure, services)
            raise
        _note(account.id, name, isinstance(failure, OutcomeUnknown), services)
        raise


def _count(operation: PendingOperation, failure: BillhookError, services: Services) -> None:
    """What somebody should look after: that a card was declined, or a thing asked for too late, is
    the caller's to know.
    """
    if isinstance(failure, Unavailable):
        services.metrics.count("ErrandsUnanswered", 1)
    elif isinstance(failure, Refused) and not (
        operation.task and isinstance(failure, CardDeclined)
    ):
        services.metrics.count("ErrandsRefused", 1)


def _found(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> OperationResult | None:
    """What Stripe has of an errand that may have been done; None if nothing. A card is given by
    steps that each look for themselves.
    """
    if operation.task:
        return find_operation(account, operation.task, services)
    facts = find_trial(account, services) if kind_of(name)[0] == "trial" else None
    return None if facts is None else OperationResult(facts)


def _made(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> OperationResult:
    kind, about = kind_of(name)
    if operation.task:
        return _done_after_all(account, name, operation, operation.task, services)
    if kind == "profile":
        return OperationResult(update_customer(account, name, operation, services))
    return OperationResult(
        make_trial(account, operation, services)
        if kind == "trial"
        else save_card(account, about, operation, services)
    )


def _done_after_all(
    account: Account, name: str, operation: PendingOperation, task: Operation, services: Services
) -> OperationResult:
    """A task done; where Stripe gave no answer, it is asked whether it did it: what was done must
    not be called a failure.
    """
    try:
        return perform_operation(
            account,
            task,
            f"{account.id}:{name}:{operation.generation}",
            operation.generation > 0,
            services,
        )
    except Unavailable:
        with suppress(Unavailable):
            if found := find_operation(account, task, services):
                return found
        raise


def _done(account: Account, name: str, done: OperationResult, services: Services) -> Account:
    operation = account.errands[name]
    facts, task = [*done.facts], operation.task
    if task:
        if (
            task.key
        ):  # the answer is kept before the task is done with: whoever asks again finds one of them
            account, facts = _learnt(account, facts, services), []
            services.stores.responses.keep(
                _kept(
                    account,
                    task,
                    Outcome(
                        standing(account, services.policy, services.clock.now()),
                        reactivation_result(task),
                        charged=done.charged,
                    ),
                    services,
                )
            )
        services.stores.timeline.put([_entry(account.id, name, operation, task, "")])
        facts += follows(task, operation.since)
    return _learnt(
        account,
        [*facts, OperationUpdated(name, replace(operation, done_at=services.clock.now()))],
        services,
    )


def _over(
    account_id: str, name: str, task: Operation, failure: BillhookError, services: Services
) -> None:
    """Write down that a task ended undone. A card that was declined is an answer, and stays the
    same under its key.
    """
    account = services.stores.accounts.load(account_id)
    operation = pending(account.errands).get(name) if account else None
    if account is None or operation is None:
        return
    if task.key and isinstance(failure, CardDeclined):
        services.stores.responses.keep(
            _kept(
                account,
                task,
                Outcome(
                    standing(account, services.policy, services.clock.now()),
                    declined=Declined(failure.message),
                ),
                services,
            )
        )
    services.stores.timeline.put([_entry(account_id, name, operation, task, failure.code)])
    _learnt(
        account,
        [OperationUpdated(name, replace(operation, done_at=services.clock.now()))],
        services,
    )


def _kept(
    account: Account, task: Operation, outcome: Outcome, services: Services
) -> StoredResponse:
    return StoredResponse(account.id, str(task.key), task.asked, services.clock.now(), outcome)


def _entry(
    account_id: str, name: str, operation: PendingOperation, task: Operation, failure: str
) -> Entry:
    """What was asked for, for the timeline: the same however often it is written."""
    told = {
        "reason": task.reason,
        "comment": task.comment,
        "coupon": task.coupon,
        "at": task.at,
        "failure": failure,
    }
    change = (
        {
            "plan": task.change.plan,
            "interval": task.change.interval,
            "quantity": task.change.quantity,
        }
        if task.change
        else {}
    )
    charge = (
        {
            "charge": task.charge.id,
            "amount": task.charge.amount,
            "currency": task.charge.currency,
            "bill": task.charge.bill,
        }
        if task.charge
        else {}
    )
    data = {field: value for field, value in (told | change | charge).items() if value}
    return Entry(
        account_id,
        operation.since,
        "call",
        name,
        f"{task.verb}.{'refused' if failure else 'done'}",
        data,
    )


def _note(account_id: str, name: str, doubtful: bool, services: Services) -> None:
    """Write down that a try was in vain, on what the account is by now."""
    account = services.stores.accounts.load(account_id)
    operation = pending(account.errands).get(name) if account else None
    if account and operation:
        _learnt(
            account,
            [OperationUpdated(name, operation.after_failure(services.clock.now(), doubtful))],
            services,
        )


def _learnt(account: Account, facts: list[Fact], services: Services) -> Account:
    return apply_facts(account, facts, services, StripeFetcher(services))
