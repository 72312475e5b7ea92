"""The tables of an export with their columns, and the rows that an account has in them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.exports.parquet import Column
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription

Row = dict[str, Any]
"""A value by its column: text, whole number, bool, date, or a datetime with a time zone."""


def _table(text: str) -> tuple[Column, ...]:
    """The columns, each `name:kind`; without a kind it is text."""
    parts = (one.partition(":") for one in text.split())
    return tuple(Column(name, kind or "text") for name, _, kind in parts)


TABLES: Mapping[str, tuple[Column, ...]] = {
    "customers": _table(
        "account_id external_id email name language timezone source signed_up_at:moment customers"
        " status access reason plan quantity:number until:moment"
    ),
    "subscriptions": _table(
        "account_id subscription customer status plan price product quantity:number amount:number"
        " currency interval interval_count:number created:moment trial_end:moment"
        " period_end:moment cancels_at:moment canceled_at:moment ended_at:moment"
    ),
    "revenue": _table(
        "date:day currency mrr:number new:number reactivation:number expansion:number"
        " contraction:number churn:number"
    ),
    "events": _table("id type timestamp:moment sequence:number account_id external_id data"),
}
"""Table → its columns, in their order. Queries name them: a column may be added at the end, and
none changes.
"""


def customer_row(account: Account, policy: Policy, now: datetime) -> Row:
    """A customer, with the access at `now`."""
    profile, signup = account.profile, account.signup
    given = standing(account, policy, now)
    return {
        "account_id": account.id,
        "external_id": profile.external_id,
        "email": profile.email,
        "name": profile.name,
        "language": profile.language,
        "timezone": profile.timezone,
        "source": signup.source if signup else None,
        "signed_up_at": signup.at if signup else None,
        "customers": " ".join(sorted(account.customers)),
        "status": given.status,
        "access": given.access,
        "reason": given.reason,
        "plan": given.plan,
        "quantity": given.quantity,
        "until": given.until,
    }


def subscription_rows(account: Account, policy: Policy) -> Iterator[Row]:
    """A row for each item of each subscription. `amount` is for one, in minor units."""
    for one in account.subscriptions.values():
        yield from _rows_of(account.id, one.value, policy)


def _rows_of(account_id: str, one: Subscription, policy: Policy) -> Iterator[Row]:
    plan, _ = policy.plan_of(one.items)
    for item in one.items:
        yield {
            "account_id": account_id,
            "subscription": one.id,
            "customer": one.customer,
            "status": one.status,
            "plan": plan,
            "price": item.price,
            "product": item.product,
            "quantity": item.quantity,
            "amount": item.amount,
            "currency": item.currency or one.currency,
            "interval": item.interval,
            "interval_count": item.interval_count,
            "created": one.created,
            "trial_end": one.trial_end,
            "period_end": one.period_end,
            "cancels_at": one.cancels_at,
            "canceled_at": one.canceled_at,
            "ended_at": one.ended_at,
        }


def event_row(document: str) -> Row:
    """The row of an event's document; `data` is JSON, as a value and not as text."""
    values = json.loads(document)
    data = values["data"]
    return {
        "id": values["id"],
        "type": values["type"],
        "timestamp": datetime.fromisoformat(values["timestamp"]),
        "sequence": values.get("sequence"),
        "account_id": data.pop("account_id", None),
        "external_id": data.pop("external_id", None),
        "data": data,
    }
