"""The places of an account in the lists of the dashboard. They are written with the account, and
only when they change.

A place is `<group>|<sort key>`.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime

from chalicelib.domain.account.queries import creation_order, current_subscription
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account

EVERYONE = "all"
"""The group of all accounts."""

NO_PLAN = "-"
"""Stands for the plan of an account without one."""

TRIALS = "trials"
"""The group of the accounts whose trial runs, in the order of their ends."""

STATUSES: Mapping[str, str] = {
    "unconfirmed": "Not confirmed",
    "trial_starting": "Trial starting",
    "trialing": "On trial",
    "active": "Active",
    "past_due": "Past due",
    "unpaid": "Unpaid",
    "incomplete": "Incomplete",
    "incomplete_expired": "Expired before it was paid",
    "paused": "Paused",
    "granted": "Granted",
    "canceled": "Canceled",
    "none": "None",
}
"""Every status of a standing, as the dashboard calls it."""

PREFIX = 3
"""How many letters of a name group it. A search needs as many."""

LONGEST_NAME = 60
"""Letters of a name that are kept in its place."""


def listed_as(account: Account) -> Iterator[str]:
    """The places of the account: among all, and among those of its status and plan."""
    since = first_known(account)
    yield f"{EVERYONE}|{_stamp(since)}"
    if account.standing:
        yield f"{group_of(account.standing.status, account.standing.plan)}|{_stamp(since)}"
    ends = trial_end_of(account)
    if ends and account.standing and account.standing.reason in ON_TRIAL:
        yield f"{TRIALS}|{_stamp(ends)}"


def listed_names(account: Account) -> Iterator[str]:
    """The place of the account's name, if it has one that can be searched for."""
    name = searchable(account.name or "")
    if len(name) >= PREFIX:
        yield f"{name[:PREFIX]}|{name}"


def group_of(status: str, plan: str | None) -> str:
    """The group of the accounts of a status and a plan."""
    return f"{status}/{plan or NO_PLAN}"


def searchable(name: str) -> str:
    """A name as it is searched for: without case, marks of layout and doubled spaces."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    printable = "".join(letter if letter.isprintable() else " " for letter in folded)
    return " ".join(printable.replace("|", " ").replace("#", " ").split())[:LONGEST_NAME]


def first_known(account: Account) -> datetime | None:
    """When the customer came: at the signup, or with the first subscription that is known."""
    if account.signup:
        return account.signup.at
    known = [tracked.value for tracked in account.subscriptions.values()]
    return min(known, key=creation_order).created if known else None


def trial_end_of(account: Account) -> datetime | None:
    """When the trial ends that the account is on, or was last on."""
    current = current_subscription(account)
    if current:
        return current.trial_end
    return account.signup.trial_ends_at if account.signup else None


def _stamp(moment: datetime | None) -> str:
    """A time that sorts; accounts without one come before all others."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "0"
