"""A stranger signs up an address that is not theirs, and hopes that the product gives its owner the
account, or the account its owner's data. The API says which addresses are proved.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.http.signups.test_signups import Front
from tests.http.triggers.test_mail_queue import later

ADA = "ada@example.com"


def shown(front: Front, email: str = ADA) -> list[dict[str, Any]]:
    """The accounts with an address, as the product sees them."""
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    found: list[dict[str, Any]] = front.call("GET", f"/accounts?email={email}", **key).json[
        "accounts"
    ]
    for one in found:
        assert front.call("GET", f"/accounts/{one['account_id']}", **key).json == one
    return found


def proofs(front: Front, email: str = ADA) -> list[bool]:
    return [account["email_proved"] for account in shown(front, email)]


def changed_by_the_product(front: Front, account: Account, email: str) -> None:
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    body = json.dumps({"email": email}).encode()
    path = f"/accounts/{account.id}"
    answer = front.call("PATCH", path, body, Content_Type="application/json", **key)
    assert (answer.status, answer.json["email_proved"]) == (200, False)


def changed_at_stripe(front: Front, account: Account, email: str) -> None:
    since = len(front.stripe.engine.store.events)
    front.stripe.post(f"/v1/customers/{next(iter(account.customers))}", email=email)
    events = front.stripe.engine.store.events[since:]
    ingest([Message(event["id"], json.dumps(event)) for event in events], wiring.services())


def test_an_address_that_a_stranger_typed_is_shown_as_unproved_whatever_its_account_does(
    front: Front,
) -> None:
    front.signs_up()
    front.works()
    assert proofs(front) == [False]
    (account,) = front.accounts()
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    milestone = json.dumps({"name": next(iter(wiring.policy().milestones))}).encode()
    path = f"/accounts/{account.id}/milestones"
    assert front.call("POST", path, milestone, Content_Type="application/json", **key).status == 204
    assert proofs(front) == [False], "the stranger uses the product: that proves no address"


def test_the_reader_of_the_address_proves_it_by_the_button(front: Front) -> None:
    front.signs_up()
    front.works()
    front.call("GET", front.link("billing"))
    assert proofs(front) == [False]
    front.enters()
    assert proofs(front) == [True]


@pytest.mark.parametrize("change", [changed_by_the_product, changed_at_stripe])
def test_a_changed_address_is_unproved_until_its_reader_signs_in(
    front: Front, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    front.signs_up()
    front.works()
    front.enters()
    later(monkeypatch, hours=1)
    front.stripe.advance(int(clock.now().timestamp()))
    change(front, front.accounts()[0], "eve@example.com")
    assert proofs(front, "eve@example.com") == [False]
    later(monkeypatch, hours=1)
    front.posts_form({"email": "eve@example.com"}, "/sign-in")
    front.works()
    front.enters("sign-in")
    assert proofs(front, "eve@example.com") == [True]


def test_of_several_accounts_with_an_address_the_proved_ones_come_first(front: Front) -> None:
    front.signs_up()
    (first,) = front.accounts()
    proved = replace(Account("acc_zz"), profile=Profile(ADA), proved_at=clock.now())
    saved = next_version(Account("acc_zz"), proved, wiring.policy(), clock.now())
    wiring.accounts().save(Account("acc_zz"), saved)
    order = [(account["account_id"], account["email_proved"]) for account in shown(front)]
    assert order == [("acc_zz", True), (first.id, False)]
