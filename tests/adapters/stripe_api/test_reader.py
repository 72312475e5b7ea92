"""The reader and Stripe's SDK, with a server on loopback that gives the answers of each test."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.account.facts import CustomerSnapshot, InvoiceSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.stripe_api import answers
from chalicelib.stripe_api.customers import StripeCustomers
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.stripe_api.transport import StripeTransport
from chalicelib.usecases.ingestion.answers import fetch
from local.recordings import Truth
from tests.fakes.services import RECORDINGS, at
from tests.fakes.stripe.reader import FakeReader

TRUTH = RECORDINGS["trial_converts"].truth()
CUSTOMER, SUBSCRIPTION = next(iter(TRUTH.customers)), next(iter(TRUTH.subscriptions))


class Replies:
    """Replies by path, and the requests that came."""

    def __init__(self) -> None:
        self.by_path: dict[str, list[tuple[int, Any]]] = {}
        self.base = ""
        self.requests: list[tuple[str, dict[str, list[str]], str]] = []
        self.deleted: list[str] = []

    def next_for(self, path: str) -> tuple[int, Any]:
        queued = self.by_path.get(
            path,
            [
                (
                    404,
                    {
                        "error": {
                            "type": "invalid_request_error",
                            "code": "resource_missing",
                            "message": "No such object",
                        }
                    },
                )
            ],
        )
        return queued.pop(0) if len(queued) > 1 else queued[0]


@pytest.fixture
def replies() -> Iterator[Replies]:
    replies = Replies()
    deleted = replies.deleted

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            replies.requests.append(
                (parts.path, parse_qs(parts.query), self.headers["Authorization"])
            )
            status, body = replies.next_for(parts.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_DELETE(self) -> None:
            deleted.append(self.path)
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    replies.base = f"http://127.0.0.1:{server.server_port}"
    yield replies
    server.shutdown()
    server.server_close()


@pytest.fixture
def reader(replies: Replies) -> StripeReader:
    return StripeReader(StripeTransport(lambda: "sk_test_1", replies.base))


def test_an_object_comes_as_a_value(reader: StripeReader, replies: Replies) -> None:
    replies.by_path = {f"/v1/customers/{CUSTOMER}": [(200, TRUTH.customers[CUSTOMER])]}
    assert reader.customer(CUSTOMER) == answers.customer(TRUTH.customers[CUSTOMER])
    assert replies.requests[0][2] == "Bearer sk_test_1"


def test_what_stripe_does_not_know_is_none(reader: StripeReader) -> None:
    assert reader.customer("cus_none") is None
    assert reader.subscription("sub_none") is None
    assert reader.subscriptions_of("cus_none") == []


LIVING = {"object": "list", "data": [TRUTH.subscriptions[SUBSCRIPTION]], "has_more": False}
"""The subscriptions of a customer as Stripe includes them."""


def test_a_customer_comes_with_the_subscriptions_that_have_not_ended(
    reader: StripeReader, replies: Replies
) -> None:
    raw = {**TRUTH.customers[CUSTOMER], "subscriptions": LIVING}
    replies.by_path = {f"/v1/customers/{CUSTOMER}": [(200, raw)]}
    assert reader.customer_with_subscriptions(CUSTOMER) == (
        answers.customer(TRUTH.customers[CUSTOMER]),
        [answers.subscription(TRUTH.subscriptions[SUBSCRIPTION])],
    )
    assert reader.customer_with_subscriptions("cus_none") is None


@pytest.mark.parametrize("listed", [None, {**LIVING, "has_more": True}, {"object": "list"}])
def test_subscriptions_that_are_not_all_there_are_none(
    reader: StripeReader, replies: Replies, listed: Any
) -> None:
    raw = {**TRUTH.customers[CUSTOMER], "subscriptions": listed}
    replies.by_path = {f"/v1/customers/{CUSTOMER}": [(200, raw)]}
    found = reader.customer_with_subscriptions(CUSTOMER)
    assert found
    assert found[1] is None


def test_a_list_comes_with_the_customer_of_its_objects(
    reader: StripeReader, replies: Replies
) -> None:
    customer = TRUTH.customers[CUSTOMER]
    whole = {**TRUTH.subscriptions[SUBSCRIPTION], "customer": customer}
    billed = next(iter(TRUTH.invoices.values()))
    replies.by_path = {
        "/v1/subscriptions": [(200, {"data": [whole], "has_more": False})],
        "/v1/invoices": [
            (200, {"data": [{**billed, "customer": customer}], "has_more": False}),
            (200, {"data": [billed], "has_more": False}),
            (200, {"data": [], "has_more": False}),
        ],
    }
    told = answers.customer(customer)
    assert reader.subscriptions_with_customer(CUSTOMER) == (
        [answers.subscription(TRUTH.subscriptions[SUBSCRIPTION])],
        told,
    )
    invoice = [answers.invoice(billed)]
    assert reader.invoices_with_customer(CUSTOMER) == (invoice, told)
    assert reader.invoices_with_customer(CUSTOMER) == (invoice, None)
    assert reader.invoices_with_customer(CUSTOMER) == ([], None)


def test_a_deleted_customer_is_told_as_such(reader: StripeReader, replies: Replies) -> None:
    replies.by_path = {
        f"/v1/customers/{CUSTOMER}": [
            (200, {"id": CUSTOMER, "object": "customer", "deleted": True})
        ]
    }
    told, _ = fetch(reader, FetchRequest("customer", CUSTOMER), Account("acc_1"), at(1000))
    assert [fact.customer.deleted for fact in told.facts if isinstance(fact, CustomerSnapshot)] == [
        True
    ]


def test_the_discount_of_a_customer_comes_with_what_its_coupon_gives(
    reader: StripeReader, replies: Replies
) -> None:
    coupon = {"id": "OFF", "percent_off": 12.5, "duration": "forever"}
    held = {"id": "di_1", "customer": "cus_1", "start": 1772442000, "end": None}
    expected = {
        "di_1": DiscountTerms(
            at(1772442000), at(1772442000), "forever", percent_off="12.5", customer="cus_1"
        )
    }
    replies.by_path["/v1/coupons/OFF"] = [(200, coupon)]
    for told in ({"coupon": coupon}, {"source": {"type": "coupon", "coupon": "OFF"}}):
        replies.by_path["/v1/customers/cus_1"] = [(200, {"id": "cus_1", "discount": held | told})]
        assert reader.customer_discount("cus_1") == expected
    assert not any(query for path, query, _ in replies.requests if "customers" in path)
    replies.by_path["/v1/customers/cus_1"] = [(200, {"id": "cus_1", "discount": None})]
    assert reader.customer_discount("cus_1") == {}
    assert reader.customer_discount("cus_unknown") == {}


def test_the_discounts_of_items_come_within_the_depth_that_stripe_expands(
    reader: StripeReader, replies: Replies
) -> None:
    start, coupon = 1772442000, {"id": "OFF", "percent_off": 20, "duration": "forever"}
    whole = {"id": "di_1", "start": start, "source": {"coupon": coupon}}
    named = {"id": "di_2", "start": start, "source": {"coupon": "FIVE"}}
    gone = {"id": "di_3", "start": start, "source": {"coupon": "GONE"}}
    items = {"data": [{"discounts": [named, gone]}]}
    replies.by_path["/v1/subscriptions/sub_1"] = [(200, {"discounts": [whole], "items": items})]
    five = {"id": "FIVE", "amount_off": 500, "currency": "usd", "duration": "forever"}
    replies.by_path["/v1/coupons/FIVE"] = [(200, five)]
    assert reader.discount_terms("sub_1") == {
        "di_1": DiscountTerms(at(start), at(start), "forever", percent_off="20"),
        "di_2": DiscountTerms(at(start), at(start), "forever", amount_off=500, currency="usd"),
    }
    _, query, _ = replies.requests[0]
    expanded = [path for values in query.values() for path in values]
    assert expanded
    assert all(len(path.split(".")) <= 4 for path in expanded)


def test_all_pages_of_subscriptions_are_read(reader: StripeReader, replies: Replies) -> None:
    pages = [
        {
            "object": "list",
            "data": [{"id": f"sub_{n}"}],
            "has_more": n < 3,
            "url": "/v1/subscriptions",
        }
        for n in (1, 2, 3)
    ]
    replies.by_path = {"/v1/subscriptions": [(200, page) for page in pages]}
    assert [one.id for one in reader.subscriptions_of("cus_1")] == ["sub_1", "sub_2", "sub_3"]
    assert [request[1].get("starting_after") for request in replies.requests] == [
        None,
        ["sub_1"],
        ["sub_2"],
    ]
    assert replies.requests[0][1]["status"] == ["all"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (409, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_is_told_from_no_answer_and_neither_says_anything_of_the_key(
    reader: StripeReader, replies: Replies, status: int, error: type[Exception]
) -> None:
    replies.by_path = {
        f"/v1/subscriptions/{SUBSCRIPTION}": [
            (status, {"error": {"message": "Invalid sk_test_1", "type": "api_error"}})
        ]
    }
    with pytest.raises(error) as caught:
        reader.subscription(SUBSCRIPTION)
    assert "sk_test" not in str(caught.value)


def test_a_stripe_that_cannot_be_reached_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        StripeReader(StripeTransport(lambda: "sk_test_1", "http://127.0.0.1:9")).customer("cus_1")


def test_a_passing_failure_is_tried_once_more(reader: StripeReader, replies: Replies) -> None:
    replies.by_path = {
        f"/v1/customers/{CUSTOMER}": [
            (500, {"error": {"message": "oops"}}),
            (200, TRUTH.customers[CUSTOMER]),
        ]
    }
    assert reader.customer(CUSTOMER)


def test_an_answer_is_fenced_by_what_was_known_when_it_was_asked_for() -> None:
    account = Account("acc_1")
    asked, unreadable = fetch(
        FakeReader(TRUTH),
        FetchRequest("subscriptions", CUSTOMER),
        account,
        at(1000).replace(microsecond=999),
    )
    (subscription,) = [fact for fact in asked.facts if isinstance(fact, SubscriptionSnapshot)]
    assert subscription.source == FromFetch(at(1000), account.mark(SUBSCRIPTION))
    assert unreadable == 0
    invoices, _ = fetch(FakeReader(TRUTH), FetchRequest("invoices", CUSTOMER), account, at(1000))
    assert {type(fact) for fact in invoices.facts} == {InvoiceSnapshot}


def test_an_object_that_cannot_be_read_does_not_keep_the_others_from_being_learnt() -> None:
    odd = {**TRUTH.subscriptions[SUBSCRIPTION], "id": "sub_odd", "status": "dormant"}
    truth = Truth(
        TRUTH.customers,
        {
            **TRUTH.subscriptions,
            "sub_odd": odd,
            "sub_worse": {"id": [], "customer": CUSTOMER, "created": 0},
        },
        {},
    )
    asked, unreadable = fetch(
        FakeReader(truth), FetchRequest("subscriptions", CUSTOMER), Account("acc_1"), at(1000)
    )
    assert [
        fact.subscription.id for fact in asked.facts if isinstance(fact, SubscriptionSnapshot)
    ] == [SUBSCRIPTION]
    assert unreadable == 2


def test_a_rotated_key_is_used_without_a_new_process(replies: Replies) -> None:
    keys = ["sk_test_old"]
    reader = StripeReader(StripeTransport(lambda: keys[-1], replies.base))
    reader.customer(CUSTOMER)
    keys.append("sk_test_new")
    reader.customer(CUSTOMER)
    assert [request[2] for request in replies.requests] == [
        "Bearer sk_test_old",
        "Bearer sk_test_new",
    ]


def test_a_customer_is_deleted_and_again_without_harm(replies: Replies) -> None:
    customers = StripeCustomers(StripeTransport(lambda: "sk_test_1", replies.base))
    replies.by_path["/v1/customers/cus_1"] = [
        (200, {"id": "cus_1", "object": "customer", "deleted": True})
    ]
    customers.delete("cus_1")
    customers.delete("cus_none")
    assert replies.deleted == ["/v1/customers/cus_1", "/v1/customers/cus_none"]
    replies.by_path["/v1/customers/cus_1"] = [
        (500, {"error": {"type": "api_error", "message": "down"}})
    ]
    with pytest.raises(Unavailable):
        customers.delete("cus_1")
    replies.by_path["/v1/customers/cus_1"] = [
        (403, {"error": {"type": "invalid_request_error", "message": "not permitted"}})
    ]
    with pytest.raises(Refused):
        customers.delete("cus_1")


def with_items(names: list[str], has_more: bool) -> dict[str, Any]:
    """The subscription with a copy of its item for each name."""
    held = json.loads(json.dumps(TRUTH.subscriptions[SUBSCRIPTION]))
    (line,) = held["items"]["data"]
    lines = [{**line, "id": name} for name in names]
    return {**held, "items": {**held["items"], "data": lines, "has_more": has_more}}


def test_items_that_are_cut_off_are_read_wherever_a_subscription_is_told(
    replies: Replies, reader: StripeReader
) -> None:
    cut = with_items(["si_1", "si_2"], has_more=True)
    rest = with_items(["si_3"], has_more=False)["items"]
    listed = {"object": "list", "data": [cut], "has_more": False}
    customer = {**TRUTH.customers[CUSTOMER], "subscriptions": listed}
    replies.by_path = {
        f"/v1/subscriptions/{SUBSCRIPTION}": [(200, cut)],
        "/v1/subscriptions": [(200, listed)],
        f"/v1/customers/{CUSTOMER}": [(200, customer)],
        "/v1/subscription_items": [(200, rest)],
    }
    alone = reader.subscription(SUBSCRIPTION)
    (of_customer,) = reader.subscriptions_of(CUSTOMER)
    found = reader.customer_with_subscriptions(CUSTOMER)
    assert alone
    assert found
    assert found[1]
    for answer in (alone, of_customer, found[1][0]):
        assert answer.line_ids == ("si_1", "si_2", "si_3")
    asked = [query for path, query, _ in replies.requests if path == "/v1/subscription_items"]
    assert len(asked) == 3
    assert asked[0]["starting_after"] == ["si_2"]
    assert asked[0]["subscription"] == [SUBSCRIPTION]
