"""Compare Intercom with the accounts: page by page of its contacts, then the accounts that were not
among them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import NotPossible
from chalicelib.domain.people.contact import Contact, mode_of_stage
from chalicelib.domain.people.drift import MISSING, UNKNOWN, differences, is_ours
from chalicelib.domain.people.intercom import error_of, json_of
from chalicelib.domain.people.state import Person
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.usecases.webhooks.people.patience import patiently
from chalicelib.usecases.webhooks.people.system import ContactRefused, NotYet, SystemDown
from chalicelib.usecases.webhooks.people.workspace import Workspace, unreadable
from chalicelib.usecases.webhooks.people.write import (
    People,
    archive_if_gone,
    contact_of,
    write_contact,
)
from chalicelib.values import frozen

A_PAGE = 50
"""Contacts of one call."""

T = TypeVar("T")


@frozen
class Differs:
    """One account whose contact is not what it should be: `what`, in words. `repaired` says that it
    was written again; `why_not`, that this did not work.
    """

    account_id: str
    what: tuple[str, ...]
    repaired: bool = False
    why_not: str = ""


def check(
    services: Services, people: People, pages_a_second: float, repair: bool = False
) -> Iterator[Differs]:
    """What differs, looked at twice so that a change under way is none. With `repair` the contacts
    are written again; one without an account is only named, as it may be another stage's. Raises
    NotPossible for a system that cannot be read, SystemDown if it stays down, Unavailable.
    """
    if not isinstance(people.system, Intercom):
        raise NotPossible("Only Intercom can be read; Segment's API takes what it gets.")
    one = _Check(services, people, people.system.workspace, repair)
    seen = set[str]()
    for row in one.contacts(1 / pages_a_second):
        id = row.get("external_id")
        if not isinstance(id, str) or not id or row.get("role") == "lead":
            continue
        account = services.stores.accounts.load(id)
        if account is not None:
            seen.add(id)
            if one.wrong(account, row):
                yield from one.judged(id)
        elif is_ours(row, mode_of_stage(services.livemode is True)):
            yield Differs(id, (UNKNOWN,))
    for account in one.accounts():
        if account.id not in seen and one.wrong(account, None):
            people.pause(1 / pages_a_second)
            yield from one.judged(account.id)


@frozen
class _Check:
    services: Services
    people: People
    workspace: Workspace
    repair: bool

    def contacts(self, pause: float) -> Iterator[Mapping[str, Any]]:
        after: str | None = None
        while True:
            more = f"&starting_after={quote(after, '')}" if after else ""
            listed = self._patiently(partial(self._page, f"/contacts?per_page={A_PAGE}{more}"))
            yield from (row for row in listed["data"] if isinstance(row, dict))
            pages = listed.get("pages")
            following = pages.get("next") if isinstance(pages, dict) else None
            after = following.get("starting_after") if isinstance(following, dict) else None
            if not after:
                return
            self.people.pause(pause)

    def _page(self, path: str) -> Mapping[str, Any]:
        answer = self.workspace.call("GET", path, None)
        if not answer.succeeded:
            raise NotPossible(f"Intercom does not say: {error_of(answer) or answer.error}")
        listed = json_of(answer)
        if not isinstance(listed.get("data"), list):  # else all that is missing would be named
            raise SystemDown(unreadable())
        return listed

    def accounts(self) -> Iterator[Account]:
        cursor: str | None = None
        while True:
            page, cursor = self.services.stores.reconciliation.accounts(cursor)
            yield from page
            if cursor is None:
                return

    def wrong(self, account: Account, row: Mapping[str, Any] | None) -> list[str]:
        """What differs in a row; without one, whether there should be one."""
        known, person = self._known(account)
        if row is None:
            refused = person.refused == known.digest
            return [] if known.is_gone or refused else [MISSING]
        return ["it is not archived"] if known.is_gone else [*differences(known, person, row)]

    def judged(self, account_id: str) -> Iterator[Differs]:
        """The difference, if it is there still."""
        account = self.services.stores.accounts.load(account_id)
        if account is None:
            return
        person = self._known(account)[1]
        path = f"/contacts/{person.id}" if person.id else _by_id(account_id)
        found = self._patiently(lambda: self.workspace.call("GET", path, None))
        row = json_of(found) if found.succeeded else None
        if row is not None and row.get("archived") is True:
            row = None
        if not (what := self.wrong(account, row)):
            return
        if not self.repair:
            yield Differs(account_id, tuple(what))
            return
        why_not = self._patiently(lambda: self._written(account))
        yield Differs(account_id, tuple(what), not why_not, why_not)

    def _written(self, account: Account) -> str:
        """Why it could not be written; empty if it was."""
        try:
            known, person, refused = write_contact(account, self.services, self.people, again=True)
            archive_if_gone(known, person, self.people)
        except (ContactRefused, NotYet) as reason:
            return str(reason)
        return refused or ""

    def _known(self, account: Account) -> tuple[Contact, Person]:
        person = self.people.persons.load(account.id) or Person()
        return contact_of(account, self.services, self.people), person

    def _patiently(self, work: Callable[[], T]) -> T:
        return patiently(work, self.services, self.people)


def _by_id(account_id: str) -> str:
    return f"/contacts/find_by_external_id/{quote(account_id, '')}"
