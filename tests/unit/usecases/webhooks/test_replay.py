"""Events of the past are delivered again, with their ids and bodies."""

from datetime import timedelta

import pytest

from chalicelib.domain.errors import InvalidInput, TooMany
from chalicelib.usecases.webhooks import replay as module
from chalicelib.usecases.webhooks.replay import Span, replay
from tests.unit.usecases.webhooks.owner import Owner

URL = "https://one.example/"


@pytest.fixture
def owner() -> Owner:
    """An owner with an event each day of a month, and an endpoint made after that."""
    owner = Owner()
    for day in range(30):
        type = "trial.started" if day % 2 == 0 else "trial.expired"
        owner.publish(owner.happens(type, f"acc_{day}"))
        owner.place.now.at += timedelta(days=1)
    return owner


def test_events_of_before_the_endpoint_are_delivered_by_their_timestamps(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(URL)
    start = owner.place.now.at - timedelta(days=30)
    span = Span(start + timedelta(days=10), start + timedelta(days=12))
    assert replay(endpoint, span, owner.place.services) == 3
    owner.settle()
    assert sorted(owner.got(URL)) == [
        "acc_10.0.1.trial.started",
        "acc_11.0.1.trial.expired",
        "acc_12.0.1.trial.started",
    ]


def test_both_ends_of_the_span_are_included(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(URL)
    at = owner.place.now.at - timedelta(days=20)
    assert replay(endpoint, Span(at, at), owner.place.services) == 1
    almost = timedelta(microseconds=1)
    assert replay(endpoint, Span(at + almost, at + almost), owner.place.services) == 0


def test_only_types_of_the_endpoint_and_of_the_call_are_replayed(owner: Owner) -> None:
    expired, _ = owner.endpoint(URL, "trial.expired")
    everything = Span(owner.place.now.at - timedelta(days=40), owner.place.now.at)
    assert replay(expired, everything, owner.place.services) == 15
    all, _ = owner.endpoint("https://two.example/")
    chosen = Span(everything.since, everything.until, ("trial.started",))
    assert replay(all, chosen, owner.place.services) == 15
    assert replay(expired, chosen, owner.place.services) == 0


def test_what_the_endpoint_had_comes_again_with_the_same_id_and_body(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(URL)
    owner.publish(owner.happens(account="acc_new"))
    owner.settle()
    now = owner.place.now.at
    for _ in range(2):
        owner.place.now.at += timedelta(seconds=1)
        assert replay(endpoint, Span(now, now), owner.place.services) == 1
        owner.settle()
    assert owner.got(URL) == ["acc_new.0.1.trial.started"] * 3
    assert len({got.body for got in owner.receivers.got}) == 1
    assert [row.status for row in owner.log(endpoint)] == ["succeeded"] * 3
    assert len({row.id for row in owner.log(endpoint)}) == 3


def test_the_feed_is_entered_near_the_beginning_of_the_span() -> None:
    """A replay of an hour does not read the whole week before it."""
    owner = Owner()
    for number in range(200):
        owner.publish(owner.happens(account=f"acc_{number}"))
        owner.place.now.at += timedelta(minutes=10)
    endpoint, _ = owner.endpoint(URL)
    reads = list[int]()
    feed, rows = owner.place.feed, owner.place.feed.rows

    def counted(segment: str, first: int) -> object:
        reads.append(first)
        return rows(segment, first)

    feed.rows = counted
    hour = Span(owner.place.now.at - timedelta(hours=1), owner.place.now.at)
    assert replay(endpoint, hour, owner.place.services) == 6
    assert len(reads) < 20


def test_a_span_that_ends_before_it_begins_is_refused(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(URL)
    now = owner.place.now.at
    with pytest.raises(InvalidInput) as refused:
        replay(endpoint, Span(now, now - timedelta(seconds=1)), owner.place.services)
    assert refused.value.field == "until"


def test_a_span_with_too_many_events_is_refused_before_anything_is_put(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    endpoint, _ = owner.endpoint(URL)
    everything = Span(owner.place.now.at - timedelta(days=40), owner.place.now.at)
    with pytest.raises(TooMany):
        replay(endpoint, everything, owner.place.services)
    assert owner.place.deliveries.kept == {}


def test_events_older_than_thirty_days_are_not_kept(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(URL)
    owner.place.now.at += timedelta(days=15)
    everything = Span(owner.place.now.at - timedelta(days=90), owner.place.now.at)
    assert replay(endpoint, everything, owner.place.services) == 15
