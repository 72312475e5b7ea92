"""The product gives an account its own id of the customer."""

import json
from typing import Any

import pytest

from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from chalicelib.runtime import wiring
from chalicelib.usecases.accounts.profile import change_external_id
from tests.http.signups.test_signups import Front, Page, front, refused  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - the fixture


def puts(front: Front, account: str, body: Any, scope: str = "write") -> Page:
    key = {"Authorization": f"Bearer {front.office.stage.key(scope)}"}
    sent = json.dumps(body).encode()
    path = f"/accounts/{account}/external_id"
    return front.call("PUT", path, sent, Content_Type="application/json", **key)


def owner(external_id: str) -> str | None:
    account = wiring.accounts().with_external_id(external_id)
    return account.id if account else None


@pytest.fixture
def account(front: Front) -> str:
    return str(front.signs_up().json["account_id"])


def test_an_account_is_found_by_its_new_id_and_by_the_old_one_no_more(
    front: Front, account: str
) -> None:
    assert puts(front, account, {"external_id": "user-1"}).json["external_id"] == "user-1"
    page = puts(front, account, {"external_id": "user-2"})
    assert (page.status, page.json["account_id"]) == (200, account)
    assert (owner("user-1"), owner("user-2")) == (None, account)


def test_the_same_id_again_changes_nothing(front: Front, account: str) -> None:
    first = puts(front, account, {"external_id": "user-1"})
    before = wiring.accounts().load(account)
    again = puts(front, account, {"external_id": "user-1"})
    assert (again.status, again.json) == (200, first.json)
    assert wiring.accounts().load(account) == before


def test_an_id_that_another_account_has_is_refused_and_stays_there(
    front: Front, account: str
) -> None:
    other = front.signs_up({"email": "eve@example.com"}).json["account_id"]
    puts(front, other, {"external_id": "user-1"})
    page = puts(front, account, {"external_id": "user-1"})
    assert page.json["error"]["code"] == "account_taken"
    refused(page, 409, "external_id")
    assert owner("user-1") == other
    assert wiring.accounts().load(account).profile.external_id is None  # type: ignore[union-attr]
    puts(front, other, {"external_id": "user-3"})
    assert puts(front, account, {"external_id": "user-1"}).status == 200, "it is free again"


def test_of_two_accounts_that_are_given_one_id_at_once_one_gets_it(
    front: Front, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = front.signs_up({"email": "eve@example.com"}).json["account_id"]
    accounts = wiring.services().stores.accounts
    save, met = accounts.save, []

    def racing(old: Any, new: Any) -> None:
        """The other account is written first, and DynamoDB says only that they were in conflict."""
        if not met:
            met.append(True)
            change_external_id(other, "user-1", wiring.services())
            raise ConcurrentUpdate("TransactionConflict")
        save(old, new)

    monkeypatch.setattr(accounts, "save", racing)
    with pytest.raises(AccountTaken):
        change_external_id(account, "user-1", wiring.services())
    assert owner("user-1") == other


@pytest.mark.parametrize("body", [{}, {"external_id": None}, {"external_id": "x" * 129}])
def test_an_id_that_cannot_be_one_is_refused_by_name(
    front: Front, account: str, body: dict[str, Any]
) -> None:
    refused(puts(front, account, body), 400, "external_id")


def test_only_a_write_key_may_and_only_for_an_account_that_is_there(
    front: Front, account: str
) -> None:
    assert puts(front, account, {"external_id": "user-1"}, "read").status == 403
    assert puts(front, "acc_nobody", {"external_id": "user-1"}).status == 404


def test_an_id_that_the_product_gave_stays_whichever_signup_is_confirmed(
    front: Front, account: str
) -> None:
    puts(front, account, {"external_id": "user-1"})
    assert front.signs_up({"email": "ada@example.com", "name": "Ada King"}).status == 202
    front.works()
    assert front.enters("sign-in").status == 303
    found = wiring.accounts().load(account)
    assert found
    assert (found.name, found.profile.external_id) == ("Ada King", "user-1")
