"""What the dashboard shows of a customer: a row of a list, and the page of one."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.instance import ORDERS
from chalicelib.domain.account.parts.instance import STATUSES as INSTANCE_STATUSES
from chalicelib.domain.account.queries import (
    card_of,
    creation_order,
    current_subscription,
    known_invoices,
    plan_of,
)
from chalicelib.domain.account.rules.directory import STATUSES, first_known, trial_end_of
from chalicelib.domain.account.standing import REASONS, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.past_messages import past_messages
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.policy.selling import PRORATE
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.localization.prices import price_of, spoken_method
from chalicelib.pages.admin.due_words import spoken_due
from chalicelib.pages.admin.mails import mails_view

ACCESS = {
    "full": "Full access",
    "limited": "Limited access: the billing pages and their own data",
    "none": "No access",
}

NOTICES = {
    "grants": "Access was granted.",
    "trial": "The end of the trial was moved.",
    "plan": "The plan was changed.",
    "plan_waits": "The change waits for a payment that the customer has to confirm.",
    "discount": "The discount was given.",
    "charges": "The charge was made.",
    "charges_waits": "The charge was made; its payment is still open.",
    "cancel": "The subscription was canceled.",
    "reactivate": "The subscription was reactivated, or waits for the customer to buy.",
    "reactivate_waits": "The subscription waits for a payment that the customer has to confirm.",
    "instance-retry": "The instance is asked for again.",
    "instance-suspend": "The instance is being suspended.",
    "instance-resume": "The instance is being made ready again.",
    "instance-delete": "The instance is being deleted.",
    "erase": "The customer is erased once the instance is deleted.",
    "sign-out": "Every link and every session of the customer was ended.",
}
"""What was done by an action, by the notice in the URL."""

MAILS_SHOWN = 30

TROUBLED = frozenset({"past_due", "unpaid", "incomplete"})
"""Statuses that look wrong although access goes on."""


def title_of(account: Account) -> str:
    """What a customer is called: the name, the address, or the id."""
    return account.name or account.email or account.id


def row_of(account: Account, policy: Policy, now: datetime) -> dict[str, Any]:
    """A customer in a list."""
    current, trial_ends = standing(account, policy, now), trial_end_of(account)
    plan = policy.plan_name(current.plan)
    return {
        "id": account.id,
        "title": title_of(account),
        "email": account.email,
        "standing": current,
        "status": STATUSES.get(current.status, current.status),
        "tone": tone_of(current),
        "plan": plan,
        "since": first_known(account),
        "trial_ends": trial_ends,
        "is_trial_over": trial_ends is not None and trial_ends <= now,
        "price": price_of(account, current_subscription(account), policy) if plan else "",
    }


def customer_view(
    account: Account, policy: Policy, now: datetime, mailed: Iterable[Entry] = ()
) -> dict[str, Any]:
    """The values of the page of one customer. `mailed` is what the timeline tells of mails."""
    current = standing(account, policy, now)
    subscription = current_subscription(account)
    card = card_of(account, subscription)
    return {
        "account": account,
        "title": title_of(account),
        "standing": current,
        "status": STATUSES.get(current.status, current.status),
        "tone": tone_of(current),
        "access": ACCESS[current.access],
        "rule": rule_of(current),
        "since": first_known(account),
        "plan_name": policy.plan_name(current.plan),
        "method": spoken_method(card) if card else "",
        "subscriptions": [
            _subscription(account, one, policy)
            for one in sorted(
                (tracked.value for tracked in account.subscriptions.values()),
                key=creation_order,
                reverse=True,
            )
        ],
        "invoices": sorted(
            (tracked.value for tracked in known_invoices(account).values()),
            key=creation_order,
            reverse=True,
        ),
        "mails": mails_view(past_messages(account.mails, mailed)[:MAILS_SHOWN]),
        "due": [(item.at, spoken_due(item)) for item in due_work(account, policy, now)[:8]],
        "instance": account.instance,
        "instance_means": INSTANCE_STATUSES.get(account.instance.status, "")
        if account.instance
        else "",
        "orders": ORDERS if account.instance and policy.instance else {},
        "grants": sorted(account.grants, key=lambda grant: grant.until, reverse=True),
        "notices": NOTICES,
        "plans": policy.plans,
        "reasons": CANCELLATION_REASONS,
        "prorate": PRORATE,
        "currency": subscription.currency if subscription else policy.currency,
        "once": secrets.token_urlsafe(18),
        "now": now,
    }


def person_view(person: Person | None, to: str) -> dict[str, str]:
    """What is known of the customer in the people system `to`: its `name`, the contact's `id`
    there, and what to `say` of it.
    """
    if person is None or not (person.id or person.refused):
        say = person.reason if person and person.reason else "Not written yet."
    elif person.refused:
        say = f"Refused: {person.reason}"
    elif person.archived:
        say = "Archived there, since the customer is gone."
    else:
        say = person.reason or "As it is here."
    name = {"intercom": "Intercom", "segment": "Segment"}[to]
    return {"name": name, "id": person.id if person else "", "say": say}


def tone_of(current: Standing) -> str:
    """The colour of a standing, by the access that it looks like."""
    is_troubled = current.access == "full" and current.status in TROUBLED
    return "limited" if is_troubled else current.access


def rule_of(current: Standing) -> str:
    """The rule that made a standing, in words."""
    return REASONS.get(current.reason, current.reason)


def _subscription(account: Account, one: Subscription, policy: Policy) -> dict[str, Any]:
    plan, quantity = plan_of(account, one, policy)
    return {
        "value": one,
        "plan": policy.plan_name(plan) or "Unknown price",
        "quantity": quantity,
        "price": price_of(account, one, policy),
        "status": STATUSES.get(one.status, one.status),
    }
