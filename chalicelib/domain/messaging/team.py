"""What the team is told by mail, of which happenings, and what a day comes to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.conversions import is_conversion, is_win_back
from chalicelib.domain.changes.timeline import EVENTS_KEPT, Entry
from chalicelib.domain.messaging.variables import money, spoken_price
from chalicelib.domain.policy.policy import Policy

GROUPS = {
    "new": "New trials",
    "converted": "Converted, or came back",
    "lost": "Lost access",
    "at_risk": "At risk: a payment failed, or a cancellation is planned",
}
"""What the digest counts, in accounts."""


NOBODY = "#operators"
"""Whose message a digest is, and `#DAY` the timeline of a day: no id of an account can be these."""


STORY = timedelta(hours=1)
"""What happens to an account so soon after the moment up to which it was history is that history,
told as it is imported: no news for the team.
"""


CATCH_UP = 3
"""How many days' digests are made up for, after a time in which nothing ran."""


@dataclass(frozen=True, slots=True)
class DigestState:
    """The last day whose digest was handed out."""

    day: str
    version: int = 0


def is_news(account: Account, domain_event: DomainEvent) -> bool:
    """Whether it happened while Billhook watched: an import of thousands is no news."""
    return account.history_until is None or domain_event.at >= account.history_until + STORY


def notice_of(domain_event: DomainEvent) -> str | None:
    """Which of NOTICES a happening is. A cancellation is one when it is made: neither again at its
    moment, nor a payment at each try.
    """
    data = domain_event.data
    if is_conversion(domain_event.type, data):
        return "conversion"
    match domain_event.type:
        case "trial.started":
            return "signup"
        case "payment.failed" if data.get("attempt_count") == 1:
            return "failed_payment"
        case "subscription.canceling":
            return "cancellation"
        case "feedback.given":
            return "feedback"
        case "subscription.canceled" if not data.get("cancels_at"):
            return "cancellation"
    return None


def group_of(domain_event: DomainEvent) -> str | None:
    """Which of GROUPS it counts in."""
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
    """The day of a moment by the clock of a zone: 2026-03-02."""
    return moment.astimezone(zone).date().isoformat()


def of_the_day(account: Account, domain_event: DomainEvent, zone: ZoneInfo) -> Entry | None:
    """The happening as it stands in the timeline of its day; None if no digest counts it."""
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
    """The days whose digests are to be handed out at `now`, the earliest first."""
    local = now.astimezone(zone)
    newest = local.date() - timedelta(days=1 if local.hour >= hour else 2)
    begun = date.fromisoformat(last.day) if last else newest - timedelta(days=1)
    first = max(begun + timedelta(days=1), newest - timedelta(days=CATCH_UP - 1))
    return [
        (first + timedelta(days=number)).isoformat() for number in range((newest - first).days + 1)
    ]


def by_group(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The accounts of a day's timeline by group, each once, in the order in which it happened.
    Empty where nothing did.
    """
    found: dict[str, dict[str, None]] = {group: {} for group in GROUPS}
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.id)):
        found[entry.data["group"]][entry.data["account_id"]] = None
    return {group: list(ids) for group, ids in found.items() if ids}


def who(account: Account | None, id: str) -> str:
    """An account as the team knows it."""
    if account is None:
        return id
    return (
        " ".join(
            word for word in (account.name, f"<{account.email}>" if account.email else "") if word
        )
        or id
    )


def facts_of(
    kind: str, account: Account, domain_event: DomainEvent, policy: Policy
) -> list[tuple[str, str]]:
    """What a notice says below its first line, each with its name; what is not
    known is left out."""
    data: Mapping[str, Any] = domain_event.data
    standing = account.standing
    known = account.subscriptions.get(str(data.get("subscription") or ""))
    details = known.value.cancellation_details if known else None
    told = [
        ("Account", account.id),
        ("Plan", policy.plan_name(standing.plan if standing else None)),
        ("Price", spoken_price(account) if kind != "signup" else ""),
        ("Source", (account.signup.source or "") if account.signup and kind == "signup" else ""),
        ("Trial until", str(data.get("trial_end") or "") if kind == "signup" else ""),
    ]
    if kind == "failed_payment":
        amount, currency = data.get("amount_due"), data.get("currency")
        told += [("Amount", money(int(amount), str(currency)) if amount and currency else "")]
        told += [("Tried again", str(data.get("next_payment_attempt") or "not by Stripe"))]
    if kind == "cancellation":
        said = (details.feedback or details.reason) if details else None
        told += [
            ("Ends", str(data.get("cancels_at") or "now")),
            ("Reason", said or "none was given"),
            ("In their words", (details.comment or "") if details else ""),
        ]
    if kind == "feedback":
        told += [
            ("Answer", str(data.get("answer") or "")),
            ("In their words", str(data.get("comment") or "")),
        ]
    return [(name, value) for name, value in told if value]


def title_of(kind: str, account: Account, domain_event: DomainEvent) -> str:
    """The subject of a notice."""
    words = {
        "signup": "New trial",
        "conversion": "Converted",
        "failed_payment": "Payment failed",
        "cancellation": "Canceled",
        "feedback": "Answered why",
    }
    word = "Came back" if is_win_back(domain_event.type, domain_event.data) else words[kind]
    return f"{word}: {who(account, account.id)}"
