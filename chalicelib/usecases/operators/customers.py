"""Find customers for the dashboard: by what they are found by, or in lists. No page scans."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.account.rules.directory import (
    PREFIX,
    STATUSES,
    ListedAccount,
    searchable,
    stamp,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.ids import well_formed
from chalicelib.domain.security.signup import with_ascii_domain
from chalicelib.usecases.operators.ports import AccountFinder, Directory
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

PAGE = 50

LONGEST_CURSOR = 400
"""Bytes: a name of 60 letters and the id of an account have 305."""


@frozen
class CustomerQuery:
    """What is looked for: a text, or a status and a plan; all empty for everyone. `cursor` is that
    of the page before.
    """

    text: str = ""
    status: str = ""
    plan: str = ""
    cursor: str = ""


@frozen
class CustomerList:
    """Accounts of some statuses, of a plan if one is named, in the order of the moment that their
    status has in the list, up to `until`, and behind `since` if the oldest comes first; `size` of
    them on a page.
    """

    statuses: Sequence[str]
    newest_first: bool = False
    plan: str = ""
    since: datetime | None = None
    until: datetime | None = None
    size: int = PAGE


@frozen
class CustomerPage:
    """The accounts of a page, and the cursor of the next one; None on the last."""

    accounts: Sequence[Account]
    cursor: str | None = None


def find_customers(
    query: CustomerQuery, directory: Directory, accounts: AccountFinder, services: Services
) -> CustomerPage:
    """A page of customers. A text finds by address, by the id of the account, of the product, of
    Stripe's customer or subscription, and by the beginning of the name. Raises InvalidInput,
    Unavailable, and for the id of a subscription what Stripe's API raises.
    """
    cursor = _checked(query.cursor)
    if not query.text:
        statuses = [query.status] if query.status else list(STATUSES)
        asked = CustomerList(statuses, newest_first=True, plan=query.plan)
        return list_customers(asked, cursor, directory, accounts)
    exact = [] if cursor else list(_exactly(query.text, accounts, services))
    name = searchable(query.text)
    if len(name) < PREFIX or exact:
        return CustomerPage(exact)
    if cursor and not cursor.startswith(name):
        raise _no_cursor()
    named = _cut(directory.named(name, name[:PREFIX], cursor, PAGE + 1), PAGE)
    return _loaded([named], accounts)[0]


def list_customers(
    asked: CustomerList, cursor: str | None, directory: Directory, accounts: AccountFinder
) -> CustomerPage:
    """A page of a list, after that of the cursor. A page of a plan may be short although another
    follows. Raises InvalidInput, Unavailable.
    """
    return _loaded([_listed(asked, _checked(cursor or ""), directory)], accounts)[0]


def first_pages(
    asked: Sequence[CustomerList], directory: Directory, accounts: AccountFinder
) -> list[CustomerPage]:
    """The first page of each list, with all their accounts read together. Raises Unavailable."""
    return _loaded([_listed(one, None, directory) for one in asked], accounts)


@frozen
class _Places:
    """The accounts of a page by their ids, and the cursor of the next one."""

    ids: tuple[str, ...]
    cursor: str | None


def _listed(asked: CustomerList, cursor: str | None, directory: Directory) -> _Places:
    size, newest_first = asked.size, asked.newest_first
    if asked.since:
        cursor = max(cursor or "", stamp(asked.since))
    end = stamp(asked.until) if asked.until else ""
    lists = [
        directory.places(status, cursor, size + 1, end, newest_first, asked.plan)
        for status in asked.statuses
    ]
    # A list that was not read to its end says nothing of what comes behind its last place.
    ends = [one[-1].at for one in lists if len(one) > size]
    nearest = (max if newest_first else min)(ends, default=None)
    places = sorted(
        (place for one in lists for place in one), key=lambda place: place.at, reverse=newest_first
    )
    if nearest is not None:
        places = [
            place
            for place in places
            if (place.at >= nearest if newest_first else place.at <= nearest)
        ]
    return _cut(places, size, ends_here=nearest is None)


FAILING = ("past_due", "unpaid", "incomplete")
"""The statuses of customers whose payment failed or was not completed."""

TRIALS = ("trialing", "trial_starting")
"""The statuses of customers whose trial may run."""


def _cut(places: Sequence[ListedAccount], size: int, ends_here: bool = True) -> _Places:
    shown: list[ListedAccount] = []
    fits = 0
    for place in places:
        if fits == size:
            break
        shown.append(place)
        fits += place.account_id is not None
    ids = [one.account_id for one in shown if one.account_id is not None]
    goes_on = len(shown) < len(places) or not ends_here
    return _Places(tuple(dict.fromkeys(ids)), shown[-1].at if shown and goes_on else None)


def _loaded(pages: Sequence[_Places], accounts: AccountFinder) -> list[CustomerPage]:
    ids = list(dict.fromkeys(id for page in pages for id in page.ids))
    found = {one.id: one for one in accounts.load_many(ids)}
    return [
        CustomerPage([found[id] for id in page.ids if id in found], page.cursor) for page in pages
    ]


def _exactly(text: str, accounts: AccountFinder, services: Services) -> Iterator[Account]:
    found: dict[str, Account] = {}
    if "@" in text:
        found |= {account.id: account for account in accounts.with_email(with_ascii_domain(text))}
    elif text.startswith("cus_"):
        found |= {one.id: one for one in _of_customer(text, accounts).values()}
    elif text.startswith("sub_") and re.fullmatch(r"\w{1,255}", text):
        answer = services.stripe.reader.subscription(text)
        if answer:
            customer = answer.value.customer
            found |= {one.id: one for one in _of_customer(customer, accounts).values()}
    if well_formed(text) and (account := accounts.load(text)):
        found[account.id] = account
    if account := accounts.with_external_id(text):
        found[account.id] = account
    yield from found.values()


def _of_customer(id: str, accounts: AccountFinder) -> Mapping[str, Account]:
    return accounts.of_customers({id: f"acc_{id.removeprefix('cus_')}"})


def _checked(cursor: str) -> str | None:
    if not cursor.isprintable() or len(cursor.encode()) > LONGEST_CURSOR:
        raise _no_cursor()
    return cursor or None


def _no_cursor() -> InvalidInput:
    return InvalidInput("cursor must come from the previous page.", "cursor")
