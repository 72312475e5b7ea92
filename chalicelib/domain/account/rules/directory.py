"""The place of an account in the lists of the dashboard, and of its name in the search. They are
written with the account: the place as two attributes of its item, for a sparse index.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime

from chalicelib.domain.account.queries import creation_order, current_subscription
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.values import frozen

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
"""Every status of a standing, as the dashboard calls it. Each is a list."""

PREFIX = 3
"""How many letters of a name group it. A search needs as many."""

LONGEST_NAME = 60
"""Letters of a name that are kept in its place."""


@frozen
class ListPlace:
    """Where an account is listed: among those of its status, in the order of `at`. That is the end
    of a running trial, else the day the customer came. Both are of the account as last saved.
    """

    status: str
    at: str
    plan: str


@frozen
class ListedAccount:
    """A place that was read from a list: its key, and the account there; None for one that is not
    of the plan that is looked for.
    """

    at: str
    account_id: str | None


def place_of(account: Account) -> ListPlace | None:
    """The place of the account; None before its standing was first found."""
    if account.standing is None:
        return None
    ends = trial_end_of(account) if account.standing.reason in ON_TRIAL else None
    at = stamp(ends or first_known(account))
    return ListPlace(account.standing.status, f"{at}#{account.id}", account.standing.plan or "")


def listed_names(account: Account) -> Iterator[str]:
    """The place of the account's name, if it has one that can be searched for."""
    name = searchable(account.name or "")
    if len(name) >= PREFIX:
        yield f"{name[:PREFIX]}|{name}"


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


def stamp(moment: datetime | None) -> str:
    """A time that sorts; an account without one comes before all others."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "0"
