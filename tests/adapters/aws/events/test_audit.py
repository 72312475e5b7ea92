"""The audit log: the newest entries first, over months, without what is expired."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.events.audit import PAGE, AuditLog
from chalicelib.aws.partition import Partition
from chalicelib.domain.changes.audit import AUDIT_KEPT, AuditEntry
from chalicelib.domain.errors import InvalidInput
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def log(dynamodb: Any) -> AuditLog:
    return AuditLog(TABLE, dynamodb)


def entry(number: int, at: datetime = T, account: str | None = "acc_1") -> AuditEntry:
    return AuditEntry(
        f"aud_{number:03}", at, "key:shop", "grants.given", account, {"n": number}, "192.0.2.1"
    )


def read_all(log: AuditLog, account: str | None = None, now: datetime = T) -> list[AuditEntry]:
    found, cursor = log.page(account, None, now)
    while cursor:
        more, cursor = log.page(account, cursor, now)
        assert more
        found += more
    return found


def test_an_entry_is_read_as_it_was_written(log: AuditLog) -> None:
    log.put(entry(1))
    log.put(entry(2, account=None))
    assert read_all(log) == [entry(2, account=None), entry(1)]
    assert read_all(log, "acc_1") == [entry(1)]
    assert read_all(log, "acc_2") == []


def test_the_same_entry_again_is_one(log: AuditLog) -> None:
    log.put(entry(1))
    log.put(entry(1))
    assert read_all(log) == [entry(1)]


def test_pages_go_through_months_and_accounts(log: AuditLog) -> None:
    all = [
        entry(n, T - timedelta(days=n), None if n % 5 == 0 else f"acc_{n % 2}")
        for n in range(2 * PAGE + 7)
    ]
    for one in all:
        log.put(one)
    assert read_all(log) == all
    assert read_all(log, "acc_1") == [one for one in all if one.account_id == "acc_1"]


def test_nothing_older_than_400_days_is_shown(log: AuditLog) -> None:
    log.put(entry(1))
    last = T + AUDIT_KEPT
    assert read_all(log, now=last - timedelta(seconds=1)) == [entry(1)]
    assert read_all(log, now=last) == []
    assert read_all(log, "acc_1", now=last) == []


def test_with_the_account_go_the_details_of_its_entries(log: AuditLog, dynamodb: Any) -> None:
    log.put(entry(1))
    log.put(AuditEntry("aud_002", T + timedelta(seconds=1), "key:shop", "account.erased", "acc_1"))
    Partition(TABLE, dynamodb).clear("acc_1")
    erased, given = read_all(log)
    assert erased.action == "account.erased"
    assert given.account_id == "acc_1"
    assert given.detail is None
    assert read_all(log, "acc_1") == [erased], "who erased it stays"


@pytest.mark.parametrize("cursor", ["x", "QVVESVQjMjAyNi0wMyBMT0cjeA", "é", "=" * 9])
def test_a_cursor_of_another_list_is_refused(log: AuditLog, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        log.page(None, cursor, T)


def test_a_cursor_of_an_account_does_not_read_another_one(log: AuditLog) -> None:
    for n in range(PAGE + 1):
        log.put(entry(n, T + timedelta(seconds=n)))
    _, cursor = log.page("acc_1", None, T)
    with pytest.raises(InvalidInput):
        log.page("acc_2", cursor, T)


def test_the_detail_of_an_account_that_another_one_took_in_is_in_the_log_of_all(
    log: AuditLog, dynamodb: Any
) -> None:
    beside = Partition(TABLE, dynamodb)
    log.put(entry(1, T - timedelta(days=2)))
    log.put(entry(2, T - timedelta(days=1), "acc_2"))
    beside.move_timeline("acc_1", "acc_2")
    beside.move_timeline("acc_2", "acc_3")
    assert [one.detail for one in read_all(log)] == [{"n": 2}, {"n": 1}]
    assert [one.detail for one in read_all(log, "acc_3")] == [{"n": 2}, {"n": 1}]
    assert read_all(log, "acc_1") == read_all(log, "acc_2") == read_all(log, "acc_3")
    beside.clear("acc_3")
    assert [one.detail for one in read_all(log)] == [None, None]


def test_pages_of_an_account_that_another_one_took_in_are_those_of_both(
    log: AuditLog, dynamodb: Any
) -> None:
    for n in range(PAGE + 7):
        log.put(entry(n, T + timedelta(seconds=n), f"acc_{n % 2 + 1}"))
    Partition(TABLE, dynamodb).move_timeline("acc_1", "acc_2")
    assert [one.id for one in read_all(log, "acc_1", T + timedelta(hours=1))] == [
        f"aud_{n:03}" for n in reversed(range(PAGE + 7))
    ]
