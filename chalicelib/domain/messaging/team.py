"""Mail to the team: which domain events cause a notice, and what the digest of a day counts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.conversions import is_conversion
from chalicelib.domain.changes.timeline import EVENTS_KEPT, Entry
from chalicelib.values import frozen

GROUPS = {
    "new": "New trials",
    "converted": "Converted, or came back",
    "lost": "Lost access",
    "at_risk": "At risk: a payment failed, or a cancellation is planned",
}
"""What the digest counts, in accounts: the groups, with their headings."""


NOBODY = "#operators"
"""Stands for the account in the claim of a digest. The timeline of a day is stored under `#DAY`. No
account can have such an id.
"""


STORY = timedelta(hours=1)
"""The events in this time after `history_until` come from importing the account's history. The team
gets no notice of them.
"""


CATCH_UP = 3
"""How many days of missing digests are sent later, after a time in which nothing ran."""


@frozen
class DigestState:
    """The last day whose digest was queued."""

    day: str
    version: int = 0


def is_news(account: Account, domain_event: DomainEvent) -> bool:
    """Whether the event happened after the account's history was imported. An import of thousands
    of accounts causes no notices.
    """
    return account.history_until is None or domain_event.at >= account.history_until + STORY


def notice_of(domain_event: DomainEvent) -> str | None:
    """The notice, one of NOTICES, that a domain event causes; None for none. A scheduled
    cancellation causes one when it is scheduled, and a payment one at its first failure.
    """
    data = domain_event.data
    if is_conversion(domain_event.type, data):
        return "conversion"
    match domain_event.type:
        case "payment.failed":
            return "failed_payment" if data.get("attempt_count") == 1 else None
        case "subscription.canceled":
            return None if data.get("cancels_at") else "cancellation"
    return _NOTICES.get(domain_event.type)


_NOTICES = {
    "trial.started": "signup",
    "invoice.finalization_failed": "finalization_failed",
    "subscription.duplicated": "second_subscription",
    "subscription.canceling": "cancellation",
    "notice.complained": "complaint",
    "feedback.given": "feedback",
    "instance.stalled": "instance_stalled",
}
"""Type of a domain event → the notice that each of them causes."""


def group_of(domain_event: DomainEvent) -> str | None:
    """The group, one of GROUPS, that a domain event counts in; None for none."""
    if is_conversion(domain_event.type, domain_event.data):
        return "converted"
    of_type = {
        "trial.started": "new",
        "access.revoked": "lost",
        "payment.failed": "at_risk",
        "subscription.canceling": "at_risk",
    }
    return of_type.get(domain_event.type)


def day_of(moment: datetime, zone: ZoneInfo) -> str:
    """The day of a time in a time zone: 2026-03-02."""
    return moment.astimezone(zone).date().isoformat()


def of_the_day(account: Account, domain_event: DomainEvent, zone: ZoneInfo) -> Entry | None:
    """The entry of an event in the timeline of its day; None if the digest does not count it."""
    group = group_of(domain_event)
    if group is None:
        return None
    data = {"account_id": account.id, "group": group}
    return Entry(
        f"#{day_of(domain_event.at, zone)}",
        domain_event.at,
        "day",
        domain_event.id,
        domain_event.type,
        data,
        EVENTS_KEPT,
    )


def days_due(last: DigestState | None, now: datetime, zone: ZoneInfo, hour: int) -> list[str]:
    """The days whose digests have to be queued at `now`, the earliest first."""
    local = now.astimezone(zone)
    newest = local.date() - timedelta(days=1 if local.hour >= hour else 2)
    begun = date.fromisoformat(last.day) if last else newest - timedelta(days=1)
    first = max(begun + timedelta(days=1), newest - timedelta(days=CATCH_UP - 1))
    return [
        (first + timedelta(days=number)).isoformat() for number in range((newest - first).days + 1)
    ]


def by_group(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The accounts in a day's timeline by group, each once, in the order of their events. Empty if
    there are none.
    """
    found: dict[str, dict[str, None]] = {group: {} for group in GROUPS}
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.id)):
        found[entry.data["group"]][entry.data["account_id"]] = None
    return {group: list(ids) for group, ids in found.items() if ids}
