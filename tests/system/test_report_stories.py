"""Reports of the whole system: what a customer of the simulated Stripe comes to, day by day."""

import secrets
from collections.abc import Callable
from typing import Any

from local.client import Client


def paying(system: Client) -> str:
    """A customer whose trial was paid six days ago."""
    email = f"ada-{secrets.token_hex(4)}@example.com"
    status, body = system.post("/signups", {"email": email})
    assert status == 201, body
    account = str(body["account_id"])
    system.settle()
    status, page = system.post(f"/accounts/{account}/checkout", {})
    assert status == 200, page
    session = page["url"].rpartition("/")[2]
    stripe = Client(system.state()["stripe_base"], "sk_test_1")
    assert stripe.post(f"/_test/checkout/{session}", {"card": "tok_visa"})[0] == 200
    system.settle()
    assert system.post("/_local/clock", {"advance": "20d"})[0] == 200
    return account


def moved(system: Client) -> list[dict[str, Any]]:
    """The days on which something moved."""
    status, report = system.call("GET", "/reports/revenue")
    assert status == 200
    days = report["currencies"]["usd"]["days"]
    assert len(days) == 30
    before = days[0]["mrr"]
    for day in days[1:]:
        up = day["new"] + day["reactivation"] + day["expansion"]
        assert before + up - day["contraction"] - day["churn"] == day["mrr"]
        before = day["mrr"]
    assert report["currencies"]["usd"]["annualised"] == 12 * before
    names = ("new", "reactivation", "expansion", "contraction", "churn")
    return [
        {name: day[name] for name in ("mrr", *names) if day[name]}
        for day in days
        if any(day[name] for name in names)
    ]


def test_a_customer_pays_gets_a_discount_and_leaves(start_system: Callable[..., Client]) -> None:
    system = start_system()
    account = paying(system)
    (first,) = moved(system)
    price = first["mrr"]
    assert first == {"mrr": price, "new": price}
    stripe = Client(system.state()["stripe_base"], "sk_test_1")
    coupon = b"id=fifth&percent_off=20&duration=forever"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert stripe.call("POST", "/v1/coupons", coupon, form)[0] == 200
    assert system.post(f"/accounts/{account}/discount", {"coupon": "fifth"})[0] == 200
    assert system.post("/_local/clock", {"advance": "2d"})[0] == 200
    less = price // 5
    assert moved(system) == [first, {"mrr": price - less, "contraction": less}]
    assert system.post(f"/accounts/{account}/cancel", {"when": "now"})[0] == 200
    system.settle()
    assert moved(system)[-1] == {"churn": price - less}
    status, report = system.call("GET", "/reports/trials")
    assert status == 200
    assert [week["converted"] for week in report["weeks"] if week["started"]] == [1]
    path = f"/accounts/{account}?stripe=true"
    admin = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    before = moved(system)
    assert system.call("DELETE", path, headers=admin)[0] == 202
    assert moved(system) == before
