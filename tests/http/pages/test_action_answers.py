"""The customer's pages where Stripe refuses, where the bank wants a confirmation, and where a
payment takes days: a plain sentence, and nothing is lost.
"""

from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from local.stripe_sim.api.api import ApiRequest
from tests.fakes.stripe.answers import Confirmation, Debits, Schedule, StripeAnswers, refusal
from tests.fakes.visitors import Person
from tests.http.actions.test_actions import shop
from tests.http.pages.test_billing import ada, upgrade

__all__ = ["ada", "shop"]

SUBSCRIPTION = r"/v1/subscriptions/sub_\w+"
SECRET = "a word of Stripe's that customers need not read"


def test_an_upgrade_that_the_bank_wants_confirmed_shows_the_way_to_stripes_page(
    ada: Person,
) -> None:
    form = upgrade(ada)
    Confirmation(StripeAnswers(ada.shop.sim), "https://invoice.stripe.com/i/1?s=a&b")
    page = ada.posts("/billing/plan/confirm", **form)
    assert page.status == 200
    assert "confirm" in page.says("headline")
    assert 'href="https://invoice.stripe.com/i/1?s=a&amp;b"' in page.text
    assert ada.subscription["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"
    assert "declined" not in page.text


def test_a_form_that_is_sent_again_leads_to_the_same_page(ada: Person) -> None:
    form = upgrade(ada)
    Confirmation(StripeAnswers(ada.shop.sim))
    pages = [ada.posts("/billing/plan/confirm", **form) for _ in range(2)]
    assert pages[0].text == pages[1].text


def test_an_upgrade_by_debit_is_under_way(ada: Person) -> None:
    form = upgrade(ada)
    debits = Debits(StripeAnswers(ada.shop.sim))

    def opened(body: Any, request: ApiRequest) -> Any:
        if not isinstance(body.get("latest_invoice"), dict):
            return body
        debits.intents[body["latest_invoice"]["id"]] = "processing"
        return body | {"latest_invoice": debits._overlaid(body["latest_invoice"])}

    debits.answers.change("POST", SUBSCRIPTION, opened)
    page = ada.posts("/billing/plan/confirm", **form)
    assert (page.status, page.says("headline")) == (200, "Your payment is under way")


FORMS: list[tuple[str, dict[str, Any], str, str]] = [
    ("/billing/portal", {}, "POST", "/v1/billing_portal/sessions"),
    ("/billing/cancel/confirm", {"when": "period_end"}, "POST", SUBSCRIPTION),
    ("/billing/plan", {"choice": "scale:month", "seats": 1}, "POST", "/v1/invoices/create_preview"),
]
"""A form of the customer's pages, and the call to Stripe that is refused."""


@pytest.mark.parametrize(("path", "fields", "method", "to"), FORMS)
@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_is_one_plain_sentence_and_changes_nothing(
    ada: Person, path: str, fields: dict[str, Any], method: str, to: str, status: int
) -> None:
    StripeAnswers(ada.shop.sim).reply(method, to, status, refusal(SECRET, "odd"))
    before = ada.account.subscriptions
    page = ada.posts(path, **fields)
    assert page.status == 422
    assert "nothing was changed" in page.text
    assert SECRET not in page.text
    assert ada.account.subscriptions == before
    assert not pending(ada.account.errands)
    assert ada.gets("/billing").status == 200


def test_an_outage_asks_to_try_again(ada: Person) -> None:
    answers = StripeAnswers(ada.shop.sim)
    answers.reply("POST", "/v1/billing_portal/sessions", 503, refusal("Down."))
    assert ada.posts("/billing/portal").status == 503


def test_an_offer_that_stripe_refuses_is_not_available(ada: Person) -> None:
    answers = StripeAnswers(ada.shop.sim)
    answers.reply("POST", SUBSCRIPTION, 400, refusal(SECRET, "coupon_expired"))
    page = ada.posts("/billing/cancel/instead", reason="missing_features")
    assert page.leads_to == "/billing?notice=nothing_offered"


def test_a_subscription_with_a_schedule_can_be_canceled_on_the_page(ada: Person) -> None:
    schedule = Schedule(StripeAnswers(ada.shop.sim))
    page = ada.posts("/billing/cancel/confirm", when="period_end")
    assert page.leads_to == "/billing?notice=canceling"
    assert not schedule.active


def test_an_upgrade_is_made_once_the_customer_has_confirmed_it_on_stripes_page(ada: Person) -> None:
    ada.shop.pays_with("tok_threeDSecure2Required")
    form = upgrade(ada)
    page = ada.posts("/billing/plan/confirm", **form)
    assert "confirm" in page.says("headline")
    assert ada.subscription["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"
    invoice = ada.subscription["latest_invoice"]
    ada.shop.sim.post(f"/v1/invoices/{invoice}/pay", off_session=False)
    assert ada.subscription["items"]["data"][0]["price"]["lookup_key"] == "scale_monthly"
    assert ada.shop.taken[-1] == int(form["shown"].split()[0])
