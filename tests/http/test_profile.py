"""The product changes a customer's address, name, time zone and language; Stripe does too."""

import json
from typing import Any

import pytest

from chalicelib.domain.account.rules.profile import profile_operations
from chalicelib.domain.account.state import Account
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.api_keys import create_key
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.stripe_sim.api.api import Fault
from tests.http.signups.test_signups import ADA, Front, Page, front  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import later, office  # noqa: F401 - the fixture

NEW = "ada@new.example"


def patches(front: Front, account: Account, fields: Any, scope: str = "write") -> Page:
    key = create_key(wiring.api_keys(), scope, "test", clock.now())
    return front.call(
        "PATCH",
        f"/accounts/{account.id}",
        json.dumps(fields).encode(),
        Content_Type="application/json",
        Authorization=f"Bearer {key}",
    )


@pytest.fixture
def ada(front: Front) -> Account:
    """Ada, on trial since now, and welcomed."""
    front.signs_up()
    front.works()
    (account,) = front.accounts()
    return account


def customer_of(front: Front, account: Account) -> Any:
    (id,) = account.customers
    return front.stripe.get(f"/v1/customers/{id}")


def hears(front: Front, since: int = 0) -> None:
    """Stripe's events arrive."""
    events = front.stripe.engine.store.events[since:]
    ingest([Message(event["id"], json.dumps(event)) for event in events], wiring.services())


def found(address: str) -> list[str]:
    return [account.id for account in wiring.accounts().with_email(address)]


def updates(account: Account) -> list[dict[str, Any]]:
    """What was told of changes of the profile: published, or waiting for the stream."""
    entries, _ = wiring.timelines().page(account.id, None, clock.now())
    told = [entry.data for entry in entries if entry.type == "account.updated"]
    return told + [one.data for one in account.outbox if one.type == "account.updated"]


def test_a_new_address_holds_at_once_everywhere(front: Front, ada: Account) -> None:
    page = patches(front, ada, {"email": NEW, "name": "Ada King", "timezone": "Europe/Vienna"})
    assert page.status == 200, page.text
    told = {name: page.json[name] for name in ("email", "name", "timezone", "language")}
    assert told == {"email": NEW, "name": "Ada King", "timezone": "Europe/Vienna", "language": None}
    assert (found("ADA@new.example"), found("ada@example.com")) == ([ada.id], [])
    customer = customer_of(front, ada)
    assert (customer["email"], customer["name"]) == (NEW, "Ada King")
    hears(front)
    (account,) = wiring.accounts().with_email(NEW)
    assert {change.by for change in account.profile_changes.values()} == {"api"}
    assert updates(account) == [{"changed": "email name timezone", "by": "api"}]


def test_the_language_of_mail_and_of_stripes_pages_follows(front: Front, ada: Account) -> None:
    assert patches(front, ada, {"language": "de-AT"}).json["language"] == "de"
    assert customer_of(front, ada)["preferred_locales"] == ["de-AT"]
    since = len(front.stripe.engine.store.events)
    front.stripe.second += 60
    (id,) = ada.customers
    front.stripe.post(f"/v1/customers/{id}", preferred_locales=["en-GB", "de"])
    hears(front, since)
    account = wiring.accounts().load(ada.id)
    assert account
    assert account.language == "en"


def test_links_that_were_mailed_to_the_old_address_open_nothing_any_more(
    front: Front,
    ada: Account,
) -> None:
    link = front.link("billing")
    cookie = front.enters().cookie
    assert front.call("GET", "/billing", Cookie=cookie).status == 200
    patches(front, ada, {"name": "Ada King"})
    assert front.call("GET", "/billing", Cookie=cookie).status == 200
    patches(front, ada, {"email": NEW})
    assert front.call("GET", link).status == 404
    assert front.call("GET", "/billing", Cookie=cookie).status == 404


def test_only_the_new_address_gets_a_sign_in_link(front: Front, ada: Account) -> None:
    patches(front, ada, {"email": NEW})
    before = len(front.office.inbox)
    for address in ("ada@example.com", NEW):
        front.posts_form({"email": address}, "/sign-in")
        front.works()
    asked = front.office.inbox[before:]
    assert [mail.destinations["ToAddresses"] for mail in asked] == [[NEW]]
    assert front.signs_up({**ADA, "email": NEW}).status == 202
    assert front.signs_up(ADA).status == 202, "one trial for one person"


def bob_signs_up(front: Front) -> Account:
    front.signs_up({"email": "bob@example.com"})
    front.works()
    (bob,) = wiring.accounts().with_email("bob@example.com")
    return bob


def test_a_signup_that_nobody_proved_keeps_its_address_from_no_customer(
    front: Front, ada: Account
) -> None:
    """Anybody may have typed it, such as somebody who knows which address Ada will have."""
    bob = bob_signs_up(front)
    assert patches(front, ada, {"email": "bob@example.com"}).status == 200
    (same,) = [one for one in wiring.accounts().with_email("bob@example.com") if one.id == bob.id]
    assert same.superseded_at is None, "nor does the product's word end a signup"


def test_the_reader_of_the_address_ends_a_signup_of_it_by_proving_it_for_the_customer(
    front: Front, ada: Account
) -> None:
    front.enters()
    bob = bob_signs_up(front)
    patches(front, ada, {"email": "bob@example.com"})
    front.posts_form({"email": "bob@example.com"}, "/sign-in")
    front.works()
    assert front.enters("sign-in").status == 303
    found = {one.id: one for one in wiring.accounts().with_email("bob@example.com")}
    assert found[ada.id].email_proved
    assert found[bob.id].superseded_at


def test_an_address_of_another_account_is_refused_and_changes_nothing(
    front: Front,
    ada: Account,
) -> None:
    bob_signs_up(front)
    assert front.enters().status == 303, "its reader proves it"
    for taken in ("bob@example.com", "BOB+x@example.com"):
        page = patches(front, ada, {"email": taken, "name": "Bob"})
        assert page.status == 409
        assert page.json["error"]["code"] == "account_taken"
        assert page.json["error"]["field"] == "email"
    (same,) = front.accounts()
    assert (same.email, same.name) == ("ada@example.com", "Ada Byron")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "email"),
        ({"email": None}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "ada@exa mple.com"}, "email"),
        ({"email": 7}, "email"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ada\nBcc: x"}, "name"),
        ({"timezone": "Mars/Phobos"}, "timezone"),
        ({"language": "german"}, "language"),
        ({"language": ""}, "language"),
        ({"external_id": "42"}, "external_id"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_changed(
    fields: Any,
    field: str,
    front: Front,
    ada: Account,
) -> None:
    page = patches(front, ada, fields)
    assert (page.status, page.json["error"]["field"]) == (400, field)
    assert front.accounts() == [ada]


def test_only_a_write_key_changes_an_account_that_is_there(front: Front, ada: Account) -> None:
    assert patches(front, ada, {"name": "Eve"}, "read").status == 403
    unknown = front.call("PATCH", f"/accounts/{ada.id}", b"{}", Content_Type="application/json")
    assert unknown.status == 401
    nobody = Account("acc_nobody")
    assert patches(front, nobody, {"name": "Eve"}).json["error"]["code"] == "account_not_found"
    assert front.accounts() == [ada]


def test_the_same_again_changes_nothing(front: Front, ada: Account) -> None:
    patches(front, ada, {"email": NEW})
    (once,) = wiring.accounts().with_email(NEW)
    events = len(front.stripe.engine.store.events)
    assert patches(front, ada, {"email": NEW}).status == 200
    assert wiring.accounts().with_email(NEW) == [once]
    assert len(front.stripe.engine.store.events) == events


def test_with_stripe_down_the_change_holds_and_stripe_gets_it_later(
    front: Front,
    ada: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front.stripe.api.faults.append(Fault("503", 60, method="POST"))
    assert patches(front, ada, {"email": NEW}).json["email"] == NEW
    assert customer_of(front, ada)["email"] == "ada@example.com"
    front.stripe.api.faults.clear()
    later(monkeypatch, minutes=2)
    front.works()
    assert customer_of(front, ada)["email"] == NEW


def test_a_customer_who_changes_the_address_at_stripe_is_written_to_there(
    front: Front,
    ada: Account,
) -> None:
    (id,) = ada.customers
    since = len(front.stripe.engine.store.events)
    front.stripe.second += 60
    front.stripe.post(f"/v1/customers/{id}", email=NEW)
    front.stripe.post(f"/v1/customers/{id}", name="Ada King")
    hears(front, since)
    hears(front, since)
    (account,) = wiring.accounts().with_email(NEW)
    assert (account.email, account.name, found("ada@example.com")) == (NEW, "Ada King", [])
    assert [one["by"] for one in updates(account)] == ["stripe"]


def test_a_change_at_stripe_from_before_is_no_newer_for_coming_late(
    front: Front,
    ada: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (id,) = ada.customers
    since = len(front.stripe.engine.store.events)
    front.stripe.second += 60
    front.stripe.post(f"/v1/customers/{id}", email="ada@old.example")
    later(monkeypatch, minutes=2)
    front.stripe.second += 60
    assert patches(front, ada, {"email": NEW}).status == 200
    hears(front, since)
    (account,) = wiring.accounts().with_email(NEW)
    assert (account.email, customer_of(front, ada)["email"]) == (NEW, NEW)


def test_a_change_that_stripe_refuses_holds_here_and_is_told(front: Front, ada: Account) -> None:
    (id,) = ada.customers
    front.stripe.call("DELETE", f"/v1/customers/{id}")
    assert patches(front, ada, {"email": NEW}).json["email"] == NEW
    entries, _ = wiring.timelines().page(ada.id, None, clock.now())
    refused = [one for one in entries if one.type == "profile.refused"]
    assert [one.data["fields"] for one in refused] == ["email"]
    (account,) = wiring.accounts().with_email(NEW)
    assert not profile_operations(account)
