"""The contact that an account is in the people system: a function of the account, so that the last
state always wins.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.queries import holds_address
from chalicelib.domain.account.rules.directory import first_known, trial_end_of
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.people.revenue import monthly_revenue
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen

ATTRIBUTES = {
    "billing_access": "string",
    "billing_reason": "string",
    "billing_status": "string",
    "billing_plan": "string",
    "billing_quantity": "integer",
    "trial_ends_at": "date",
    "billing_until_at": "date",
    "mrr": "float",
    "billing_currency": "string",
    "billing_mode": "string",
    "billing_external_id": "string",
    "billing_source": "string",
}
"""Custom attribute → its type at Intercom. Intercom reads names that end in _at as Unix seconds."""

LONGEST_TEXT = 255
"""Characters of a text that Intercom takes (developers.intercom.com, data attributes)."""


@frozen
class Contact:
    """What the people system gets of an account. Times are datetimes here; `attributes` has every
    attribute that may leave, None where there is no value. `mode` is Stripe's, whether it leaves or
    not. `is_gone` says that the customer was
    deleted at Stripe and has no access, `proved` that the address is known to be the customer's,
    and `may_adopt` that a contact there with this address may become the account's.
    """

    account_id: str
    email: str | None
    name: str | None
    signed_up_at: datetime | None
    unsubscribed: bool
    attributes: Mapping[str, Any]
    mode: str = ""
    is_gone: bool = False
    proved: bool = False
    may_adopt: bool = False

    @property
    def digest(self) -> str:
        """Stands for what is written of it: another digest is another contact."""
        text = json.dumps(
            [
                self.account_id,
                self.email,
                self.name,
                self.signed_up_at,
                self.unsubscribed,
                sorted(self.attributes.items()),
                self.is_gone,
            ],
            default=str,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def contact(
    account: Account, policy: Policy, livemode: bool, now: datetime, suppressed: bool = False
) -> Contact:
    """The contact of an account at `now`. `suppressed` says that its address gets no mail."""
    people = policy.people
    assert people
    given = standing(account, policy, now)
    mrr, currency = monthly_revenue(account, policy, now)
    signup = account.signup
    all: dict[str, Any] = {
        "billing_access": given.access,
        "billing_reason": given.reason,
        "billing_status": given.status,
        "billing_plan": given.plan,
        "billing_quantity": given.quantity,
        "trial_ends_at": trial_end_of(account) if given.reason in ON_TRIAL else None,
        "billing_until_at": given.until,
        "mrr": mrr,
        "billing_currency": currency,
        "billing_mode": mode_of_stage(livemode),
        "billing_external_id": account.profile.external_id,
        "billing_source": signup.source if signup else None,
    }
    customers = [tracked.value for tracked in account.customers.values()]
    return Contact(
        account.id,
        account.email if "email" in people.fields else None,
        _cut(account.name) if "name" in people.fields else None,
        first_known(account) if "signed_up_at" in people.fields else None,
        suppressed or "lifecycle" in account.unsubscribed,
        {name: _cut(value) for name, value in all.items() if name in people.fields},
        mode_of_stage(livemode),
        bool(customers) and all_deleted(customers) and given.access == "none",
        account.email_proved,
        _may_adopt(account),
    )


def mode_of_stage(livemode: bool) -> str:
    """The billing_mode of all contacts of a stage."""
    return "live" if livemode else "test"


def _may_adopt(account: Account) -> bool:
    """Whether the account has a right to a contact that somebody else made for its address. Whoever
    only typed that into a form would give it a name and a plan, and have it deleted when what
    nobody has proved is forgotten.
    """
    return account.email_proved or (account.signup is None and holds_address(account))


def all_deleted(customers: list[Any]) -> bool:
    """Whether none of the customers is at Stripe any more."""
    return all(customer.deleted for customer in customers)


def _cut(value: Any) -> Any:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
