"""How the simulated API answers: pages of lists, searches, repeated calls, what is expanded."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.stripe_sim.api.simulator import StripeSimulator
from tests.fakes.stripe.sim import DAY, PRICES, START, SimStage


@pytest.fixture
def sim() -> SimStage:
    return SimStage()


def five_customers(sim: SimStage) -> list[str]:
    """The newest first, as lists have them."""
    made = [sim.post("/v1/customers", email=f"{n}@example.com")["id"] for n in range(5)]
    return made[::-1]


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer["data"]]


def test_a_list_is_read_forwards_and_backwards_page_by_page(sim: SimStage) -> None:
    made = five_customers(sim)
    first = sim.get("/v1/customers", limit=2)
    second = sim.get("/v1/customers", limit=2, starting_after=made[1])
    last = sim.get("/v1/customers", limit=2, starting_after=made[3])
    assert [ids(first), ids(second), ids(last)] == [made[:2], made[2:4], made[4:]]
    assert [one["has_more"] for one in (first, second, last)] == [True, True, False]
    back = sim.get("/v1/customers", limit=2, ending_before=made[4])
    assert (ids(back), back["has_more"]) == (made[2:4], True)
    back = sim.get("/v1/customers", limit=2, ending_before=made[2])
    assert (ids(back), back["has_more"]) == (made[:2], False)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "cus_none"}, "starting_after"),
        ({"ending_before": "cus_none"}, "ending_before"),
        ({"starting_after": "cus_none", "ending_before": "cus_none"}, None),
    ],
)
def test_pages_that_there_are_not_are_refused(
    sim: SimStage, wanted: Any, param: str | None
) -> None:
    five_customers(sim)
    status, body = sim.call("GET", "/v1/customers", wanted)
    assert (status, body["error"].get("param")) == (400, param)


def test_lists_are_narrowed_by_time(sim: SimStage) -> None:
    early = sim.post("/v1/customers", email="a@example.com")["id"]
    sim.advance(START + DAY)
    late = sim.post("/v1/customers", email="b@example.com")["id"]
    assert ids(sim.get("/v1/customers", created={"gte": START + DAY})) == [late]
    assert ids(sim.get("/v1/customers", created={"lt": START + DAY})) == [early]
    assert ids(sim.get("/v1/customers", created=START)) == [early]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("email:'ada@example.com'", ["ada"]),
        ('email:"ADA@example.com"', ["ada"]),
        ("email~'example'", ["cleo", "bob", "ada"]),
        ("-email:'ada@example.com'", ["cleo", "bob"]),
        ("metadata['team']:'x'", ["bob", "ada"]),
        ('metadata["team"]:null', ["cleo"]),
        ("metadata['team']:'x' AND name:'Bob'", ["bob"]),
        ("name:'Ada' OR name:'Cleo'", ["cleo", "ada"]),
        ("name:'Ada' name:'Cleo'", []),
        (f"created>{START}", ["cleo"]),
        (f"created<={START} AND -name:'Bob'", ["ada"]),
        ("phone:null", ["cleo", "bob", "ada"]),
        (r"name:'O\'Hara'", []),
    ],
)
def test_customers_are_searched_in_stripes_language(
    sim: SimStage, query: str, found: list[str]
) -> None:
    for name, team in (("Ada", "x"), ("Bob", "x"), ("Cleo", None)):
        sim.advance(START + (name == "Cleo"))
        sim.post(
            "/v1/customers",
            name=name,
            email=f"{name.lower()}@example.com",
            metadata={"team": team} if team else {"other": "1"},
        )
    answer = sim.get("/v1/customers/search", query=query)
    assert answer["object"] == "search_result"
    assert [one["name"].lower() for one in answer["data"]] == found


@pytest.mark.parametrize(
    "query",
    [
        "name",
        "name=Ada",
        "nickname:'Ada'",
        "created:'soon'",
        "name>'A'",
        "metadata['a']~'abc'",
        "name~'ab'",
        "name:'a' AND name:'b' OR name:'c'",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(sim: SimStage, query: str) -> None:
    five_customers(sim)
    status, body = sim.call("GET", "/v1/customers/search", {"query": query})
    assert (status, body["error"]["param"]) == (400, "query")


def test_a_search_has_pages_that_are_named(sim: SimStage) -> None:
    made = five_customers(sim)
    first = sim.get("/v1/customers/search", query="email~'example'", limit=3)
    assert (ids(first), first["has_more"]) == (made[:3], True)
    rest = sim.get("/v1/customers/search", query="email~'example'", page=first["next_page"])
    assert (ids(rest), rest["has_more"], rest["next_page"]) == (made[3:], False, None)
    counted = sim.get("/v1/customers/search", query="email~'example'", expand=["total_count"])
    assert counted["total_count"] == 5


def test_subscriptions_and_invoices_are_searched_too(sim: SimStage) -> None:
    customer = sim.customer("tok_visa")
    id = sim.trial(customer, metadata={"account_id": "acc_1"})
    assert ids(sim.get("/v1/subscriptions/search", query="status:'trialing'")) == [id]
    assert ids(sim.get("/v1/subscriptions/search", query="metadata['account_id']:'acc_1'")) == [id]
    (invoice,) = sim.get("/v1/invoices")["data"]
    query = f"subscription:'{id}' AND total<1"
    assert ids(sim.get("/v1/invoices/search", query=query)) == [invoice["id"]]
    assert sim.get("/v1/invoices/search", query=f"customer:'{customer}' AND total>0")["data"] == []


def test_a_key_is_for_one_call_and_says_so(sim: SimStage) -> None:
    sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k")
    status, body = sim.call("POST", "/v1/customers", {"email": "b@example.com"}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert "the same parameters" in body["error"]["message"]
    status, body = sim.call("POST", "/v1/products", {"name": "x"}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert (
        "for the same endpoint they were first used for ('/v1/customers')"
        in (body["error"]["message"])
    )


@pytest.fixture
def server() -> Iterator[StripeSimulator]:
    made = StripeSimulator(lambda: datetime.now(UTC))
    made.register(PRICES)
    made.start()
    yield made
    made.close()


def test_an_answer_that_is_given_again_says_so_in_a_header(server: StripeSimulator) -> None:
    def post(body: bytes) -> tuple[int, str | None, bytes]:
        asked = Request(f"{server.base}/v1/customers", body, method="POST")
        asked.add_header("Authorization", "Bearer sk_test_1")
        asked.add_header("Idempotency-Key", "k")
        try:
            with urlopen(asked) as answer:
                return answer.status, answer.headers["Idempotent-Replayed"], answer.read()
        except HTTPError as refusal:
            return refusal.code, refusal.headers["Idempotent-Replayed"], refusal.read()

    first, again = post(b"email=a@example.com"), post(b"email=a@example.com")
    assert (first[1], again[1]) == (None, "true")
    assert again[2] == first[2]
    assert post(b"email=b@example.com")[:2] == (400, None)


def test_amounts_end_in_zeros_where_the_currency_has_it_so(sim: SimStage) -> None:
    product = sim.post("/v1/products", name="World")["id"]
    recurring = {"interval": "month"}
    for currency, amount, status in (
        ("kwd", 15250, 200),
        ("kwd", 15255, 400),
        ("isk", 1500, 200),
        ("isk", 1550, 400),
        ("jpy", 155, 200),
    ):
        wanted = {
            "product": product,
            "currency": currency,
            "unit_amount": amount,
            "recurring": recurring,
        }
        assert sim.call("POST", "/v1/prices", wanted)[0] == status, (currency, amount)
    options = {"ugx": {"unit_amount": 150}}
    wanted = {
        "product": product,
        "currency": "usd",
        "unit_amount": 900,
        "recurring": recurring,
        "currency_options": options,
    }
    assert sim.call("POST", "/v1/prices", wanted)[0] == 400
    prices = sim.get("/v1/prices", product=product)["data"]
    assert [one["unit_amount"] for one in prices] == [155, 1500, 15250]


def test_prorations_of_three_decimals_end_in_zero(sim: SimStage) -> None:
    product = sim.post("/v1/products", name="World")["id"]
    for key, amount in (("small", 4900), ("large", 19900)):
        sim.post(
            "/v1/prices",
            product=product,
            currency="kwd",
            unit_amount=amount,
            lookup_key=key,
            recurring={"interval": "month"},
        )
    customer = sim.customer("tok_visa")
    items = [{"price": sim.price("small")}]
    id = sim.post("/v1/subscriptions", customer=customer, items=items)["id"]
    sim.advance(START + 10 * DAY)
    item = sim.get(f"/v1/subscriptions/{id}")["items"]["data"][0]["id"]
    changed = [{"id": item, "price": sim.price("large")}]
    sim.post(f"/v1/subscriptions/{id}", items=changed, proration_behavior="always_invoice")
    newest = sim.get("/v1/invoices", customer=customer)["data"][0]
    assert [line["amount"] for line in newest["lines"]["data"]] == [-3320, 13480]


def test_a_checkout_sells_in_another_currency_of_the_price(sim: SimStage) -> None:
    product = sim.post("/v1/products", name="World")["id"]
    price = sim.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=900,
        recurring={"interval": "month"},
        currency_options={"eur": {"unit_amount": 800}},
    )["id"]
    session = sim.post(
        "/v1/checkout/sessions",
        mode="subscription",
        customer=sim.customer(),
        currency="eur",
        line_items=[{"price": price, "quantity": 2}],
        success_url="https://a.example",
    )
    assert (session["currency"], session["amount_total"]) == ("eur", 1600)
    sim.completes(session["id"])
    (sold,) = sim.get("/v1/subscriptions")["data"]
    (paid,) = sim.get("/v1/invoices")["data"]
    assert (sold["currency"], paid["amount_paid"], paid["currency"]) == ("eur", 1600, "eur")
    assert (
        sim.call(
            "POST",
            "/v1/checkout/sessions",
            {
                "mode": "subscription",
                "currency": "gbp",
                "line_items": [{"price": price, "quantity": 1}],
                "success_url": "https://a.example",
            },
        )[0]
        == 400
    )


def test_a_customer_has_languages(sim: SimStage) -> None:
    id = sim.post("/v1/customers", email="a@example.com", preferred_locales=["de", "en"])["id"]
    assert sim.get(f"/v1/customers/{id}")["preferred_locales"] == ["de", "en"]
    sim.post(f"/v1/customers/{id}", preferred_locales=["fr"], email="b@example.com")
    told = sim.engine.store.events[-1]
    assert told["type"] == "customer.updated"
    assert told["data"]["previous_attributes"] == {
        "preferred_locales": ["de", "en"],
        "email": "a@example.com",
    }


def test_what_is_asked_for_whole_is_whole(sim: SimStage) -> None:
    customer = sim.customer("tok_visa")
    id = sim.trial(customer)
    found = sim.get(
        f"/v1/subscriptions/{id}",
        expand=["customer.invoice_settings.default_payment_method", "latest_invoice.payments"],
    )
    assert found["customer"]["invoice_settings"]["default_payment_method"]["type"] == "card"
    assert found["latest_invoice"]["payments"]["object"] == "list"
    held = sim.get(f"/v1/customers/{customer}", expand=["subscriptions"])["subscriptions"]
    assert ids(held) == [id]
    assert sim.get(f"/v1/customers/{customer}")["subscriptions"] is None
    whole = sim.get(f"/v1/subscriptions/{id}", expand=["items.data.price.product"])
    assert whole["items"]["data"][0]["price"]["product"]["name"] == "Acme Pro"
    listed = sim.get("/v1/subscriptions", expand=["data.customer.invoice_settings"])
    assert listed["data"][0]["customer"]["id"] == customer


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("/v1/subscriptions/{}", "unicorn"),
        ("/v1/subscriptions/{}", "customer.unicorn"),
        ("/v1/subscriptions/{}", "latest_invoice.customer.a.b.c"),
        ("/v1/subscriptions", "customer"),
        ("/v1/subscriptions", "data.unicorn"),
        ("/v1/subscriptions", "data.items.data.price.product"),
        ("/v1/subscriptions/{}", "items.data.discounts.source.coupon"),
    ],
)
def test_what_cannot_be_had_whole_is_refused(sim: SimStage, path: str, expand: str) -> None:
    id = sim.trial(sim.customer("tok_visa"))
    status, body = sim.call("GET", path.format(id), {"expand": [expand]})
    assert (status, body["error"]["param"]) == (400, "expand")
