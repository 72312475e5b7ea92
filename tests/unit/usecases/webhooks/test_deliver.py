"""Events reach the endpoints that want them, signed, whatever the receivers do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from standardwebhooks.webhooks import Webhook

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.endpoint import MOST, Endpoint
from chalicelib.usecases.webhooks.endpoints import (
    enable_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from chalicelib.usecases.webhooks.sweep import SweptDeliveries, sweep_deliveries
from tests.unit.usecases.webhooks.owner import HASH_KEY, OK, Got, Owner

ONE, TWO = "https://one.example/", "https://two.example/"
DOWN = CallAnswer(None, "No answer: Connection refused.")


@pytest.fixture
def owner() -> Owner:
    owner = Owner()
    # The receiver's library compares with the real clock.
    owner.place.now.at = datetime.now(UTC)
    return owner


def verify(got: Got, secret: str) -> object:
    return Webhook(secret).verify(got.body.decode(), dict(got.headers))


def test_an_event_is_delivered_at_once_and_a_receivers_library_accepts_it(owner: Owner) -> None:
    _, secret = owner.endpoint(ONE)
    event = owner.happens()
    owner.publish(event)
    owner.settle()
    (got,) = owner.receivers.got
    assert verify(got, secret) == json.loads(event.document)
    assert got.id == event.entry.id
    assert got.body.decode() == event.document, "the very document that the events API answers"


def test_an_endpoint_gets_the_types_that_it_chose(owner: Owner) -> None:
    owner.endpoint(ONE, "trial.started")
    owner.endpoint(TWO)
    owner.publish(owner.happens("trial.started"), owner.happens("trial.expired"))
    owner.settle()
    assert owner.got(ONE) == ["acc_1.0.1.trial.started"]
    assert sorted(owner.got(TWO)) == ["acc_1.0.1.trial.started", "acc_1.0.2.trial.expired"]


def test_without_endpoints_nothing_is_written_and_nothing_queued(owner: Owner) -> None:
    owner.publish(owner.happens())
    assert owner.place.deliveries.kept == {}
    assert owner.place.deliveries_queue.waiting == []


def test_a_receiver_that_is_down_for_three_days_loses_nothing(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    up = owner.place.now.at + timedelta(days=3)
    owner.answers(ONE, lambda id, at: OK if at >= up else DOWN)
    events = []
    for hour in range(72):
        events.append(owner.happens(account=f"acc_{hour}"))
        owner.publish(events[-1])
        owner.settle()
        owner.passes(hours=1)
    owner.passes(days=2)
    taken = {got.id: got for got in owner.receivers.got if got.at >= up}
    assert taken.keys() == {event.entry.id for event in events}
    assert owner.find(endpoint).is_enabled
    assert {row.status for row in owner.log(endpoint)} == {"failed", "succeeded"}
    assert owner.place.metrics["DeliveriesGivenUp"] == 0


def test_ten_attempts_are_made_on_the_schedule_and_signed_anew(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, CallAnswer(500, head="oops"))
    owner.publish(owner.happens())
    owner.settle()
    owner.passes(days=4)
    times = [got.at for got in owner.receivers.got]
    assert len(times) == 10
    delays = [(b - a).total_seconds() for a, b in pairwise(times)]
    for delay, planned in zip(
        delays, [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], strict=True
    ):
        assert planned * 0.95 <= delay <= planned
    assert len({got.headers["webhook-timestamp"] for got in owner.receivers.got}) == 10
    assert len({got.id for got in owner.receivers.got}) == 1
    rows = owner.log(endpoint)
    assert [(row.attempt, row.status, row.code) for row in rows] == [
        (number, "failed", 500) for number in range(1, 11)
    ]
    assert owner.place.metrics["DeliveriesGivenUp"] == 1


@pytest.mark.parametrize("answer", [CallAnswer(302), CallAnswer(404), CallAnswer(500), DOWN])
def test_whatever_is_no_2xx_is_tried_again(owner: Owner, answer: CallAnswer) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, answer)
    owner.publish(owner.happens())
    owner.settle()
    owner.answers(ONE, OK)
    owner.passes(seconds=5)
    assert [row.status for row in owner.log(endpoint)] == ["failed", "succeeded"]


def test_a_receiver_that_asks_for_time_gets_it(owner: Owner) -> None:
    owner.endpoint(ONE)
    owner.answers(ONE, CallAnswer(429, retry_after="120"))
    owner.publish(owner.happens())
    owner.settle()
    owner.passes(seconds=119)
    assert len(owner.receivers.got) == 1
    owner.passes(seconds=2)
    assert len(owner.receivers.got) == 2


def test_a_receiver_that_asks_for_a_year_without_end_stops_nobody(owner: Owner) -> None:
    endless = CallAnswer(503, retry_after="Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, endless)
    owner.publish(owner.happens())
    owner.settle()
    owner.answers(ONE, OK)
    owner.passes(seconds=5)
    assert [row.status for row in owner.log(endpoint)] == ["failed", "succeeded"]


def test_an_answer_of_410_disables_and_the_event_waits_until_enabled(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, CallAnswer(410))
    owner.publish(owner.happens())
    owner.settle()
    assert owner.find(endpoint).disabled_reason == "gone"
    owner.publish(owner.happens())
    owner.passes(days=1)
    assert len(owner.receivers.got) == 1, "nothing more is sent"
    assert [row.status for row in owner.log(endpoint)] == ["failed", "pending"]
    owner.answers(ONE, OK)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    assert [row.status for row in owner.log(endpoint)] == ["failed", "succeeded"]


def test_five_days_of_failures_disable_and_what_waits_stays(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, DOWN)
    for day in range(5):
        owner.publish(owner.happens(account=f"acc_{day}"))
        owner.settle()
        owner.passes(days=1)
        assert owner.find(endpoint).is_enabled
    owner.publish(owner.happens(account="acc_last"))
    owner.settle()
    stored = owner.find(endpoint)
    assert (stored.disabled_reason, stored.notice_due) == ("failing", False)
    waiting = [row for row in owner.log(endpoint) if row.status == "pending"]
    assert waiting
    assert {row.error for row in waiting} == {"It waits: the endpoint is disabled."}
    calls = len(owner.receivers.got)
    owner.passes(days=1)
    assert len(owner.receivers.got) == calls
    owner.answers(ONE, OK)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    assert not [row for row in owner.log(endpoint) if row.status == "pending"]


def waiting_long(owner: Owner, number: int) -> Endpoint:
    """An endpoint that was disabled while so many events wait for their next attempt for hours."""
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, DOWN)
    owner.publish(*(owner.happens(account=f"acc_{n}") for n in range(number)))
    owner.settle()
    owner.passes(hours=3)
    owner.answers(ONE, CallAnswer(410))
    send_test(endpoint.id, owner.place.services)
    owner.settle()
    assert owner.find(endpoint).disabled_reason == "gone"
    owner.receivers.got.clear()
    return endpoint


def test_what_waits_for_hours_is_delivered_as_soon_as_the_endpoint_is_enabled(owner: Owner) -> None:
    endpoint = waiting_long(owner, 250)
    owner.answers(ONE, OK)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    assert len(owner.got(ONE)) == len(set(owner.got(ONE))) == 250
    assert owner.find(endpoint).resumed_at is None


def test_what_fails_again_after_the_endpoint_was_enabled_keeps_its_schedule(owner: Owner) -> None:
    endpoint = waiting_long(owner, 1)
    owner.answers(ONE, DOWN)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    owner.passes(minutes=30)
    assert len(owner.got(ONE)) == 1
    assert owner.find(endpoint).resumed_at is None


def test_if_the_message_of_enabling_is_lost_the_sweep_delivers_what_waits(owner: Owner) -> None:
    endpoint = waiting_long(owner, 3)
    owner.answers(ONE, OK)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.place.deliveries_queue.waiting.clear()
    owner.passes(minutes=1)
    assert len(owner.got(ONE)) == 3


def test_a_run_without_time_leaves_what_waits_to_the_next_one(owner: Owner) -> None:
    endpoint = waiting_long(owner, 3)
    owner.answers(ONE, OK)
    owner.has_time = lambda: False
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle_one()
    assert owner.find(endpoint).resumed_at
    owner.has_time = lambda: True
    owner.passes(minutes=1)
    assert len(owner.got(ONE)) == 3


def test_what_waited_for_more_than_a_week_is_left_to_a_replay(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, CallAnswer(410))
    owner.publish(owner.happens())
    owner.settle()
    owner.passes(days=8)
    owner.answers(ONE, OK)
    enable_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    assert len(owner.receivers.got) == 1
    assert owner.log(endpoint)[-1].error == "It waited for more than seven days. Replay it."


def test_a_hanging_receiver_has_ten_calls_under_way_at_most(owner: Owner) -> None:
    owner.endpoint(ONE)
    full = Barrier(10, timeout=10)

    def hangs(id: str, at: datetime) -> CallAnswer:
        full.wait()
        return DOWN

    owner.answers(ONE, hangs)
    owner.publish(*(owner.happens(account=f"acc_{number}") for number in range(40)))
    owner.settle()
    assert owner.receivers.most == 10
    assert len(owner.receivers.got) == 40


def test_each_endpoint_has_its_own_group_so_that_none_waits_for_another(owner: Owner) -> None:
    endpoints = [owner.endpoint(f"https://r{number}.example/")[0] for number in range(MOST)]
    owner.publish(owner.happens())
    groups = [group for group, _ in owner.place.deliveries_queue.waiting]
    assert groups == [endpoint.id for endpoint in endpoints]


def test_a_run_without_time_leaves_the_rest_to_another_one(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.publish(*(owner.happens(account=f"acc_{number}") for number in range(250)))
    left = iter([True] * 120)
    owner.has_time = lambda: next(left, False)
    queue = owner.place.deliveries_queue
    queue.waiting = queue.waiting[:1]
    owner.settle_one()
    assert 100 <= len(owner.receivers.got) < 250
    assert [group for group, _ in queue.waiting] == [endpoint.id]
    owner.has_time = lambda: True
    owner.settle()
    assert len(set(owner.got())) == len(owner.got()) == 250


def test_what_a_run_has_begun_with_and_no_time_for_is_not_left_to_the_sweep(owner: Owner) -> None:
    owner.endpoint(ONE)
    owner.publish(*(owner.happens(account=f"acc_{number}") for number in range(40)))
    left = iter([True] * 15)
    owner.has_time = lambda: next(left, False)
    owner.settle_one()
    assert 0 < len(owner.receivers.got) < 40
    owner.has_time = lambda: True
    owner.settle()
    assert len(set(owner.got())) == len(owner.got()) == 40


def test_a_retry_after_five_seconds_does_not_wait_for_the_sweep(owner: Owner) -> None:
    owner.endpoint(ONE)
    answers = iter([DOWN, OK])
    owner.answers(ONE, lambda id, at: next(answers))

    def pause(seconds: float) -> None:
        owner.place.now.at += timedelta(seconds=seconds)

    services = owner.place.services
    services = replace(services, clock=replace(services.clock, pause=pause))
    owner.publish(owner.happens())
    owner.settle(services)
    first, second = (got.at for got in owner.receivers.got)
    assert timedelta(seconds=4) < second - first <= timedelta(seconds=5)


def test_both_secrets_sign_for_a_day_after_a_rotation(owner: Owner) -> None:
    endpoint, old = owner.endpoint(ONE)
    new = rotate_secret(endpoint.id, HASH_KEY, owner.place.services)
    owner.publish(owner.happens())
    owner.settle()
    (got,) = owner.receivers.got
    assert verify(got, old) == verify(got, new)
    owner.place.now.at += timedelta(hours=24)
    owner.publish(owner.happens())
    owner.settle()
    assert len(owner.receivers.got[-1].headers["webhook-signature"].split()) == 1


def test_a_deleted_endpoint_gets_nothing_that_is_under_way(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.publish(owner.happens())
    remove_endpoint(endpoint.id, owner.place.services)
    owner.settle()
    owner.passes(days=1)
    assert owner.receivers.got == []


def test_the_events_of_an_erased_account_are_not_delivered_any_more(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, DOWN)
    owner.publish(owner.happens())
    owner.settle()
    owner.place.services.stores.partitions.clear("acc_1")
    owner.passes(hours=2)
    owner.passes(hours=2)
    assert len(owner.receivers.got) == 1
    assert owner.log(endpoint)[-1].error == "The event was erased."
    assert owner.place.metrics["DeliveriesGivenUp"] == 0, "nobody has to do anything"


def test_the_sweep_says_for_how_long_a_delivery_was_due(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    services = owner.place.services
    assert sweep_deliveries(services) == SweptDeliveries()
    owner.publish(owner.happens())
    owner.place.now.at += timedelta(minutes=20)
    assert sweep_deliveries(services) == SweptDeliveries(1, timedelta(minutes=20))
    owner.settle()
    assert sweep_deliveries(services) == SweptDeliveries()
    owner.answers(ONE, CallAnswer(410))
    owner.publish(owner.happens())
    owner.settle()
    assert not owner.find(endpoint).is_enabled
    owner.place.now.at += timedelta(days=1)
    assert sweep_deliveries(services) == SweptDeliveries(), (
        "what waits for a disabled one is not late"
    )


def test_a_test_event_is_delivered_once_and_is_in_no_feed(owner: Owner) -> None:
    endpoint, secret = owner.endpoint(ONE, "trial.started")
    owner.answers(ONE, CallAnswer(500))
    send_test(endpoint.id, owner.place.services)
    owner.settle()
    owner.passes(days=4)
    (got,) = owner.receivers.got
    body = verify(got, secret)
    assert isinstance(body, dict)
    assert (body["type"], body["id"]) == ("billhook.test", got.id)
    assert owner.place.feed.segments == {}
    (row,) = owner.log(endpoint)
    assert (row.type, row.status, row.attempt) == ("billhook.test", "failed", 1)
    assert owner.find(endpoint).failing_since is None


def test_a_disabled_endpoint_can_be_tested(owner: Owner) -> None:
    endpoint, _ = owner.endpoint(ONE)
    owner.answers(ONE, CallAnswer(410))
    send_test(endpoint.id, owner.place.services)
    owner.settle()
    assert owner.find(endpoint).disabled_reason == "gone"
    owner.answers(ONE, OK)
    send_test(endpoint.id, owner.place.services)
    owner.settle()
    assert [row.status for row in owner.log(endpoint)] == ["failed", "succeeded"]
    assert not owner.find(endpoint).is_enabled, "a test enables nothing"
