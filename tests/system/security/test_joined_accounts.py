"""Somebody whose customer at Stripe names another account in its metadata, because some program
wrote there what was typed: they want to be in that account, and to be mailed its links.
"""

import json
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.runtime import wiring
from chalicelib.usecases.ingestion.adopt import derived_id
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.http.signups.test_signups import ADA, Front

EVE = "eve@example.com"
DECLINES = "4000000000000341"
UNPAID: dict[str, dict[str, Any]] = {
    "incomplete": {"payment_behavior": "default_incomplete"},
    "trial": {"trial_period_days": 30},
    "sent invoice": {"collection_method": "send_invoice", "days_until_due": 30},
}


@pytest.fixture
def victim(front: Front) -> Account:
    """Ada, who signed up and pressed the button in her mail."""
    front.signs_up()
    front.works()
    front.enters()
    (account,) = front.accounts()
    return account


def at_stripe(front: Front, path: str, **values: Any) -> str:
    """Something is made at Stripe, and its events arrive; gives its id."""
    since = len(front.stripe.engine.store.events)
    made = front.stripe.post(path, **values)
    events = front.stripe.engine.store.events[since:]
    ingest([Message(event["id"], json.dumps(event)) for event in events], wiring.services())
    return str(made["id"])


def shown(front: Front, account_id: str) -> Any:
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    page = front.call("GET", f"/accounts/{account_id}", **key)
    assert page.status == 200, page.text
    return page.json


@pytest.mark.parametrize("proof", [{}, {"account_proof": "0" * 64}], ids=["none", "invented"])
def test_a_stranger_who_names_an_account_is_not_in_it_and_gets_none_of_its_mail(
    front: Front, victim: Account, proof: dict[str, str]
) -> None:
    metadata = {"account_id": victim.id, **proof}
    before = shown(front, victim.id)
    for number in range(3):  # ids are drawn: one of them would be the highest
        stranger = at_stripe(front, "/v1/customers", email=EVE, metadata=metadata)
        assert shown(front, derived_id(stranger))["customers"] == [stranger], number
    assert shown(front, victim.id) == before
    front.posts_form({"email": EVE}, "/sign-in")
    front.works()
    readers = [mail.destinations["ToAddresses"] for mail in front.office.inbox]
    assert readers == [[ADA["email"]]], "Ada's welcome and nothing else"
    front.posts_form({"email": ADA["email"]}, "/sign-in")
    front.works()
    assert front.office.inbox[-1].destinations["ToAddresses"] == [ADA["email"]]


def test_the_proof_of_another_account_is_none(front: Front, victim: Account) -> None:
    own = at_stripe(front, "/v1/customers", email=EVE, metadata={"account_id": "acc_eve"})
    theirs = shown(front, "acc_eve")["stripe_metadata"]
    stolen = {**theirs, "account_id": victim.id}
    second = at_stripe(front, "/v1/customers", email=EVE, metadata=stolen)
    assert shown(front, victim.id)["customers"] == sorted(victim.customers)
    assert shown(front, derived_id(second))["customers"] == [second]
    assert shown(front, "acc_eve")["customers"] == [own]


def test_the_product_adds_a_customer_by_the_metadata_of_the_account(
    front: Front, victim: Account
) -> None:
    metadata = shown(front, victim.id)["stripe_metadata"]
    assert metadata == {"account_id": victim.id, "account_proof": wiring.proof_of(victim.id)}
    second = at_stripe(front, "/v1/customers", email="accounting@example.com", metadata=metadata)
    found = shown(front, victim.id)
    assert found["customers"] == sorted([*victim.customers, second])
    assert found["email"] == ADA["email"]


def test_what_billhook_makes_at_stripe_proves_its_account(front: Front, victim: Account) -> None:
    expected = shown(front, victim.id)["stripe_metadata"]
    for kind in ("customer", "subscription"):
        (made,) = front.stripe.engine.store.all(kind)
        assert made["metadata"] == expected


def test_a_customer_with_the_proved_address_joins_the_account_that_it_names(
    front: Front, victim: Account
) -> None:
    metadata = {"account_id": victim.id}
    second = at_stripe(front, "/v1/customers", email="Ada@example.com", metadata=metadata)
    assert second in shown(front, victim.id)["customers"]


def test_no_proof_is_in_a_log_or_a_timeline(
    front: Front,
    victim: Account,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    metadata = shown(front, victim.id)["stripe_metadata"]
    at_stripe(front, "/v1/customers", email=EVE, metadata=metadata)
    front.works()
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    timeline = front.call("GET", f"/accounts/{victim.id}/timeline", **key).text
    said = capsys.readouterr()
    assert metadata["account_proof"] not in timeline + said.out + said.err + caplog.text


# A stranger buys at Stripe with the address of somebody who has no account yet


def buys(front: Front, card: str | None, **how: Any) -> Account:
    """Somebody buys at Stripe with Ada's address; gives the account of that customer."""
    customer = at_stripe(front, "/v1/customers", email=ADA["email"])
    if card:
        front.stripe.gives(customer, card)
    items = [{"price": front.stripe.price("pro_monthly")}]
    at_stripe(front, "/v1/subscriptions", customer=customer, items=items, **how)
    return wiring.accounts().of_customers({customer: "acc_none"})[customer]


@pytest.mark.parametrize("card", [None, DECLINES])
@pytest.mark.parametrize("how", UNPAID)
def test_what_a_stranger_did_not_pay_takes_no_trial(
    front: Front, how: str, card: str | None
) -> None:
    theirs = buys(front, card, **UNPAID[how])
    page = front.signs_up()
    assert page.status == 201, page.text
    assert page.json["account_id"] != theirs.id
    front.works()
    own = wiring.accounts().load(page.json["account_id"])
    assert own
    assert own.standing
    assert (own.standing.access, own.standing.reason) in {
        ("full", "trialing"),
        ("full", "trial_starting"),
    }
    front.posts_form({"email": ADA["email"]}, "/sign-in")
    front.works()
    signed_in = wiring.accounts().load(own.id)
    assert signed_in
    assert signed_in.sign_in_asked_at, "the sign-in link is for her own account"


def test_who_paid_at_stripe_is_known_by_the_address(front: Front) -> None:
    buys(front, "tok_visa")
    assert front.signs_up().status == 202


def test_who_did_not_pay_yet_signs_in_by_the_address_and_then_holds_it(front: Front) -> None:
    theirs = buys(front, None, **UNPAID["incomplete"])
    front.posts_form({"email": ADA["email"]}, "/sign-in")
    front.works()
    front.enters("sign-in")
    assert [one.id for one in front.accounts()] == [theirs.id]
    assert front.signs_up().status == 202
