"""A delivery: its attempts, and the rows of the log that they make."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.delivery import (
    Delivery,
    DeliveryKey,
    after_attempt,
    given_up,
    log_rows,
    resumed,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = DeliveryKey("we_1", NOW, "acc_1.0.1.trial.started.sub_1")
NEW = Delivery(KEY, "trial.started", "acc_1", NOW, NOW, NOW, version=1)
OK, FAILED = CallAnswer(204), CallAnswer(500, head="oops")


def test_a_success_ends_a_delivery() -> None:
    done = after_attempt(NEW, OK, NOW)
    assert (done.next_at, done.version) == (None, 2)
    (row,) = log_rows(done, True)
    assert (row.attempt, row.status, row.code, row.error) == (1, "succeeded", 204, None)


def test_ten_failures_end_a_delivery() -> None:
    delivery, at = NEW, NOW
    for _ in range(9):
        delivery = after_attempt(delivery, FAILED, at)
        assert delivery.next_at
        at = delivery.next_at
    assert after_attempt(delivery, FAILED, at).next_at is None
    assert at - NOW <= timedelta(hours=75, minutes=35, seconds=5)


def test_the_log_has_a_row_for_each_attempt_and_one_for_what_waits() -> None:
    failed = after_attempt(after_attempt(NEW, FAILED, NOW), CallAnswer(None, "No."), NOW)
    rows = log_rows(failed, True)
    assert [(row.attempt, row.status, row.code) for row in rows] == [
        (3, "pending", None),
        (2, "failed", None),
        (1, "failed", 500),
    ]
    assert rows[0].at == failed.next_at
    assert (rows[1].error, rows[2].error) == ("No.", "The answer was 500: oops")
    assert len({row.id for row in rows}) == 3


def test_what_waits_for_a_disabled_endpoint_is_marked() -> None:
    assert log_rows(NEW, True)[0].error is None
    assert log_rows(NEW, False)[0].error == "It waits: the endpoint is disabled."


def test_a_test_event_is_tried_once() -> None:
    test = Delivery(KEY, "billhook.test", "", NOW, NOW, NOW, body="{}", version=1)
    assert after_attempt(test, FAILED, NOW).next_at is None


def test_what_is_given_up_says_why() -> None:
    (row,) = log_rows(given_up(NEW, "It was too old.", NOW), True)
    assert (row.status, row.error, row.code) == ("failed", "It was too old.", None)


def test_what_waits_for_later_is_due_once_its_endpoint_is_enabled_again() -> None:
    later, failed = NOW + timedelta(hours=1), after_attempt(NEW, FAILED, NOW)
    waiting = replace(failed, next_at=later + timedelta(days=1))
    (before, after) = waiting, resumed(waiting, later, later)
    assert after == replace(before, next_at=later, version=before.version + 1)
    assert resumed(after, later, later) is after, "it is due"
    over = replace(waiting, next_at=None)
    assert resumed(over, later, later) is over
    assert resumed(waiting, NOW - timedelta(hours=1), later) is waiting, "it was tried since"


def test_a_replay_is_another_delivery_of_the_same_event() -> None:
    replayed = DeliveryKey("we_1", NOW + timedelta(days=1), KEY.event_id)
    assert replayed.id != KEY.id
    assert DeliveryKey("we_1", NOW, KEY.event_id).id == KEY.id
