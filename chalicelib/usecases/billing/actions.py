"""What the product or the customer asks for: decided, written down, done at Stripe once, and
answered with what it came to.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from chalicelib.domain.access import standing
from chalicelib.domain.account.facts import GrantGiven, OperationUpdated
from chalicelib.domain.account.operations import (
    HEAD_START,
    Charge,
    Operation,
    PendingOperation,
    pending,
    reactivation_result,
)
from chalicelib.domain.account.queries import currency_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.billing import decisions
from chalicelib.domain.billing.idempotency import Outcome, StoredResponse
from chalicelib.domain.billing.plan_requests import PlanRequest, PurchaseRequest
from chalicelib.domain.billing.preview import Preview, preview_of
from chalicelib.domain.errors import (
    CardDeclined,
    IdempotencyConflict,
    InvalidInput,
    Unavailable,
)
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.billing.checkout import Returns, open_checkout
from chalicelib.usecases.billing.perform_operation import hold, line_of
from chalicelib.usecases.billing.run_operation import OVER, run_operation
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race

GOES_ON = "What was asked for is written down and goes on by itself; ask again for what it came to."


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """What a caller sent, in one form for the same, and its Idempotency-Key, if it gave one."""

    what: str
    key: str | None = None


Decide = Callable[[Account, datetime], Operation | None]
"""The task that is to be done for an account; None where all is so already. Raises what keeps it
from being done.
"""

Otherwise = Callable[[Account], Outcome]


def cancel(
    account_id: str,
    asked: IdempotentRequest,
    when: str,
    reason: str | None,
    comment: str | None,
    services: Services,
) -> Outcome:
    """End the subscription, `now` or at the `period_end`. As all of these: raises AccountNotFound,
    what the decision raises (decisions.py), IdempotencyConflict, CardDeclined, Refused; and
    Unavailable, after which the agenda goes on with it.
    """
    return _perform(
        account_id,
        asked,
        lambda account, now: decisions.cancellation(account, when, reason, comment, now),
        services,
    )


def pause(
    account_id: str, asked: IdempotentRequest, until: datetime, services: Services
) -> Outcome:
    """Collect no payments until then."""
    return _perform(
        account_id, asked, lambda account, now: decisions.pause(account, until, now), services
    )


def reactivate(
    account_id: str, asked: IdempotentRequest, returns: Returns, services: Services
) -> Outcome:
    """The way back: `uncanceled`, `resumed`, or `checkout` with the URL of the page that leads on.
    Raises AlreadySubscribed too.
    """

    def checkout(account: Account) -> Outcome:
        url = open_checkout(account.id, PurchaseRequest(), returns, services)
        return Outcome(standing(account, services.policy, services.clock.now()), "checkout", url)

    return _perform(
        account_id, asked, lambda account, now: decisions.reactivation(account), services, checkout
    )


def change_plan(
    account_id: str, asked: IdempotentRequest, request: PlanRequest, services: Services
) -> Outcome:
    """Another plan, interval or quantity; with `as_of` of a preview it costs to the cent what that
    said.
    """

    return _perform(
        account_id,
        asked,
        lambda account, now: decisions.plan_change(account, services.policy, request, now),
        services,
    )


def move_trial_end(
    account_id: str, asked: IdempotentRequest, ends_at: datetime, services: Services
) -> Outcome:
    """Let the running trial end then."""
    return _perform(
        account_id, asked, lambda account, now: decisions.trial_end(account, ends_at, now), services
    )


def give_discount(
    account_id: str, asked: IdempotentRequest, coupon: str, services: Services
) -> Outcome:
    """Give a coupon's discount to the subscription, once."""
    return _perform(
        account_id, asked, lambda account, now: decisions.discount(account, coupon, now), services
    )


def charge(
    account_id: str,
    asked: IdempotentRequest,
    amount: int,
    currency: str,
    description: str,
    bill: str,
    services: Services,
) -> Outcome:
    """Charge an amount, on the `next_invoice` or billed `now`; what is billed now and declined is
    withdrawn. The key is required.
    """
    if asked.key is None:
        raise InvalidInput("A charge must have an Idempotency-Key.", "Idempotency-Key")
    wanted = Charge(f"chg_{_digest(account_id, asked.key)}", amount, currency, description, bill)
    return _perform(
        account_id,
        asked,
        lambda account, now: decisions.charge(account, services.policy, wanted, now),
        services,
    )


def grant(
    account_id: str,
    asked: IdempotentRequest,
    until: datetime,
    plan: str | None,
    note: str,
    services: Services,
) -> Outcome:
    """Give access by hand until then, without Stripe; the same again gives nothing more."""
    account = require_account(account_id, services.stores.accounts)
    if kept := _answered_before(account_id, asked, services):
        return kept
    given = Grant(until, plan, note)
    decisions.check_grant(given, services.policy, services.clock.now())
    account = apply_facts(account, [GrantGiven(given)], services, StripeFetcher(services))
    return _answer(
        account, asked, Outcome(standing(account, services.policy, services.clock.now())), services
    )


def do(account_id: str, asked: IdempotentRequest, decide: Decide, services: Services) -> Outcome:
    """Do what `decide` gives, for what no call of the product's can ask."""
    return _perform(account_id, asked, decide, services)


def preview_change(account_id: str, request: PlanRequest, services: Services) -> Preview:
    """Exactly what a change of plan would cost now, or as of a moment, by Stripe's own reckoning.
    Changes nothing; raises as `change_plan` does.
    """
    account = require_account(account_id, services.stores.accounts)
    now = (request.as_of or services.clock.now()).replace(microsecond=0)
    task = decisions.plan_change(account, services.policy, request, now)
    if task is None or task.change is None:
        return Preview(None, 0, currency_of(account, services.policy), now)
    held = hold(account, str(task.subscription), services)
    invoice = services.stripe.subscriptions.preview_change(
        held.one.id, line_of(held, task.change, services), task.change
    )
    return preview_of(task.change, held.one, services.policy, invoice.amount_due, invoice.currency)


def _perform(
    account_id: str,
    asked: IdempotentRequest,
    decide: Decide,
    services: Services,
    otherwise: Otherwise | None = None,
) -> Outcome:
    def begin() -> Outcome | tuple[Account, str | None]:
        """The answer that was given before under the same key; else the account, and the name of
        the task that waits for this call, None if there is none.
        """
        account = require_account(account_id, services.stores.accounts)
        if kept := _answered_before(account_id, asked, services):
            return kept
        account = _ready(account, asked, services)
        if name := _waiting(account, asked):
            return account, name
        task = decide(account, services.clock.now())
        if task is None:
            return account, None
        name = _name(account, asked)
        now = services.clock.now()
        begun = PendingOperation(
            now + HEAD_START, now, task=replace(task, key=asked.key, asked=asked.what)
        )
        new = next_version(
            account, apply(account, OperationUpdated(name, begun)), services.policy, now
        )
        # The task is saved before Stripe is called: a call beside or after this one goes on with
        # the same task.
        services.stores.accounts.save(account, new)
        return new, name

    begun = retry_on_lost_race(account_id, begin, services)
    if isinstance(begun, Outcome):
        return begun
    account, name = begun
    if name:
        return _outcome(account, asked, name, services)
    done = (
        otherwise(account)
        if otherwise
        else Outcome(standing(account, services.policy, services.clock.now()))
    )
    return _answer(account, asked, done, services)


def _outcome(account: Account, asked: IdempotentRequest, name: str, services: Services) -> Outcome:
    task = account.errands[name].task
    try:
        account = run_operation(account, name, services)
    except Unavailable as failure:
        raise type(failure)(f"{failure.message} {GOES_ON}") from failure
    if kept := _answered_before(account.id, asked, services):
        return kept
    return Outcome(
        standing(account, services.policy, services.clock.now()),
        reactivation_result(task) if task else None,
    )


def _ready(account: Account, asked: IdempotentRequest, services: Services) -> Account:
    """The account once nothing else is under way for its subscription: what comes next is decided
    on what that has led to.
    """
    account = run_operation(account, "trial", services)
    ours = _waiting(account, asked)
    for name, operation in pending(account.errands).items():
        if operation.task and operation.task.verb != "charge" and name != ours:
            try:
                account = run_operation(account, name, services)
            except OVER:
                account = require_account(account.id, services.stores.accounts)
    return account


def _waiting(account: Account, asked: IdempotentRequest) -> str | None:
    """The task that waits for the same call. Raises IdempotencyConflict for another call under the
    same key.
    """
    for name, operation in pending(account.errands).items():
        if (
            operation.task
            and operation.task.key == asked.key
            and (asked.key or operation.task.asked == asked.what)
        ):
            if operation.task.asked != asked.what:
                _conflict()
            return name
    return None


def _name(account: Account, asked: IdempotentRequest) -> str:
    """Of a key always the same, as long as no try under it has ended undone: so two who come at
    once begin one task.
    """
    base = f"do:{_digest(account.id, asked.key)}" if asked.key else f"do:{secrets.token_hex(8)}"
    tried = sum(name.partition(".")[0] == base for name in account.errands)
    return f"{base}.{tried}" if tried else base


def _digest(account_id: str, key: str) -> str:
    return hashlib.sha256(f"{account_id} {key}".encode()).hexdigest()[:20]


def _answered_before(
    account_id: str, asked: IdempotentRequest, services: Services
) -> Outcome | None:
    kept = services.stores.responses.load(account_id, asked.key) if asked.key else None
    return _given(kept, asked) if kept else None


def _answer(
    account: Account, asked: IdempotentRequest, outcome: Outcome, services: Services
) -> Outcome:
    if asked.key is None:
        return outcome
    return _given(
        services.stores.responses.keep(
            StoredResponse(account.id, asked.key, asked.what, services.clock.now(), outcome)
        ),
        asked,
    )


def _given(kept: StoredResponse, asked: IdempotentRequest) -> Outcome:
    if kept.asked != asked.what:
        _conflict()
    if kept.outcome.declined:
        raise CardDeclined(kept.outcome.declined.message)
    return kept.outcome


def _conflict() -> NoReturn:
    raise IdempotencyConflict(
        "This Idempotency-Key was used for another call: take another one.", "Idempotency-Key"
    )
