"""Somebody found Ada's billing link, opens Stripe's portal by it, and wants the account: by another
e-mail address there. And an address that changes at Stripe all the same.
"""

import json
from email.message import Message as Headers
from urllib.parse import urlencode, urlsplit

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.http_server import Request
from local.stripe_sim.hosted import hosted_pages
from tests.fakes.links import token_to
from tests.http.signups.test_signups import Front
from tests.http.triggers.test_mail_queue import later

ADA, EVE = "ada@example.com", "eve@evil.example"


def signed_up(front: Front, monkeypatch: pytest.MonkeyPatch, proves: bool = True) -> Account:
    front.signs_up()
    front.works()
    if proves:
        front.enters()
    passes(front, monkeypatch)
    return front.accounts()[0]


def passes(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, hours=1)
    front.stripe.advance(int(clock.now().timestamp()))


def changed_at_stripe(front: Front, account: Account, email: str) -> None:
    since = len(front.stripe.engine.store.events)
    front.stripe.post(f"/v1/customers/{account.origin_id}", email=email)
    events = front.stripe.engine.store.events[since:]
    ingest([Message(event["id"], json.dumps(event)) for event in events], wiring.services())
    front.works()


def told(front: Front) -> list[str]:
    """Who was told that the address was changed."""
    return [
        mail.destinations["ToAddresses"][0]
        for mail in front.office.inbox
        if "/email-undo/" in str(mail.body)
    ]


def test_the_finder_of_a_link_cannot_change_the_address_in_the_portal(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = signed_up(front, monkeypatch)
    finder = front.posts_form({}, front.link("billing")).cookie
    opened = front.posts_form({}, "/billing/portal", Cookie=finder)
    assert opened.status == 303
    page = urlsplit(opened.headers["Location"]).path
    form = urlencode({"do": "email", "email": EVE}).encode()
    refused = hosted_pages.answer(
        front.stripe.engine, Request("POST", page, [], Headers(), form, "203.0.113.7")
    )
    assert refused.status == 402
    assert front.stripe.get(f"/v1/customers/{account.origin_id}")["email"] == ADA


def test_an_address_that_changes_at_stripe_is_undone_by_whoever_proved_the_old_one(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = signed_up(front, monkeypatch)
    changed_at_stripe(front, account, EVE)
    (taken,) = wiring.accounts().with_email(EVE)
    assert (taken.id, taken.proved, told(front)) == (account.id, False, [ADA])
    passes(front, monkeypatch)
    front.posts_form({"email": EVE}, "/sign-in")
    front.works()
    thief = front.enters("sign-in").cookie
    assert front.call("GET", "/billing", Cookie=thief).status == 200
    assert front.posts_form({}, front.link("email-undo")).status == 200
    (back,) = front.accounts()
    assert (back.id, back.email_proved) == (account.id, True)
    assert front.call("GET", "/billing", Cookie=thief).status == 404
    front.works()
    assert front.stripe.get(f"/v1/customers/{account.origin_id}")["email"] == ADA


def test_a_mistyped_address_that_nobody_proved_is_corrected_and_not_told(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = signed_up(front, monkeypatch, proves=False)
    changed_at_stripe(front, account, "ada@corrected.example")
    (found,) = wiring.accounts().with_email("ada@corrected.example")
    assert (found.id, found.address_changes, told(front)) == (account.id, (), [])


def test_the_new_address_is_proved_by_the_button_behind_any_link_to_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = signed_up(front, monkeypatch)
    changed_at_stripe(front, account, EVE)
    (found,) = wiring.accounts().with_email(EVE)
    assert (found.proved, found.email_proved) == (False, False)
    passes(front, monkeypatch)
    assert front.posts_form({}, f"/billing/{token_to(found, 'billing')}").status == 303
    (found,) = wiring.accounts().with_email(EVE)
    assert (found.proved, found.email_proved) == (True, True)


def test_an_address_that_goes_to_and_fro_at_stripe_is_told_once(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = signed_up(front, monkeypatch)
    for email in (EVE, ADA, EVE, ADA, EVE):
        changed_at_stripe(front, account, email)
        passes(front, monkeypatch)
    assert told(front) == [ADA]
    assert front.posts_form({}, front.link("email-undo")).status == 200
    assert front.accounts()[0].email == ADA
