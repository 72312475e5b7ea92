"""Find customers for the dashboard: by what they are found by, or in lists. No page scans."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.account.rules.directory import (
    EVERYONE,
    NO_PLAN,
    PREFIX,
    STATUSES,
    group_of,
    searchable,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.ids import well_formed
from chalicelib.domain.policy.policy import Policy
from chalicelib.usecases.operators.ports import AccountFinder, Directory
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

PAGE = 50

LONGEST_CURSOR = 400


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
        groups = _groups(query, services)
        return list_customers(groups, cursor, directory, accounts, newest_first=True)
    exact = [] if cursor else list(_exactly(query.text, accounts, services))
    name = searchable(query.text)
    if len(name) < PREFIX or exact:
        return CustomerPage(exact)
    return _page(directory.named(name, name[:PREFIX], cursor, PAGE + 1), accounts)


def list_customers(
    groups: Sequence[str],
    cursor: str | None,
    directory: Directory,
    accounts: AccountFinder,
    until: datetime | None = None,
    newest_first: bool = False,
) -> CustomerPage:
    """A page of the accounts in some groups, in one order. `until` ends it. Raises Unavailable."""
    end = f"{until:%Y-%m-%dT%H:%M:%SZ}" if until else ""
    places = [
        place
        for group in groups
        for place in directory.places(group, cursor, PAGE + 1, end, newest_first)
    ]
    return _page(sorted(places, reverse=newest_first), accounts)


FAILING = ("past_due", "unpaid", "incomplete")
"""The statuses of customers whose payment failed or was not completed."""


def failing_groups(policy: Policy) -> list[str]:
    """The groups of the customers whose payment failed."""
    return [group_of(status, plan) for status in FAILING for plan in (NO_PLAN, *policy.plans)]


def _page(places: Sequence[tuple[str, str]], accounts: AccountFinder) -> CustomerPage:
    shown = places[:PAGE]
    found = accounts.load_many(list(dict.fromkeys(id for _, id in shown)))
    return CustomerPage(found, shown[-1][0] if len(places) > PAGE else None)


def _groups(query: CustomerQuery, services: Services) -> list[str]:
    if not query.status and not query.plan:
        return [EVERYONE]
    statuses = [query.status] if query.status else STATUSES
    plans = [query.plan] if query.plan else [NO_PLAN, *services.policy.plans]
    return [group_of(status, plan) for status in statuses for plan in plans]


def _exactly(text: str, accounts: AccountFinder, services: Services) -> Iterator[Account]:
    found: dict[str, Account] = {}
    if "@" in text:
        found |= {account.id: account for account in accounts.with_email(text)}
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
    if len(cursor) > LONGEST_CURSOR or not cursor.isprintable():
        raise InvalidInput("cursor must come from the previous page.", "cursor")
    return cursor or None
