"""Withdrawal from the contract: whole once, and within a year of that only for the days left."""

from datetime import datetime

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing import decisions
from chalicelib.domain.billing.cancellation_rules import withdraws_again
from chalicelib.domain.billing.refunds import share_of_days_left
from chalicelib.domain.security.signup import identity
from chalicelib.usecases.billing.live_subscription import hold
from chalicelib.usecases.billing.refund import planned_refund
from chalicelib.usecases.services import Services


def withdrawal(
    account: Account, asked_at: datetime, now: datetime, services: Services
) -> Operation:
    """The withdrawal that was asked for at `asked_at`. Who withdrew within the time of the policy
    gets back what was paid for the days that are left then. Raises as `decisions.withdrawal` and
    the calls to Stripe do.
    """
    last, policy = last_withdrawal(account, services), services.policy
    operation = decisions.withdrawal(account, policy, asked_at, now, last)
    if not withdraws_again(last, policy, asked_at):
        return operation
    live = hold(account, str(operation.subscription), services).one
    found = (one.value for one in services.stripe.reader.invoices_of(live.customer))
    invoices = [one for one in found if one.subscription == live.id]
    refund = share_of_days_left(live, invoices, asked_at)
    return decisions.withdrawal(account, policy, asked_at, now, last, refund)


def shown_refund(account: Account, asked_at: datetime, services: Services) -> Refund | None:
    """What a withdrawal would pay back, if that is not all; else None. Raises as `withdrawal`."""
    operation = withdrawal(account, asked_at, services.clock.now(), services)
    return None if operation.refund is None else planned_refund(operation, services.stripe)


def last_withdrawal(account: Account, services: Services) -> datetime | None:
    """When the same person last withdrew from a contract: from this account, from one that has its
    address, or from the one that had the trial of its mailbox or of its id in the product. Of an
    account that was erased nothing is known. Raises Unavailable.
    """
    accounts = services.stores.accounts
    names = {*account.signup.identities} if account.signup else set()
    if account.email:
        names.add(f"email:{identity(account.email)}")
    same = [accounts.with_trial(name) for name in sorted(names)]
    same += accounts.with_email(account.email) if account.email else []
    times = [one.withdrawn_at for one in (account, *same) if one and one.withdrawn_at]
    return max(times, default=None)
