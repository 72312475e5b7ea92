"""How much a page of a list reads, however many customers there are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle

import pytest

from chalicelib.aws.directory import BESIDE
from chalicelib.domain.account.rules.directory import STATUSES, ListedAccount
from chalicelib.domain.account.state import Account
from chalicelib.usecases.operators.customers import (
    FAILING,
    PAGE,
    CustomerList,
    CustomerQuery,
    find_customers,
    first_pages,
    list_customers,
)
from tests.fakes.services import FakeServices

PLANS = ("pro", "scale", "pro")


class CountedLists:
    """As many places as there are customers, of every status and of two plans, and how many of
    them, and of the accounts there, were read.
    """

    def __init__(self, customers: int) -> None:
        self.read, self.loaded = 0, 0
        self._lists: Mapping[str, list[tuple[str, str]]] = defaultdict(list)
        for number, status, plan in zip(
            range(customers), cycle(STATUSES), cycle(PLANS), strict=False
        ):
            self._lists[status].append((f"{number:05}", plan))

    def places(
        self,
        status: str,
        after: str | None,
        most: int,
        until: str = "",
        newest_first: bool = False,
        plan: str = "",
    ) -> list[ListedAccount]:
        assert newest_first
        behind = [one for one in reversed(self._lists[status]) if not after or one[0] < after]
        found = behind[: most * BESIDE if plan else most]
        self.read += len(found)
        return [
            ListedAccount(at, f"acc_{at}" if not plan or of == plan else None) for at, of in found
        ]

    def named(self, prefix: str, group: str, after: str | None, most: int) -> list[ListedAccount]:
        raise AssertionError("no list asks for this")

    def load(self, id: str) -> Account | None:
        raise AssertionError("no list asks for this")

    def load_many(self, ids: Sequence[str]) -> list[Account]:
        self.loaded += len(ids)
        return list(map(Account, ids))

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        raise AssertionError("no list asks for this")

    def with_email(self, email: str) -> list[Account]:
        raise AssertionError("no list asks for this")

    def with_external_id(self, external_id: str) -> Account | None:
        raise AssertionError("no list asks for this")


QUERIES = {
    "all": CustomerQuery(),
    "of a status": CustomerQuery(status="active"),
    "of a plan": CustomerQuery(plan="scale"),
    "of both": CustomerQuery(status="active", plan="scale"),
}


def read_by(query: CustomerQuery, customers: int) -> tuple[int, int]:
    lists = CountedLists(customers)
    find_customers(query, lists, lists, FakeServices().services)
    return lists.read, lists.loaded


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_page_reads_no_more_however_many_customers_there_are(query: CustomerQuery) -> None:
    few = read_by(query, (PAGE + 1) * BESIDE * len(STATUSES))
    assert read_by(query, 4 * (PAGE + 1) * BESIDE * len(STATUSES)) == few
    assert few[1] <= PAGE


def test_a_short_list_loads_only_what_it_shows() -> None:
    lists = CountedLists(2000)
    asked = CustomerList(FAILING, newest_first=True, size=10)
    assert len(list_customers(asked, None, lists, lists).accounts) == 10
    assert (lists.read, lists.loaded) == (11 * len(FAILING), 10)


def test_several_lists_load_an_account_that_is_in_two_of_them_once() -> None:
    lists = CountedLists(2000)
    asked = [CustomerList(some, newest_first=True, size=10) for some in (FAILING, FAILING[:1])]
    both, one = first_pages(asked, lists, lists)
    assert [len(both.accounts), len(one.accounts)] == [10, 10]
    of_both, of_one = ({account.id for account in page.accounts} for page in (both, one))
    alone = list_customers(asked[1], None, lists, lists)
    assert (one.accounts, one.cursor) == (alone.accounts, alone.cursor)
    assert lists.loaded == len(of_both | of_one) + 10
    assert of_both & of_one


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_the_pages_of_a_list_have_everyone_of_it_once(query: CustomerQuery) -> None:
    lists, found, cursor = CountedLists(2000), list[str](), ""
    while True:
        asked = CustomerQuery(query.text, query.status, query.plan, cursor)
        page = find_customers(asked, lists, lists, FakeServices().services)
        found += [one.id for one in page.accounts]
        if page.cursor is None:
            break
        cursor = page.cursor
    wanted = [
        f"acc_{number:05}"
        for number, status, plan in zip(range(2000), cycle(STATUSES), cycle(PLANS), strict=False)
        if query.status in {"", status} and query.plan in {"", plan}
    ]
    assert found == wanted[::-1]
