"""The audit log: who changed what, when and from where, by the API, the dashboard or `ops`.

What customers do on their own pages is on the timeline of their account, not here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.orders import ordered
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen

AUDIT_KEPT = timedelta(days=400)
"""How long an entry is kept: a year, and time to look at it."""

LONGEST_TEXT = 200
"""Characters of a text in the detail of an entry; the rest is cut."""

ACTIONS = {
    "profile.changed": "The address, name, language or time zone of an account.",
    "external_id.set": "The product's id of an account.",
    "account.erased": "An account and all that is stored of it.",
    "accounts.exported": "The data of a stage, or part of it, was read out.",
    "accounts.imported": "Customers were imported from Stripe.",
    "accounts.joined": "A customer at Stripe that names another account was decided on.",
    "account.revived": "An account whose processing had failed is tried again.",
    "account.signed_up": "A signup that the product made with its key.",
    "milestone.reported": "What a user did in the product.",
    "checkout.opened": "A Checkout session of an account.",
    "portal.opened": "A session of Stripe's portal of an account.",
    "links.ended": "All links of an account.",
    "instance.reported": "The state of an account's instance, by its provisioner.",
    "instance.retried": "A stalled instance is asked for again.",
    "instance.suspended": "The instance of an account, by hand.",
    "instance.resumed": "The instance of an account, by hand.",
    "instance.deleted": "The instance of an account, by hand.",
    "subscription.canceled": "The subscription of an account, now or at the period's end.",
    "subscription.reactivated": "A cancellation was taken back.",
    "subscription.plan_changed": "The plan, interval or quantity of a subscription.",
    "trial.changed": "The end of a trial.",
    "discount.given": "A coupon or promotion code on a subscription.",
    "grants.given": "Access by hand until a date.",
    "figures.recounted": "Revenue and trials were counted again, and written.",
    "charge.made": "A one-off charge, or an attempt of one.",
    "suppression.lifted": "Mail may go to an address again.",
    "webhooks.endpoint_made": "An endpoint of webhooks.",
    "webhooks.endpoint_deleted": "An endpoint of webhooks.",
    "webhooks.secret_rotated": "The secret of an endpoint.",
    "webhooks.test_sent": "A test event to an endpoint.",
    "webhooks.endpoint_enabled": "An endpoint that was disabled.",
    "webhooks.events_replayed": "Events to an endpoint, again.",
    "key.made": "An API key.",
    "key.revoked": "An API key.",
    "signing_keys.rotated": "The keys that sign access tokens.",
    "secrets.set": "A secret of the stage, by its name.",
    "stage.deployed": "A release was deployed to the stage, or the stage was deleted.",
    "stripe.applied": "Webhook, prices or the portal at Stripe were set up.",
    "stage.restored": "The stage, or an account, was restored from a backup.",
    "dead_letters.handled": "Dead letters were sent back to their queues, or deleted.",
    "events.replayed": "Events of Stripe, or a timeline, were read again.",
    "broadcast.sent": "A message to many customers.",
    "people.synced": "All accounts were sent to the people system.",
    "revenue.recounted": "The daily rows of revenue were written anew.",
    "mcp.read": "An assistant read something, by `ops mcp`.",
    "admin.signed_in": "An operator signed in to the dashboard.",
    "admin.signed_out": "An operator ended their sessions.",
}
"""Action → what was changed."""


@frozen
class AuditEntry:
    """One entry. `actor` is `key:<name>`, `operator:<address>` or `ops:<user>`; `source` the
    network address of a call, empty if there is none. `detail` is what was asked for, and `before`
    and `after` of what changed; it is stored beside the account and erased with it.
    """

    id: str
    at: datetime
    actor: str
    action: str
    account_id: str | None = None
    detail: Mapping[str, Any] | None = None
    source: str = ""


def expired(at: datetime, now: datetime) -> bool:
    """Whether an entry of that time is shown no more."""
    return at + AUDIT_KEPT <= now


def difference(before: Account | None, after: Account, policy: Policy, now: datetime) -> Any:
    """{before, after} with the fields of profile and standing that a write changes, and with those
    of the subscription that an operation which it begins was ordered to change. Empty if there are
    none of them, and for an account that is new: its write may still be refused, and then there is
    no account whose erasure takes the entry along.
    """
    if before is None or not before.version:
        return {}
    old, new = _shown(before, policy, now), _shown(after, policy, now)
    for name, errand in after.errands.items():
        if errand.task and name not in before.errands:
            stood, wanted = ordered(before, errand.task, policy)
            old, new = old | stood, new | wanted
    changed = [name for name in new if old[name] != new[name]]
    if not changed:
        return {}
    return {
        "before": {name: old[name] for name in changed},
        "after": {name: new[name] for name in changed},
    }


def _shown(account: Account, policy: Policy, now: datetime) -> dict[str, Any]:
    given = standing(account, policy, now)
    return {
        "access": given.access,
        "reason": given.reason,
        "plan": given.plan,
        "quantity": given.quantity,
        "email": account.email,
        "name": account.name,
        "timezone": account.profile.timezone,
        "language": account.language,
        "external_id": account.profile.external_id,
    }


def shortened(value: Any) -> Any:
    """A value of a request as an entry has it: texts of up to 200 characters, moments as text."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(name): shortened(one) for name, one in list(value.items())[:50]}
    if isinstance(value, list | tuple | set | frozenset):
        return [shortened(one) for one in list(value)[:50]]
    return value if isinstance(value, int | float | bool | None) else shortened(str(value))
