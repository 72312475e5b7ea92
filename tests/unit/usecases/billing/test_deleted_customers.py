"""Customers of adopted accounts that the owner deletes at Stripe: the account can buy again."""

import json

import pytest

from chalicelib.domain.account.queries import customer_for
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.usecases.billing.checkout import finish_checkout, open_checkout, open_portal
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.fakes.adopted_lives import ACCOUNT, AdoptedLife
from tests.fakes.simulated_lifecycles import returns


@pytest.fixture
def gone() -> AdoptedLife:
    life = AdoptedLife()
    life.gives("tok_visa").sells()
    life.stage.call("DELETE", f"/v1/customers/{life.customer}")
    life.hear()
    assert life.stands == ("none", "customer_deleted")
    return life


def opens(life: AdoptedLife) -> str:
    request = PurchaseRequest("scale", None, None)
    return open_checkout(ACCOUNT, request, returns, life.place.services).rpartition("/")[2]


def test_an_account_whose_only_customer_was_deleted_buys_as_a_new_customer(
    gone: AdoptedLife,
) -> None:
    session = opens(gone)
    assert opens(gone) == session
    gone.stage.completes(session)
    assert finish_checkout(ACCOUNT, session, gone.place.services) == "subscribed"
    gone.hear()
    assert gone.days(1).stands == ("full", "active")
    customer = customer_for(gone.account)
    assert customer is not None
    assert customer.id != gone.customer
    assert len(gone.account.customers) == 2, "a repeated call makes no other customer"


def test_late_events_of_the_deleted_customer_take_nothing_from_the_new_one(
    gone: AdoptedLife,
) -> None:
    session = opens(gone)
    gone.stage.completes(session)
    gone.hear()
    for event in reversed(gone.stage.engine.store.events):
        ingest([Message(event["id"], json.dumps(event))], gone.place.services)
    assert gone.days(1).stands == ("full", "active")


def test_the_portal_opens_for_an_account_whose_only_customer_was_deleted(
    gone: AdoptedLife,
) -> None:
    assert open_portal(ACCOUNT, lambda account: "https://acme.example", gone.place.services)
