"""Killed at any call between an event and its deliveries: each endpoint gets it, with one id."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.endpoint import Endpoints
from chalicelib.usecases.webhooks.sweep import LISTS_ARE_OLD
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.unit.usecases.test_publishing import learns
from tests.unit.usecases.webhooks.owner import OK, Owner

URLS = [f"https://r{number}.example/" for number in range(3)]
IDS = ["acc_1.0.1.trial.started", "acc_1.0.2.trial.expired"]


def with_endpoints() -> Owner:
    owner = Owner()
    for url in URLS:
        owner.endpoint(url)
    owner.place.now.at += LISTS_ARE_OLD
    owner.sweep()
    return owner


def publishing(owner: Owner, calls: OutsideCalls) -> None:
    events = (owner.happens("trial.started"), owner.happens("trial.expired"))
    try:
        owner.publish(*events, services=calls.watch(owner.place.services))
    except Crash:
        # What was not proved to be published is published again: `publishing` looks for the entry.
        missing = owner.place.timeline.missing([event.entry for event in events])
        owner.publish(*(event for event in events if event.entry in missing))


def calls_of_publishing() -> int:
    calls = OutsideCalls()
    publishing(with_endpoints(), calls)
    return len(calls.made)


@pytest.mark.parametrize("reply_lost", [False, True])
@pytest.mark.parametrize("number", range(1, calls_of_publishing() + 1))
def test_a_publisher_killed_after_any_call_still_delivers_everything(
    number: int, reply_lost: bool
) -> None:
    owner = with_endpoints()
    publishing(owner, crashing_after(number, reply_lost=reply_lost))
    owner.settle()
    owner.passes(minutes=1)
    for url in URLS:
        assert sorted(owner.got(url)) == IDS, "each exactly once: nothing failed but the publisher"


def delivering(calls: OutsideCalls) -> Owner:
    """A receiver that fails once; the run that makes the deliveries may be killed."""
    owner = with_endpoints()
    owner.publish(owner.happens("trial.started"), owner.happens("trial.expired"))
    failed = set[str]()

    def fails_once(id: str, at: object) -> CallAnswer:
        answer = OK if id in failed else CallAnswer(500)
        failed.add(id)
        return answer

    owner.answers(URLS[0], fails_once)
    services = calls.watch(owner.place.services)
    queue = owner.place.deliveries_queue
    while queue.waiting:
        try:
            owner.settle_one(services)
        except Crash:
            queue.waiting.pop(0)  # the worst case: the message does not come again either
    owner.passes(minutes=1)
    owner.passes(minutes=10)
    return owner


def calls_of_delivering() -> int:
    calls = OutsideCalls()
    delivering(calls)
    return len(calls.made)


@pytest.mark.parametrize("reply_lost", [False, True])
@pytest.mark.parametrize("number", range(1, calls_of_delivering() + 1))
def test_a_run_killed_after_any_call_still_delivers_everything(
    number: int, reply_lost: bool
) -> None:
    owner = delivering(crashing_after(number, reply_lost=reply_lost))
    for url in URLS:
        assert set(owner.got(url)) == set(IDS)
    for delivery in owner.place.deliveries.kept.values():
        assert delivery.next_at is None
        assert delivery.attempts[-1].succeeded
    assert all(endpoint.is_enabled for endpoint in owner.place.endpoints.load().all)


def test_a_repeat_of_a_publishing_makes_no_second_delivery() -> None:
    owner = with_endpoints()
    event = owner.happens()
    owner.publish(event)
    owner.settle()
    owner.publish(event)
    owner.settle()
    owner.passes(minutes=1)
    assert owner.got(URLS[0]) == [event.entry.id]


def test_a_new_endpoint_hears_all_events_since_it_was_made() -> None:
    """A publisher remembers the list of endpoints for some seconds: the sweep fills the gap."""
    owner = Owner()
    owner.place.endpoints.stale = Endpoints()
    owner.publish(before := owner.happens())
    owner.settle()
    owner.place.now.at += timedelta(seconds=1)
    endpoint, _ = owner.endpoint(URLS[0])
    owner.publish(owner.happens("trial.expired"))
    owner.settle()
    assert owner.got(URLS[0]) == [], "the publisher does not know it yet"
    owner.place.endpoints.stale = None
    owner.publish(owner.happens("access.revoked"))
    owner.passes(minutes=3)
    assert sorted(owner.got(URLS[0])) == ["acc_1.0.2.trial.expired", "acc_1.0.3.access.revoked"]
    assert before.entry.id not in owner.got(URLS[0]), "what was before is for a replay"
    assert owner.find(endpoint).hears_from is None
    owner.passes(days=1)
    assert len(owner.got(URLS[0])) == 2


def test_what_a_stale_list_brings_to_a_deleted_or_disabled_endpoint_is_not_sent() -> None:
    owner = with_endpoints()
    known = owner.place.endpoints.load()
    owner.place.endpoints.stale = known
    gone, disabled = known.all[0], replace(known.all[1], disabled_reason="gone")
    owner.place.endpoints.save(known, known.without(gone.id))
    owner.place.endpoints.save((now := owner.place.endpoints.load()), now.with_changed(disabled))
    owner.publish(owner.happens())
    owner.settle()
    owner.passes(hours=1)
    assert [len(owner.got(url)) for url in URLS] == [0, 0, 1]


def ingesting(calls: OutsideCalls) -> Owner:
    """A trial starts at Stripe; the worker may be killed, and its message comes again."""
    owner = with_endpoints()
    try:
        learns(owner.place, 0, 5, calls)
    except Crash:
        learns(owner.place, 0, 5)
    owner.settle()
    owner.passes(minutes=1)
    return owner


def calls_of_ingesting() -> int:
    calls = OutsideCalls()
    ingesting(calls)
    return len(calls.made)


@pytest.mark.parametrize("reply_lost", [False, True])
@pytest.mark.parametrize("number", range(1, calls_of_ingesting() + 1))
def test_a_worker_killed_after_any_call_between_change_and_delivery_loses_nothing(
    number: int, reply_lost: bool
) -> None:
    owner = ingesting(crashing_after(number, reply_lost=reply_lost))
    published = [one.id for one in owner.place.timeline.entries.values() if one.kind == "happening"]
    assert len(published) == 3
    for url in URLS:
        assert sorted(owner.got(url)) == sorted(published)
