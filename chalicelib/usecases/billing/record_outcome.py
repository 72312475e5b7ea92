"""Record what became of an operation: on the account, on its timeline, and as the response to the
caller's Idempotency-Key.
"""

from chalicelib.domain.access.standing import standing
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
from chalicelib.domain.errors import BillhookError, CardDeclined, Refused
from chalicelib.usecases.billing.live_subscription import OperationResult
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def record_success(
    account: Account, name: str, result: OperationResult, services: Services
) -> Account:
    """The account after the operation was done: with what that showed, and the operation marked as
    done. The response is stored before that, so that a repeated call finds one of them.
    """
    operation = account.errands[name]
    facts, task = [*result.facts], operation.task
    if task:
        if task.key:
            account, facts = _apply(account, facts, services), []
            outcome = _outcome(account, task, result, services)
            services.stores.responses.keep(_response(account, task, outcome, services))
        entry = _entry(account.id, name, operation, result=result)
        services.stores.timeline.put([entry])
        if result.not_refunded:
            services.metrics.count("ErrandsRefused", len(result.not_refunded))
        facts += follows(task, operation.since, result.refund)
    done = replace(operation, done_at=services.clock.now())
    return _apply(account, [*facts, OperationUpdated(name, done)], services)


def record_refusal(account_id: str, name: str, failure: BillhookError, services: Services) -> None:
    """End an operation that cannot be done. A declined card is a response too, and stays the same
    under its key.
    """
    account = services.stores.accounts.load(account_id)
    operation = pending(account.errands).get(name) if account else None
    if account is None or operation is None:
        return
    task = operation.task
    if task and task.key and isinstance(failure, CardDeclined):
        outcome = Outcome(
            standing(account, services.policy, services.clock.now()),
            declined=Declined(failure.message, failure.stripe_code),
        )
        services.stores.responses.keep(_response(account, task, outcome, services))
    services.stores.timeline.put([_entry(account_id, name, operation, failure)])
    ended = replace(operation, done_at=services.clock.now())
    _apply(account, [OperationUpdated(name, ended)], services)


def record_failed_attempt(
    account_id: str, name: str, key_is_used_up: bool, services: Services
) -> None:
    """Count an attempt that failed, on the account as it is by now."""
    account = services.stores.accounts.load(account_id)
    operation = pending(account.errands).get(name) if account else None
    if account and operation:
        failed = operation.after_failure(services.clock.now(), key_is_used_up)
        _apply(account, [OperationUpdated(name, failed)], services)


def _outcome(
    account: Account, task: Operation, result: OperationResult, services: Services
) -> Outcome:
    return Outcome(
        standing(account, services.policy, services.clock.now()),
        reactivation_result(task),
        charged=result.charged,
        payment=result.payment,
    )


def _response(
    account: Account, task: Operation, outcome: Outcome, services: Services
) -> StoredResponse:
    return StoredResponse(account.id, str(task.key), task.asked, services.clock.now(), outcome)


def _entry(
    account_id: str,
    name: str,
    operation: PendingOperation,
    failure: BillhookError | None = None,
    result: OperationResult | None = None,
) -> Entry:
    """What was asked for and the outcome, for the timeline. Equal however often it is
    written.
    """
    payment = result.payment if result else None
    what = operation.task.verb if operation.task else kind_of(name)[0]
    became = "refused" if failure else "waiting" if payment else "done"
    data = {
        **(_requested(operation.task) if operation.task else {}),
        "failure": failure.code if failure else None,
        "stripe_code": failure.stripe_code if isinstance(failure, Refused) else None,
        "payment": payment.status if payment else None,
        "invoice": payment.invoice if payment else None,
        "not_refunded": dict(result.not_refunded) if result else None,
    }
    return Entry(
        account_id,
        operation.since,
        "call",
        name,
        f"{what}.{became}",
        {field: value for field, value in data.items() if value},
    )


def _requested(task: Operation) -> dict[str, object]:
    """What an operation was requested with. The fields are stored."""
    change, charge = task.change, task.charge
    return {
        "reason": task.reason,
        "comment": task.comment,
        "coupon": task.coupon,
        "at": task.at,
        "plan": change and change.plan,
        "interval": change and change.interval,
        "quantity": change and change.quantity,
        "charge": charge and charge.id,
        "amount": charge and charge.amount,
        "currency": charge and charge.currency,
        "bill": charge and charge.bill,
    }


def _apply(account: Account, facts: list[Fact], services: Services) -> Account:
    return apply_facts(account, facts, services, StripeFetcher(services))
