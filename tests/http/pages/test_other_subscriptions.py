"""A customer with several subscriptions sees all of them, and cancels each."""

import json

import pytest

from chalicelib.domain.account.queries import current_subscription, other_subscriptions
from chalicelib.runtime import wiring
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.fakes.visitors import Person
from tests.http.actions.test_actions import Shop, shop  # noqa: F401 - the fixture
from tests.http.pages.test_billing import ada  # noqa: F401 - the fixture


def hears(shop: Shop) -> None:
    """Stripe's events arrive, once more those that came before."""
    events = shop.sim.engine.store.events
    ingest([Message(one["id"], json.dumps(one)) for one in events], wiring.services())


@pytest.fixture
def second(ada: Person, shop: Shop) -> str:
    """The id of the subscription that is not the current one."""
    shop.sim.second += 60
    items = [{"price": shop.sim.price("scale_monthly")}]
    shop.sim.post("/v1/subscriptions", customer=ada.subscription["customer"], items=items)
    hears(shop)
    (other,) = other_subscriptions(ada.account)
    return other.id


def test_the_page_lists_each_subscription_with_its_price(ada: Person, second: str) -> None:
    page = ada.gets("/billing").text
    assert f'id="other-{second}"' in page
    assert "$49.00 a month" in page
    assert "$199.00 a month" in page


def test_the_other_subscription_is_canceled_and_the_current_one_goes_on(
    ada: Person,
    second: str,
) -> None:
    kept = current_subscription(ada.account)
    form = {"when": "period_end", "subscription": second}
    done = ada.posts("/billing/cancel/confirm", **form)
    assert done.leads_to == "/billing?notice=other_canceling"
    (other,) = other_subscriptions(ada.account)
    assert other.cancel_at_period_end
    assert current_subscription(ada.account) == kept
    page = ada.gets("/billing").text
    assert "Yes, cancel" not in page, "it is on its way out"
    assert "It ends on" in page


def test_the_product_names_the_subscription_that_it_cancels(
    ada: Person,
    shop: Shop,
    second: str,
) -> None:
    assert shop.post("cancel", {"when": "now", "subscription": second}).status == 200
    assert other_subscriptions(ada.account) == []
    answer = shop.post("cancel", {"when": "now", "subscription": "sub_strangers"})
    assert (answer.status, answer.body["error"]["code"]) == (409, "subscription_ended")
    current = current_subscription(ada.account)
    assert current
    assert not current.cancellation_scheduled


def test_the_subscription_of_another_account_is_not_there_to_cancel(ada: Person) -> None:
    form = {"when": "period_end", "subscription": "sub_strangers"}
    done = ada.posts("/billing/cancel/confirm", **form)
    assert done.leads_to == "/billing?notice=nothing_to_cancel"
