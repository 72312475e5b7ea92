"""Signing up and paying, in the whole system: with many hands at once, with Stripe failing, with
every event lost.
"""

import json
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from local.client import Client

DAY = 86400
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def address() -> str:
    return f"ada-{secrets.token_hex(4)}@example.com"


class Shop:
    """A product with its customers, and Stripe behind."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.stripe = Client(client.state()["stripe_base"], "sk_test_1")

    def signs_up(self, email: str) -> tuple[int, Any]:
        return self.client.post("/signups", {"email": email})

    def opens(self, account: str, **wanted: Any) -> tuple[int, Any]:
        return self.client.post(f"/accounts/{account}/checkout", wanted)

    def completes(self, url: str, card: str = "tok_visa") -> None:
        status, body = self.stripe.post(f"/_test/checkout/{url.rpartition('/')[2]}", {"card": card})
        assert status == 200, body

    def fails(self, how: str, times: int, path: str, method: str = "POST") -> None:
        assert (
            self.stripe.post(
                "/_test/faults", {"how": how, "times": times, "path": path, "method": method}
            )[0]
            == 200
        )

    def at_stripe(self, kind: str, **query: str) -> list[Any]:
        words = "&".join(f"{name}={value}" for name, value in {"limit": "100", **query}.items())
        status, body = self.stripe.call("GET", f"/v1/{kind}?{words}")
        assert status == 200, body
        found: list[Any] = body["data"]
        return found

    def moves(self, customer: str, **changes: str) -> None:
        """The customer changes something in Stripe's portal."""
        self.stripe.call("POST", f"/v1/customers/{customer}", urlencode(changes).encode(), FORM)
        self.client.settle()

    def patches(self, account: str, **changes: str) -> dict[str, Any]:
        """The product changes something of the customer's."""
        body = json.dumps(changes).encode()
        status, answer = self.client.call("PATCH", f"/accounts/{account}", body, JSON)
        assert status == 200, answer
        self.client.settle()
        found: dict[str, Any] = answer
        return found

    def uses_product(self, account: str) -> None:
        """The product reports that its user did something."""
        status, body = self.client.post(
            f"/accounts/{account}/milestones", {"name": "connected_data"}
        )
        assert status == 204, body

    def written_to(self, account: str, after: int) -> set[str]:
        """The addresses of the mails after that number."""
        return {mail["to"] for mail in self.client.mail(account, after)}

    def advance(self, days: float) -> None:
        self.client.move_clock(self.client.now() + int(days * DAY))

    def standing(self, account: str) -> tuple[str, str]:
        found = self.client.access(account)
        assert found
        return found["access"], found["reason"]


@pytest.fixture
def shop(system: Client) -> Shop:
    return Shop(system)


def at_once(step: Callable[[], tuple[int, Any]], times: int = 8) -> list[tuple[int, Any]]:
    with ThreadPoolExecutor(times) as pool:
        return [made.result() for made in [pool.submit(step) for _ in range(times)]]


def begun(shop: Shop) -> tuple[str, str]:
    email = address()
    status, body = shop.signs_up(email)
    assert status == 201, body
    return email, body["account_id"]


def test_of_many_who_sign_up_with_one_address_at_once_one_begins(shop: Shop) -> None:
    email = address()
    answers = at_once(lambda: shop.signs_up(email), times=5)
    assert sorted(status for status, _ in answers) == [201, 202, 202, 202, 202]
    shop.client.settle()
    (customer,) = shop.at_stripe("customers", email=email)
    assert len(shop.at_stripe("subscriptions", customer=customer["id"], status="all")) == 1


def test_a_double_click_on_buy_makes_one_session_and_one_purchase(shop: Shop) -> None:
    email, account = begun(shop)
    shop.client.settle()
    (customer,) = shop.at_stripe("customers", email=email)
    (trial,) = shop.at_stripe("subscriptions", customer=customer["id"])
    shop.stripe.call("DELETE", f"/v1/subscriptions/{trial['id']}")
    shop.client.settle()
    answers = at_once(lambda: shop.opens(account, plan="pro"), times=4)
    urls = {body["url"] for status, body in answers if status == 200}
    assert len(urls) == 1, answers
    assert {status for status, _ in answers} <= {200, 503}
    shop.completes(urls.pop())
    assert shop.opens(account, plan="pro")[0] == 409, (
        "known at the next question, whether or not the events came"
    )
    shop.client.settle()
    assert shop.standing(account) == ("full", "active")
    assert [
        one["status"]
        for one in shop.at_stripe("subscriptions", customer=customer["id"], status="all")
    ].count("active") == 1


@pytest.mark.parametrize("how", ["timeout_before", "timeout_after", "429", "500", "500_after"])
def test_while_stripe_fails_visitors_sign_up_and_their_trials_begin_there_later(
    shop: Shop, how: str
) -> None:
    shop.fails(how, 2, "/v1/subscriptions")
    email, account = begun(shop)
    assert shop.standing(account)[0] == "full"
    shop.advance(0.1)
    (customer,) = shop.at_stripe("customers", email=email)
    assert [
        one["status"]
        for one in shop.at_stripe("subscriptions", customer=customer["id"], status="all")
    ] == ["trialing"]
    assert shop.standing(account) == ("full", "trialing")


def test_a_card_given_while_the_browser_never_comes_back_pays_the_trial(shop: Shop) -> None:
    _, account = begun(shop)
    status, body = shop.opens(account)
    assert status == 200, body
    shop.completes(body["url"])
    shop.client.settle()
    shop.advance(15)
    assert shop.standing(account) == ("full", "active")


def test_an_address_that_nobody_proved_gets_the_welcome_and_who_uses_the_product_is_reminded(
    shop: Shop,
) -> None:
    accounts = [begun(shop)[1] for _ in range(2)]
    shop.uses_product(accounts[1])
    shop.advance(15)
    assert [shop.standing(account) for account in accounts] == [("none", "paused")] * 2
    got = [[mail["step"] for mail in shop.client.mail(account)] for account in accounts]
    assert got[0] == ["welcome"]
    assert {"three_days", "ended"} < set(got[1])


def test_the_portal_hears_of_the_customer_and_billhook_of_the_portal(shop: Shop) -> None:
    email, account = begun(shop)
    assert shop.client.post(f"/accounts/{account}/portal", {})[0] == 200
    (customer,) = shop.at_stripe("customers", email=email)
    assert (
        shop.stripe.post(f"/_test/customers/{customer['id']}/card", {"card": "tok_visa"})[0] == 200
    )
    shop.client.settle()
    assert shop.opens(account)[0] == 409


def test_a_dispute_is_told(shop: Shop) -> None:
    email, account = begun(shop)
    (customer,) = shop.at_stripe("customers", email=email)
    shop.stripe.post(f"/_test/customers/{customer['id']}/card", {"card": "tok_visa"})
    shop.advance(15)
    (charge,) = shop.at_stripe("charges", customer=customer["id"])
    assert shop.stripe.post("/_test/disputes", {"charge": charge["id"]})[0] == 200
    shop.client.settle()
    status, body = shop.client.call("GET", f"/accounts/{account}/timeline")
    assert status == 200
    assert {"payment.disputed", "charge.dispute.created"} <= {
        entry["type"] for entry in body["entries"]
    }


def test_webhooks_that_are_not_taken_are_sent_again(shop: Shop) -> None:
    events = shop.at_stripe("events")
    assert all(event["pending_webhooks"] == 0 for event in events)
    assert shop.at_stripe("events", delivery_success="false") == []


def found_at(shop: Shop, email: str) -> list[str]:
    status, body = shop.client.call("GET", f"/accounts?email={quote(email)}")
    assert status == 200, body
    return [one["account_id"] for one in body["accounts"]]


def last_mail(shop: Shop) -> int:
    return max((mail["number"] for mail in shop.client.mail()), default=0)


def test_a_customer_who_moves_at_stripe_gets_the_reminders_there(shop: Shop) -> None:
    old, account = begun(shop)
    (customer,) = shop.at_stripe("customers", email=old)
    shop.client.settle()  # the welcome message is on its way to the old address
    new, number = address(), last_mail(shop)
    shop.uses_product(account)
    shop.moves(customer["id"], email=new, name="Ada King")
    found = shop.client.account(account)
    assert found
    assert (found["email"], found["name"]) == (new, "Ada King")
    assert (found_at(shop, new), found_at(shop, old)) == ([account], [])
    shop.advance(15)
    assert shop.written_to(account, number) == {new}
    shop.moves(customer["id"], email=(newest := address()))
    shop.moves(customer["id"], description="told nothing of the address")
    assert shop.patches(account, timezone="Europe/Vienna")["email"] == newest


def test_a_late_event_of_an_older_address_changes_nothing_any_more(shop: Shop) -> None:
    old, account = begun(shop)
    (customer,) = shop.at_stripe("customers", email=old)
    shop.moves(customer["id"], email=address())
    shop.client.move_clock(shop.client.now() + 60)
    new = address()
    assert shop.patches(account, email=new)["email"] == new
    secret = shop.client.state()["webhook_secret"]
    events = [
        event
        for event in shop.at_stripe("events")
        if event["type"] == "customer.updated" and event["data"]["object"]["id"] == customer["id"]
    ]
    assert len(events) == 2, "the customer's, and the echo of our own call"
    for event in (*events, *reversed(events)):
        shop.client.send_event(event, secret, shop.client.now())
    shop.client.settle()
    found = shop.client.account(account)
    assert found
    assert found["email"] == new
    (same,) = shop.at_stripe("customers", email=new)
    assert same["id"] == customer["id"]


def test_an_address_that_bounced_is_written_to_again_once_it_is_lifted(shop: Shop) -> None:
    old, account = begun(shop)
    shop.uses_product(account)
    shop.client.settle()
    welcome = shop.client.mail(account)[-1]
    assert shop.client.post(f"/_local/mail/{welcome['number']}/bounce")[0] == 200
    shop.client.settle()
    shop.advance(12)
    assert shop.written_to(account, welcome["number"]) == set()
    new = address()
    shop.patches(account, email=new)
    shop.advance(1)
    shop.patches(account, email=old)
    assert shop.client.call("DELETE", f"/suppressions/{quote(old)}")[0] == 204
    number = last_mail(shop)
    assert shop.written_to(account, 0) <= {old, new}
    shop.advance(2)
    assert shop.written_to(account, number) == {old}


def test_a_stranger_uses_no_trial_up_and_what_nobody_pressed_is_forgotten(shop: Shop) -> None:
    email, account = begun(shop)
    shop.advance(20)
    assert shop.standing(account)[0] == "none"
    signup = {"email": email, "name": "Ada King", "plan": "scale"}
    assert shop.client.post("/signups", signup)[0] == 202
    shop.client.settle()
    mail = shop.client.mail(account)[-1]
    link = re.search(r"https?://\S+(/sign-in/\S+)", mail["text"])
    assert link, mail["text"]
    assert shop.client.call("POST", link[1], b"", FORM)[0] in {200, 303}
    shop.client.settle()
    assert shop.standing(account) == ("full", "trialing")
    found = shop.client.account(account)
    assert found
    assert (found["name"], found["standing"]["plan"]) == ("Ada King", "scale")
    (customer,) = shop.at_stripe("customers", email=email)
    trials = shop.at_stripe("subscriptions", customer=customer["id"], status="all")
    assert sorted(one["status"] for one in trials) == ["canceled", "trialing"]

    other, forgotten = begun(shop)
    shop.advance(46)
    assert shop.client.account(forgotten) is None
    assert shop.at_stripe("customers", email=other) == []
    assert shop.standing(account)[0] == "none", "who pressed the button is kept"
    assert shop.signs_up(other)[0] == 201, "and the other address may have its trial"
