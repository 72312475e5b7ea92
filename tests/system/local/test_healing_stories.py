"""All recorded histories lived in the whole system while webhooks are lost: two days later every
account is what Stripe holds.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.stripe_api.transport import StripeTransport
from chalicelib.usecases.ingestion.answers import fetch
from local.client import Client
from local.replay import differences
from tests.fakes.services import POLICY
from tests.system.local.stripe_sim.test_replay import SCRIPTS
from tests.system.local.test_replay_stories import Lived

LOSSES = {"lost": 0.4, "undelivered": 0.3, "seed": 1}
"""Of the events so many are lost behind the endpoint, which has acknowledged them, and so many are
never delivered.
"""

TWO_DAYS = 2 * 86_400


def stands(stripe: str, customer: str, now: datetime) -> Standing:
    """What Stripe's truth means, for one who asks for all of it."""
    reader, account = (
        StripeReader(StripeTransport(lambda: "sk_test_1", stripe)),
        Account("acc_truth"),
    )
    for ask in everything_of(customer):
        account = apply(account, fetch(reader, ask, account, now)[0])
    return standing(account, POLICY, now)


@pytest.fixture(scope="module")
def client(start_system: Callable[[], Client]) -> Client:
    """A system whose clock moves by months and whose webhooks get lost."""
    return start_system()


def test_two_days_after_webhooks_were_lost_every_account_is_what_stripe_holds(
    client: Client,
) -> None:
    """12, 13."""
    stripe = Client(client.state()["stripe_base"], "sk_test_1")
    assert stripe.post("/_test/webhooks", LOSSES)[0] == 200
    shift = client.now() + 60 - min(recording["script"][0]["at"] for recording in SCRIPTS.values())
    lives = [Lived(name, recording, stripe, shift) for name, recording in SCRIPTS.items()]
    steps = sorted(
        (
            (step["at"], place, life, step)
            for life in lives
            for place, step in enumerate(life.recording["script"])
        ),
        key=lambda one: one[:2],
    )
    for at, _, life, step in steps:
        client.move_clock(at + shift)
        life.step(step)
    client.move_clock(
        max(
            step["to"]
            for life in lives
            for step in life.recording["script"]
            if step["do"] == "advance"
        )
        + shift
    )
    client.move_clock(client.now() + TWO_DAYS)
    for life in lives:
        held = life.asks("GET", "/v1/subscriptions", {"customer": life.customer, "status": "all"})[
            "data"
        ]
        assert differences(client.account(life.account), {"subscriptions": held}) == [], life.name
        now = client.access(life.account)
        truth = stands(stripe.base, life.customer, datetime.fromtimestamp(client.now(), UTC))
        assert now
        assert (now["access"], now["reason"], now["plan"]) == (
            truth.access,
            truth.reason,
            truth.plan,
        ), life.name
    told = [
        entry["type"]
        for life in lives
        for entry in client.call("GET", f"/accounts/{life.account}/timeline")[1]["entries"]
    ]
    assert "drift.healed" in told
    assert "drift.left" not in told


def test_a_webhook_lost_inside_after_its_200_is_made_good_though_stripe_believes_it_delivered(
    client: Client,
) -> None:
    """13: a customer who canceled at once in Stripe's dashboard, and one who bought there."""
    stripe = Client(client.state()["stripe_base"], "sk_test_1")
    assert stripe.post("/_test/webhooks", {})[0] == 200
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def call(path: str, body: str, method: str = "POST") -> Any:
        status, answer = stripe.call(method, path, body.encode(), form)
        assert status == 200, answer
        return answer

    price = stripe.call("GET", "/v1/prices?lookup_keys[0]=pro_monthly")[1]["data"][0]["id"]
    customers = [
        call("/v1/customers", f"email={name}%40example.com&metadata[account_id]=acc_{name}")["id"]
        for name in ("ada", "bob")
    ]
    for customer in customers:
        assert stripe.post(f"/_test/customers/{customer}/card", {"card": "tok_visa"})[0] == 200
    subscription = call("/v1/subscriptions", f"customer={customers[0]}&items[0][price]={price}")[
        "id"
    ]
    client.settle()
    assert client.access("acc_ada")["access"] == "full"  # type: ignore[index]
    assert stripe.post("/_test/webhooks", {"lost": 1.0})[0] == 200
    call(f"/v1/subscriptions/{subscription}", "", "DELETE")
    call("/v1/subscriptions", f"customer={customers[1]}&items[0][price]={price}")
    client.settle()
    answers = [client.access(f"acc_{name}") for name in ("ada", "bob")]
    assert [answer and answer["access"] for answer in answers] == ["full", "none"]
    client.move_clock(client.now() + TWO_DAYS)
    assert [client.access(f"acc_{name}")["reason"] for name in ("ada", "bob")] == [
        "canceled",
        "active",
    ]  # type: ignore[index]
