"""Actions on what a customer pays for, requested by the product or the customer. Each is decided by
domain/billing and performed at Stripe once.

All of them raise as `perform_once` does.
"""

from datetime import datetime

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import GrantGiven
from chalicelib.domain.account.operations import Charge, Operation
from chalicelib.domain.account.queries import currency_of
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.billing import decisions
from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome
from chalicelib.domain.billing.plan_requests import PlanRequest, PurchaseRequest
from chalicelib.domain.billing.preview import Preview, preview_of
from chalicelib.domain.billing.proration import within_paid
from chalicelib.domain.errors import InvalidInput
from chalicelib.usecases.billing.checkout import Returns, open_checkout
from chalicelib.usecases.billing.live_subscription import hold, line_of
from chalicelib.usecases.billing.perform_once import (
    key_digest,
    perform_once,
    store_outcome,
    stored_outcome,
)
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def cancel(
    account_id: str,
    request: IdempotentRequest,
    when: str,
    reason: str | None,
    comment: str | None,
    services: Services,
    id: str | None = None,
) -> Outcome:
    """End the subscription, the current one or the other one of this `id`: `now` or at the
    `period_end`.
    """
    return perform_once(
        account_id,
        request,
        lambda account, now: decisions.cancellation(account, when, reason, comment, now, id),
        services,
    )


def pause(
    account_id: str, request: IdempotentRequest, until: datetime, services: Services
) -> Outcome:
    """Collect no payments until then."""
    return perform_once(
        account_id, request, lambda account, now: decisions.pause(account, until, now), services
    )


def reactivate(
    account_id: str, request: IdempotentRequest, returns: Returns, services: Services
) -> Outcome:
    """Bring the customer back: `uncanceled`, `resumed`, or `checkout` with the URL of the page that
    sells or collects a card. Raises AlreadySubscribed too.
    """

    def checkout(account: Account) -> Outcome:
        url = open_checkout(account.id, PurchaseRequest(), returns, services)
        return Outcome(standing(account, services.policy, services.clock.now()), "checkout", url)

    return perform_once(
        account_id,
        request,
        decisions.reactivation,
        services,
        checkout,
    )


def change_plan(
    account_id: str, request: IdempotentRequest, change: PlanRequest, services: Services
) -> Outcome:
    """Change plan, interval or quantity. With `as_of` of a preview it costs to the cent what the
    preview said.
    """
    return perform_once(
        account_id,
        request,
        lambda account, now: _plan_change(account, change, now, services),
        services,
    )


def move_trial_end(
    account_id: str, request: IdempotentRequest, ends_at: datetime, services: Services
) -> Outcome:
    """Move the end of the running trial."""
    return perform_once(
        account_id,
        request,
        lambda account, now: decisions.trial_end(account, ends_at, now),
        services,
    )


def give_discount(
    account_id: str, request: IdempotentRequest, coupon: str, services: Services
) -> Outcome:
    """Give a coupon's discount to the subscription, once."""
    return perform_once(
        account_id,
        request,
        lambda account, now: decisions.discount(account, coupon, now),
        services,
    )


def charge(
    account_id: str,
    request: IdempotentRequest,
    amount: int,
    currency: str,
    description: str,
    bill: str,
    services: Services,
) -> Outcome:
    """Charge an amount, on the `next_invoice` or `now`. What is billed now and declined is
    withdrawn. The key is required.
    """
    if request.key is None:
        raise InvalidInput("A charge must have an Idempotency-Key.", "Idempotency-Key")
    id = f"chg_{key_digest(account_id, request.key)}"
    wanted = Charge(id, amount, currency, description, bill)
    return perform_once(
        account_id,
        request,
        lambda account, now: decisions.charge(account, services.policy, wanted, now),
        services,
    )


def grant(
    account_id: str,
    request: IdempotentRequest,
    until: datetime,
    plan: str | None,
    note: str,
    services: Services,
) -> Outcome:
    """Give access by hand until then, without Stripe. The same grant again gives nothing more."""
    account = require_account(account_id, services.stores.accounts)
    if stored := stored_outcome(account_id, request, services):
        return stored
    given = Grant(until, plan, note)
    decisions.check_grant(given, services.policy, services.clock.now())
    account = apply_facts(account, [GrantGiven(given)], services, StripeFetcher(services))
    outcome = Outcome(standing(account, services.policy, services.clock.now()))
    return store_outcome(account, request, outcome, services)


def preview_change(account_id: str, change: PlanRequest, services: Services) -> Preview:
    """What a change of plan would cost now, or as of a moment, as Stripe calculates it. Changes
    nothing.
    """
    account = require_account(account_id, services.stores.accounts)
    now = (change.as_of or services.clock.now()).replace(microsecond=0)
    operation = _plan_change(account, change, now, services)
    if operation is None or operation.change is None:
        return Preview(None, 0, currency_of(account, services.policy), now)
    held = hold(account, str(operation.subscription), services)
    line = line_of(held, operation.change, services)
    invoice = services.stripe.subscriptions.preview_change(
        held.one.id, line, operation.change, held.one.currency
    )
    return preview_of(
        operation.change, held.recognized, services.policy, invoice.amount_due, invoice.currency
    )


def _plan_change(
    account: Account, wanted: PlanRequest, now: datetime, services: Services
) -> Operation | None:
    """The change, by what Stripe says of the subscription and its invoices: an account keeps only
    some of them, and the newest may not have been reported yet.
    """
    operation = decisions.plan_change(account, services.policy, wanted, now)
    if operation is None or operation.change is None:
        return operation
    live = hold(account, str(operation.subscription), services).one
    found = (one.value for one in services.stripe.reader.invoices_of(operation.customer))
    invoices = [one for one in found if one.subscription == live.id]
    change = within_paid(account, live, operation.change, invoices, services.policy)
    return replace(operation, change=change)
