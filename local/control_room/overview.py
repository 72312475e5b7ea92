"""What every account is now, for the people in the control room."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.aws.items import account_of
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.standing import ON_TRIAL, REASONS
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.shown import way_back
from chalicelib.domain.policy.policy import Policy
from chalicelib.entry.pages.session import cookie
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.queue_drain import Rest


@dataclass(frozen=True, slots=True)
class Customer:
    """An account as the control room shows it. `access`, `reason` and `until` are its standing's,
    `meaning` is a sentence on the reason, `plan` is a name for people, `stripe_ids` are its
    customers at Stripe, and `trial_ends` is set while a trial runs. `workspace` is the URL of its
    instance, if it has one.
    """

    id: str
    name: str | None
    email: str | None
    access: str
    reason: str
    meaning: str
    plan: str
    until: datetime | None
    trial_ends: datetime | None
    stripe_ids: tuple[str, ...]
    workspace: str | None = None


class Customers:
    """The accounts of the running system."""

    def __init__(self, rest: Rest, policy: Policy) -> None:
        self._rest, self._policy = rest, policy

    def all(self) -> list[Customer]:
        """Every account, the newest first."""
        accounts = [account_of(item) for item in self._rest.account_items()]
        return [self._shown(account) for account in sorted(accounts, key=_began, reverse=True)]

    def billing_cookie(self, account_id: str) -> str | None:
        """The Set-Cookie header that opens the account's billing page, as a mailed link does; None
        if there is no such account.
        """
        account = wiring.accounts().load(account_id)
        return cookie("billing-visit", account) if account else None

    def _shown(self, account: Account) -> Customer:
        at = clock.now()
        now = standing(account, self._policy, at)
        return Customer(
            account.id,
            account.name,
            account.email,
            now.access,
            now.reason,
            REASONS[now.reason],
            self._policy.plan_name(now.plan),
            now.until,
            now.until if now.reason in ON_TRIAL else None,
            tuple(sorted(account.customers)),
            way_back(account, self._policy, at),
        )


def _began(account: Account) -> tuple[datetime, str]:
    """When the account signed up, or else first subscribed; ties go by id."""
    moments = [known.value.created for known in account.subscriptions.values()]
    if account.signup:
        moments.append(account.signup.at)
    return min(moments, default=datetime.min.replace(tzinfo=UTC)), account.id
