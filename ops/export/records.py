"""What an export in records has: customers, subscriptions, revenue, events and the audit log, each
as flat as a spreadsheet or a query wants it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import translate_errors
from chalicelib.aws.events.audit import AuditLog
from chalicelib.aws.items import account_of
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_feed import Query
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.feed import read_feed
from chalicelib.usecases.figures.reports import revenue, revenue_days
from chalicelib.usecases.services import Services

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Record = dict[str, Any]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customers": (
        "account_id", "external_id", "email", "name", "language", "timezone", "source",
        "signed_up_at", "customers", "status", "access", "reason", "plan", "quantity", "until",
    ),
    "subscriptions": (
        "account_id", "subscription", "customer", "status", "plan", "price", "product", "quantity",
        "amount", "currency", "interval", "interval_count", "created", "trial_end", "period_end",
        "cancels_at", "canceled_at", "ended_at",
    ),
    "revenue": (
        "date", "currency", "mrr", "new", "reactivation", "expansion", "contraction", "churn",
    ),
    "events": ("id", "type", "timestamp", "sequence", "account_id", "external_id", "data"),
    "audit": ("id", "at", "actor", "action", "account_id", "from", "detail"),
}  # fmt: skip
"""Each file of the export with its columns."""

EARLIEST = date(2000, 1, 1)
"""No revenue is older: Stripe is not."""

A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """What records are read from. `scanned` gets the number of items of each page of the table."""

    services: Services
    audit: AuditLog
    dynamodb: "DynamoDBClient"
    table: str
    scanned: Callable[[int], None]


def records(source: Source) -> Iterator[tuple[str, Record]]:
    """Every record with the name of its file, as it is read: nothing is kept in memory but a page,
    and the days of revenue. Raises Unavailable, NewerSchemaVersion.
    """
    now = source.services.clock.now()
    for account in _accounts(source):
        yield "customers", customer(account, source.services.policy, now)
        for one in account.subscriptions.values():
            for record in subscription(account, one.value, source.services.policy):
                yield "subscriptions", record
    yield from (("revenue", one) for one in _revenue(source.services, now))
    yield from (("events", one) for one in _events(source.services, now))
    yield from (("audit", one) for one in _audit(source.audit, now))


def customer(account: Account, policy: Policy, now: datetime) -> Record:
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
        "signed_up_at": _iso(signup.at) if signup else None,
        "customers": " ".join(sorted(account.customers)),
        "status": given.status,
        "access": given.access,
        "reason": given.reason,
        "plan": given.plan,
        "quantity": given.quantity,
        "until": _iso(given.until),
    }


def subscription(account: Account, one: Subscription, policy: Policy) -> Iterator[Record]:
    """A record for each item of a subscription. `amount` is for one, in minor units."""
    plan, _ = policy.plan_of(one.items)
    for item in one.items:
        yield {
            "account_id": account.id,
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
            "created": _iso(one.created),
            "trial_end": _iso(one.trial_end),
            "period_end": _iso(one.period_end),
            "cancels_at": _iso(one.cancels_at),
            "canceled_at": _iso(one.canceled_at),
            "ended_at": _iso(one.ended_at),
        }


def _accounts(source: Source) -> Iterator[Account]:
    start: dict[str, Any] = {}
    while True:
        with translate_errors():
            page = source.dynamodb.scan(
                TableName=source.table, Limit=A_PAGE, ConsistentRead=True, **start
            )
        for item in page["Items"]:
            if item["sk"].get("S") == "ACCOUNT":
                yield account_of(item)
        source.scanned(len(page["Items"]))
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _revenue(services: Services, now: datetime) -> Iterator[Record]:
    today = now.astimezone(UTC).date()
    days = revenue_days(services.stores, now, EARLIEST, today)
    if not days:
        return
    for currency, of in revenue(services, days[0].day, today).items():
        for one in of.days:
            yield {
                "date": one.date.isoformat(),
                "currency": currency,
                "mrr": one.mrr,
                "new": one.new,
                "reactivation": one.reactivation,
                "expansion": one.expansion,
                "contraction": one.contraction,
                "churn": one.churn,
            }


def _events(services: Services, now: datetime) -> Iterator[Record]:
    stores, cursor = services.stores, None
    while True:
        page = read_feed(cursor, Query(), 100, stores.feed, stores.timeline, now)
        for text in page.documents:
            document = json.loads(text)
            data = document["data"]
            yield {
                **{name: document.get(name) for name in ("id", "type", "timestamp", "sequence")},
                "account_id": data.pop("account_id", None),
                "external_id": data.pop("external_id", None),
                "data": data,
            }
        if page.cursor == cursor:
            return
        cursor = page.cursor


def _audit(log: AuditLog, now: datetime) -> Iterator[Record]:
    cursor = None
    while True:
        entries, cursor = log.page(None, cursor, now)
        for entry in entries:
            yield {
                "id": entry.id,
                "at": _iso(entry.at),
                "actor": entry.actor,
                "action": entry.action,
                "account_id": entry.account_id,
                "from": entry.source or None,
                "detail": entry.detail,
            }
        if cursor is None:
            return


def _iso(moment: datetime | None) -> str | None:
    return (
        moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if moment
        else None
    )
