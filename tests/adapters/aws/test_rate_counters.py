"""Rate counters in windows of time, and the mail that visitors caused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.rate_counters import Mailboxes, RateCounters
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.messaging.mailbox_limits import FORGOTTEN, Mailbox, SentMail
from tests.adapters.aws.conftest import TABLE

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def limits(dynamodb: Any) -> RateCounters:
    return RateCounters(TABLE, lambda: "key")


def test_counters_are_kept_by_kind_value_and_window(limits: RateCounters) -> None:
    assert [limits.count("from", "203.0.113.7", HOUR, NOW) for _ in range(3)] == [1, 2, 3]
    assert limits.count("from", "203.0.113.8", HOUR, NOW) == 1
    assert limits.count("of", "203.0.113.7", HOUR, NOW) == 1
    assert limits.count("from", "203.0.113.7", HOUR, NOW + HOUR) == 1
    assert limits.count("from", "203.0.113.7", timedelta(days=1), NOW) == 1


def test_no_key_contains_an_address_and_every_counter_expires(limits: RateCounters) -> None:
    limits.count("of", "ada@example.com", HOUR, NOW)
    (item,) = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert "ada" not in str(item)
    assert int(item["ttl"]["N"]) > (NOW + HOUR).timestamp()


SENT = Mailbox((SentMail("acc_1 sign_in@1772443800", NOW),), NOW - HOUR, 1)


@pytest.fixture
def mailboxes(dynamodb: Any) -> Mailboxes:
    return Mailboxes(TABLE, lambda: "key")


def test_a_mailbox_is_kept_and_others_are_empty(mailboxes: Mailboxes) -> None:
    mailboxes.save("ada@example.com", Mailbox(), SENT, NOW)
    assert mailboxes.load("ada@example.com") == SENT
    assert mailboxes.load("ben@example.com") == Mailbox()


def test_of_two_who_count_in_a_mailbox_at_once_one_is_told(mailboxes: Mailboxes) -> None:
    mailboxes.save("ada@example.com", Mailbox(), SENT, NOW)
    with pytest.raises(ConcurrentUpdate):
        mailboxes.save("ada@example.com", Mailbox(), SENT, NOW)
    pressed = Mailbox((), NOW, 2)
    mailboxes.save("ada@example.com", SENT, pressed, NOW)
    with pytest.raises(ConcurrentUpdate):
        mailboxes.save("ada@example.com", SENT, pressed, NOW)


def test_no_mailbox_tells_its_address_and_each_is_deleted_once_nothing_counts(
    mailboxes: Mailboxes,
) -> None:
    mailboxes.save("ada@example.com", Mailbox(), SENT, NOW)
    (item,) = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert "ada" not in str(item)
    assert int(item["ttl"]["N"]) == (NOW + FORGOTTEN).timestamp()
