"""Endpoints in one item, deliveries in one each: conditional, in their own shards, with pages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.events.webhooks import REMEMBERED_SECONDS, Deliveries, EndpointList
from chalicelib.domain.errors import ConcurrentUpdate, InvalidInput
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.delivery import KEPT, Delivery, DeliveryKey, after_attempt
from chalicelib.domain.webhooks.endpoint import MOST, Endpoint, Endpoints, Secret, rotated
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENDPOINT = Endpoint("we_1", "https://one.example/", T, (Secret("a"),))


def delivery(number: int = 1, endpoint: str = "we_1", **fields: Any) -> Delivery:
    at = T + number * MINUTE
    key = DeliveryKey(endpoint, at, f"acc_1.0.{number}.trial.started.sub_1")
    return replace(Delivery(key, "trial.started", "acc_1", at, T, T, version=1), **fields)


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def deliveries(dynamodb: Any) -> Deliveries:
    return Deliveries(TABLE, dynamodb)


def test_endpoints_are_stored_as_they_are(dynamodb: Any) -> None:
    store, empty = EndpointList(TABLE, dynamodb), Endpoints()
    assert store.load() == empty
    whole = replace(
        rotated(ENDPOINT, "b", T),
        events=("trial.started",),
        description="the product",
        disabled_reason="gone",
        disabled_at=T,
        failing_since=T,
        failing_events=("e1", "e2"),
        hears_from=T,
        resumed_at=T,
        notice_due=True,
    )
    both = Endpoints((ENDPOINT, whole), 1)
    store.save(empty, both)
    assert EndpointList(TABLE, dynamodb).load() == both


def test_of_two_writers_of_the_endpoints_one_wins(dynamodb: Any) -> None:
    store, empty = EndpointList(TABLE, dynamodb), Endpoints()
    store.save(empty, empty.with_new(ENDPOINT))
    with pytest.raises(ConcurrentUpdate):
        store.save(empty, empty.with_new(ENDPOINT))


def test_twenty_whole_endpoints_fit_into_the_item(dynamodb: Any) -> None:
    store, all = EndpointList(TABLE, dynamodb), Endpoints()
    for number in range(MOST):
        large = replace(
            rotated(ENDPOINT, "b" * 64, T),
            id=f"we_{number:016}",
            url="https://one.example/" + "a" * 1980,
            events=tuple(f"a.type.of.events.{number}" for number in range(30)),
            description="d" * 200,
        )
        all = all.with_new(large)
        store.save(store.load(), replace(all, version=number + 1))
    assert len(store.load().all) == MOST


def test_publishers_remember_the_endpoints_for_some_seconds(dynamodb: Any) -> None:
    seconds = Seconds()
    store, other = EndpointList(TABLE, dynamodb, seconds), EndpointList(TABLE, dynamodb)
    assert store.remembered() == Endpoints()
    other.save(Endpoints(), Endpoints().with_new(ENDPOINT))
    seconds.now = REMEMBERED_SECONDS - 0.1
    assert store.remembered() == Endpoints()
    seconds.now = REMEMBERED_SECONDS
    assert store.remembered() == other.load()


def test_who_changes_the_endpoints_knows_them_at_once(dynamodb: Any) -> None:
    store = EndpointList(TABLE, dynamodb)
    store.remembered()
    store.save(Endpoints(), Endpoints().with_new(ENDPOINT))
    assert store.remembered().all == (ENDPOINT,)


def test_a_delivery_is_added_once(deliveries: Deliveries) -> None:
    first = delivery()
    assert deliveries.add(first)
    done = after_attempt(first, CallAnswer(200), T)
    deliveries.save(first, done)
    assert not deliveries.add(first)
    assert deliveries.load([first.key]) == [done]


def test_of_two_runs_one_writes_an_attempt_down(deliveries: Deliveries) -> None:
    first = delivery()
    deliveries.add(first)
    deliveries.save(first, after_attempt(first, CallAnswer(500), T))
    with pytest.raises(ConcurrentUpdate):
        deliveries.save(first, after_attempt(first, CallAnswer(200), T))


def test_what_is_due_is_found_by_endpoint_and_not_among_accounts(
    deliveries: Deliveries, dynamodb: Any
) -> None:
    deliveries.add(delivery(1))
    deliveries.add(delivery(2, next_at=T - MINUTE))
    deliveries.add(delivery(3, next_at=T + MINUTE))
    deliveries.add(delivery(4, next_at=None))
    deliveries.add(delivery(5, "we_2"))
    assert deliveries.due("we_1", T, 10) == [delivery(2).key, delivery(1).key]
    assert deliveries.due("we_1", T, 1) == [delivery(2).key]
    assert DueIndex(TABLE, dynamodb).due(T + MINUTE, 10) == []


def test_what_is_due_later_is_found_with_its_time(deliveries: Deliveries) -> None:
    for number, minutes in enumerate((0, 1, 2, 3)):
        deliveries.add(delivery(number, next_at=T + minutes * MINUTE))
    deliveries.add(delivery(4, "we_2", next_at=T + MINUTE))
    later = [(T + minutes * MINUTE, delivery(minutes).key) for minutes in (1, 2, 3)]
    assert deliveries.later("we_1", T, 10) == later
    assert deliveries.later("we_1", T, 1) == later[:1]
    assert deliveries.later("we_1", T + 3 * MINUTE, 10) == []


def test_deliveries_are_read_in_the_order_that_is_asked(deliveries: Deliveries) -> None:
    deliveries.add_many(delivery(number) for number in range(120))
    keys = [delivery(number).key for number in (7, 119, 3, 500)]
    assert [one.key for one in deliveries.load(keys)] == keys[:3]


def test_the_log_has_pages_with_the_newest_events_first(deliveries: Deliveries) -> None:
    deliveries.add_many(delivery(number) for number in range(120))
    deliveries.add(delivery(1, "we_2"))
    found, cursor = deliveries.page("we_1", None, T)
    while cursor:
        more, cursor = deliveries.page("we_1", cursor, T)
        assert len(more) <= 50
        found += more
    assert [one.key for one in found] == [delivery(number).key for number in range(119, -1, -1)]


def test_the_log_forgets_after_thirty_days(deliveries: Deliveries) -> None:
    deliveries.add_many(delivery(number) for number in range(60))
    deliveries.add(delivery(60, created_at=T + timedelta(days=1)))
    found, cursor = deliveries.page("we_1", None, T + KEPT)
    assert ([one.key for one in found], cursor) == ([delivery(60).key], None)


@pytest.mark.parametrize("cursor", ["nonsense", "QUNDT1VOVCM", "=", "ä"])
def test_a_cursor_of_somebody_else_is_refused(deliveries: Deliveries, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        deliveries.page("we_1", cursor, T)
    assert refused.value.field == "cursor"


def test_a_delivery_with_all_attempts_takes_few_write_units(
    deliveries: Deliveries, dynamodb: Any
) -> None:
    """1 KB is a unit: one that succeeds at once takes one, and ten failures three at most."""
    one = delivery()
    sizes = []
    for _ in range(10):
        deliveries.add_many([one])
        (item,) = dynamodb.scan(TableName=TABLE)["Items"]
        sizes.append(sum(len(name) + len(next(iter(v.values()))) for name, v in item.items()))
        one = after_attempt(one, CallAnswer(500, head="Internal Server Error"), T)
    assert sizes[0] < 1024
    assert sizes[-1] < 3 * 1024
