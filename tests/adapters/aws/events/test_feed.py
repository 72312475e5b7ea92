"""Rows of the feed in DynamoDB, and the domain events that they lead to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.events.feed import PAGE, EventFeed
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.partition import Partition
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.errors import ConcurrentUpdate
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEGMENT = "2026-03-02"


def row(number: int, *pointers: EventPointer) -> FeedRow:
    return FeedRow(FeedPlace(SEGMENT, number), T, pointers)


def event(account: str = "acc_1", number: int = 1) -> EventEntry:
    id = f"{account}.0.{number}.trial.started"
    entry = Entry(account, T, "happening", id, "trial.started", {"trial_end": "then"})
    return EventEntry(entry, f'{{"id":"{id}","note":"ü"}}')


def pointer(one: EventEntry) -> EventPointer:
    return EventPointer(one.entry.account_id, one.entry.at, one.entry.id)


def test_rows_are_read_in_their_order_page_by_page(dynamodb: Any) -> None:
    feed = EventFeed(TABLE, dynamodb)
    assert (feed.last(SEGMENT), feed.rows(SEGMENT, 1)) == (None, [])
    rows = [row(n, pointer(event(number=n))) for n in range(1, PAGE + 3)]
    for one in rows:
        feed.append(one)
    assert feed.rows(SEGMENT, 1) == rows[:PAGE]
    assert feed.rows(SEGMENT, PAGE + 1) == rows[PAGE:]
    assert feed.last(SEGMENT) == rows[-1]
    assert feed.last("2026-03-09") is None


def test_a_place_is_taken_once(dynamodb: Any) -> None:
    feed = EventFeed(TABLE, dynamodb)
    feed.append(row(1))
    with pytest.raises(ConcurrentUpdate):
        feed.append(row(1, pointer(event())))
    assert feed.rows(SEGMENT, 1) == [row(1)]


def test_a_row_is_stored_for_forty_days(dynamodb: Any) -> None:
    EventFeed(TABLE, dynamodb).append(row(1))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["ttl"]["N"] == str(int((T + timedelta(days=40)).timestamp()))


def test_an_event_keeps_its_first_place_and_its_bytes(dynamodb: Any) -> None:
    timelines = Timelines(TABLE, dynamodb)
    timelines.put_event(event(), FeedPlace(SEGMENT, 7))
    Timelines(TABLE, dynamodb).put_event(replace(event(), document="{}"), FeedPlace(SEGMENT, 8))
    there, missing = pointer(event()), pointer(event(number=2))
    assert timelines.events([there, missing]) == {
        there: KeptEvent(FeedPlace(SEGMENT, 7), "trial.started", event().document)
    }
    entries, _ = timelines.page("acc_1", None, T)
    assert entries == [event().entry]
    assert timelines.missing([event().entry]) == []


def test_an_event_takes_one_write_unit(dynamodb: Any) -> None:
    timelines = Timelines(TABLE, dynamodb)
    text = (
        '{"id":"acc_pD8qgFvMo9L4NnfiP77grajN.0.21.payment.succeeded.in_1PmXTzJvEtkwdCNYmS0q9hZD",'
        '"type":"payment.succeeded","timestamp":"2026-11-27T14:52:03.123456Z","sequence":124,'
        '"data":{"account_id":"acc_pD8qgFvMo9L4NnfiP77grajN","external_id":"user-8271",'
        '"livemode":true,"access":{"access":"full","reason":"active","plan":"business",'
        '"features":["projects","reports","priority-support"],"quantity":12,'
        '"until":"2026-12-30T14:52:03Z"},"invoice":"in_1PmXTzJvEtkwdCNYmS0q9hZD",'
        '"subscription":"sub_1PmXTzJvEtkwdCNYmS0q9hZD","amount_due":118800,'
        '"amount_paid":118800,"currency":"usd","attempt_count":1}}'
    )
    id = "acc_pD8qgFvMo9L4NnfiP77grajN.0.21.payment.succeeded.in_1PmXTzJvEtkwdCNYmS0q9hZD"
    data = {
        "invoice": "in_1PmXTzJvEtkwdCNYmS0q9hZD",
        "subscription": "sub_1PmXTzJvEtkwdCNYmS0q9hZD",
        "amount_due": 118800,
        "amount_paid": 118800,
        "currency": "usd",
        "attempt_count": 1,
    }
    entry = Entry("acc_pD8qgFvMo9L4NnfiP77grajN", T, "happening", id, "payment.succeeded", data)
    timelines.put_event(EventEntry(entry, text), FeedPlace(SEGMENT, 123456))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    size = sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
    assert size < 1024


def test_the_events_of_an_account_that_another_one_took_in_are_found(dynamodb: Any) -> None:
    timelines, partition = Timelines(TABLE, dynamodb), Partition(TABLE, dynamodb)
    timelines.put_event(event("acc_b"), FeedPlace(SEGMENT, 1))
    of_b = pointer(event("acc_b"))
    partition.move_timeline("acc_b", "acc_a")
    assert timelines.events([of_b]).keys() == {of_b}
    partition.move_timeline("acc_b", "acc_a")
    partition.move_timeline("acc_a", "acc_c")
    assert timelines.events([of_b]).keys() == {of_b}, "also if that one was taken in"
    assert [one.id for one in timelines.page("acc_c", None, T)[0]] == [of_b.id]


def test_an_event_that_two_rows_lead_to_by_different_accounts_is_found_by_both(
    dynamodb: Any,
) -> None:
    timelines, partition = Timelines(TABLE, dynamodb), Partition(TABLE, dynamodb)
    timelines.put_event(event("acc_b"), FeedPlace(SEGMENT, 1))
    of_b = pointer(event("acc_b"))
    partition.move_timeline("acc_b", "acc_a")
    partition.move_timeline("acc_a", "acc_c")
    of_a = replace(of_b, account_id="acc_a")
    assert timelines.events([of_a, of_b, of_b]).keys() == {of_a, of_b}


def test_erasing_leaves_nothing_of_accounts_that_were_taken_in(dynamodb: Any) -> None:
    timelines, partition = Timelines(TABLE, dynamodb), Partition(TABLE, dynamodb)
    timelines.put_event(event("acc_b"), FeedPlace(SEGMENT, 1))
    partition.move_timeline("acc_b", "acc_a")
    partition.clear("acc_a")
    assert timelines.events([pointer(event("acc_b"))]) == {}
    assert dynamodb.scan(TableName=TABLE)["Items"] == []
