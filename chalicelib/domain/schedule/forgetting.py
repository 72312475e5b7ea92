"""When what nobody proved and nobody used is erased: somebody typed an address, and it may be
anybody's.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.queries import is_unclaimed
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy

REPORTED = timedelta(hours=1)
"""How long Stripe's events about a customer that was deleted are waited for: nothing is being
written any more when the account is erased.
"""


def forgotten_at(account: Account, policy: Policy) -> datetime | None:
    """When the account is to be forgotten: its customer at Stripe deleted, and once that was
    reported, the account erased. None if it stays, as the account is now.
    """
    days = policy.signup.forget_unproved_days if policy.signup else 0
    if not days or account.signup is None or not _may_be_forgotten(account):
        return None
    if account.superseded_at:
        return _once_reported(account, account.superseded_at)
    ends = [
        account.signup.trial_ends_at,
        *(one.signup.trial_ends_at for one in account.pending_signups),
        *(known.value.trial_end for known in account.subscriptions.values()),
    ]
    at = max(end for end in ends if end) + timedelta(days=days)
    return _once_reported(account, at)


def _once_reported(account: Account, at: datetime) -> datetime:
    if account.live_customers():
        return at
    return max([at, *(known.seen + REPORTED for known in account.customers.values())])


def _may_be_forgotten(account: Account) -> bool:
    """Whether nothing of it is anybody's: nobody proved or used it, it has no access, the product
    does not know it by an id of its own, and Stripe knows nothing of it but the trial. A trial that
    runs keeps it, but not one whose address was proved for another account; so does what a people
    system reports, which may be true.
    """
    has_access = account.standing is None or account.standing.access != "none"
    has_access = has_access and not account.superseded_at
    return (
        is_unclaimed(account)
        and not (account.milestones and not account.superseded_at)
        and not has_access
        and account.profile.external_id is None
        and not account.others
        and not account.disputes
        and len(account.customers) <= 1
        and account.history_until is None
    )
