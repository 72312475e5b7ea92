"""Webhooks of the simulated Stripe: signed, in order, and again until they are taken."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.stripe_api.signature import check_signature
from local.client import Client
from local.http_server import Answer, Request, Server
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.webhooks.delivery import RETRY_AFTER
from local.stripe_sim.webhooks.delivery_faults import DeliveryFaults, Shares

SECRET = "whsec_local"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Endpoint:
    """Takes webhooks, or answers with what is left in `refusals`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refusals: list[int] = []
        self._now, self._lock = now, threading.Lock()
        self.server = Server(0, self._handle)

    def _handle(self, request: Request) -> Answer:
        check_signature(request.body, request.headers["Stripe-Signature"], [SECRET], self._now())
        with self._lock:
            if self.refusals:
                return Answer(self.refusals.pop(0))
            self.heard.append(json.loads(request.body))
        return Answer(200)


class Receiver:
    """A simulated Stripe with an endpoint, and the clock that both go by."""

    def __init__(self) -> None:
        self.at = START
        self.endpoint = Endpoint(lambda: self.at)
        self.endpoint.server.start()
        self.stripe = StripeSimulator(lambda: self.at)
        self.stripe.listen(f"{self.endpoint.server.base}/webhooks/stripe", SECRET)
        self.stripe.start()
        self.api = Client(self.stripe.base, "sk_test_1")

    def customers(self, number: int) -> None:
        for _ in range(number):
            status, _ = self.api.call(
                "POST",
                "/v1/customers",
                b"email=ada%40example.com",
                {"Content-Type": "application/x-www-form-urlencoded"},
            )
            assert status == 200

    def rests(self) -> None:
        self.stripe.catch_up()
        assert self.stripe.await_rest(20), "the webhooks do not come to rest"

    def pending(self) -> list[int]:
        return [event["pending_webhooks"] for event in self.stripe.engine.store.events]


@pytest.fixture
def place() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stripe.close()
    made.endpoint.server.close()


def test_events_are_delivered_signed_in_the_order_in_which_they_were_made(place: Receiver) -> None:
    place.customers(5)
    place.rests()
    assert [event["id"] for event in place.endpoint.heard] == [
        event["id"] for event in place.stripe.engine.store.events
    ]
    assert place.pending() == [0] * 5


def test_what_is_refused_comes_again_and_delays_nothing_else(place: Receiver) -> None:
    place.endpoint.refusals = [500]
    place.customers(2)
    place.rests()
    first, second = place.stripe.engine.store.events
    assert [event["id"] for event in place.endpoint.heard] == [second["id"]]
    assert place.stripe.next_due() == START + timedelta(seconds=RETRY_AFTER[0])
    place.at = START + timedelta(seconds=RETRY_AFTER[0])
    place.rests()
    assert [event["id"] for event in place.endpoint.heard] == [second["id"], first["id"]]
    assert place.pending() == [0, 0]


def test_a_redirect_is_a_failure_and_after_three_days_it_is_given_up(place: Receiver) -> None:
    place.endpoint.refusals = [307] * (len(RETRY_AFTER) + 1)
    place.customers(1)
    place.rests()
    while due := place.stripe.next_due():
        place.at = due
        place.rests()
    assert place.endpoint.refusals == []
    assert place.endpoint.heard == []
    assert place.pending() == [1]
    assert timedelta(days=2.5) < place.at - START < timedelta(days=3.5)


def test_what_is_late_comes_after_younger_ones_and_stripe_believes_it_delivered(
    place: Receiver,
) -> None:
    assert place.api.post("/_test/webhooks", {"late": 1.0, "seed": 1})[0] == 200
    place.customers(1)
    assert place.api.post("/_test/webhooks", {})[0] == 200
    place.customers(1)
    place.rests()
    late, young = place.stripe.engine.store.events
    assert [event["id"] for event in place.endpoint.heard] == [young["id"]]
    assert place.pending() == [0, 0]
    due = place.stripe.next_due()
    assert due
    assert timedelta(minutes=1) <= due - START <= timedelta(days=2)
    place.at = due
    place.rests()
    assert [event["id"] for event in place.endpoint.heard] == [young["id"], late["id"]]
    assert place.pending() == [0, 0]


def test_what_is_doubled_arrives_at_once_and_once_more_later(place: Receiver) -> None:
    assert place.api.post("/_test/webhooks", {"doubled": 1.0, "seed": 1})[0] == 200
    place.customers(1)
    place.rests()
    assert len(place.endpoint.heard) == 1
    assert place.pending() == [0]
    while due := place.stripe.next_due():
        place.at = due
        place.rests()
    assert len({event["id"] for event in place.endpoint.heard}) == 1
    assert len(place.endpoint.heard) == 2
    assert place.pending() == [0]


def test_events_are_spoilt_by_their_shares_and_by_the_seed_alone() -> None:
    shares = Shares(lost=0.05, doubled=0.1, late=0.2)
    first, second = DeliveryFaults(shares, 7), DeliveryFaults(shares, 7)
    drawn = [first.draw() for _ in range(4000)]
    assert drawn == [second.draw() for _ in range(4000)]
    told = {name: first.drawn[name] / 4000 for name in ("lost", "doubled", "late", "undelivered")}
    assert told == pytest.approx(
        {"lost": 0.05, "doubled": 0.095, "late": 0.19, "undelivered": 0}, abs=0.02
    )


def test_it_counts_what_changes_it_and_what_it_fails_to_answer_and_no_reads(
    place: Receiver,
) -> None:
    counted = [place.stripe.changes()]

    def count() -> None:
        counted.append(place.stripe.changes())

    place.customers(1)
    count()
    assert place.api.call("GET", "/v1/customers")[0] == 200
    assert place.api.call("GET", "/v1/customers/cus_nobody")[0] == 404
    count()
    place.api.post("/_test/faults", {"how": "503"})
    count()
    assert place.api.call("GET", "/v1/customers")[0] == 503
    count()
    start, made, read, spoilt, failed = counted
    assert made == read
    assert len({start, made, spoilt, failed}) == 4
