"""Timelines: the newest entries first, page by page, without expired ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.events.timeline import MAILS_AMONG, PAGE, REMEMBERED, Timelines
from chalicelib.aws.items import stamp
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.stripe_objects.objects import Customer
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


def entries(number: int, keep_for: timedelta | None = None, account: str = "acc_1") -> list[Entry]:
    return [
        Entry(
            account,
            T + timedelta(seconds=n),
            "stripe",
            f"evt_{n:03}",
            "customer.updated",
            {"n": n},
            keep_for,
        )
        for n in range(number)
    ]


@pytest.fixture
def log(dynamodb: Any) -> Timelines:
    return Timelines(TABLE, dynamodb)


def read_all(log: Timelines, now: datetime = T, account: str = "acc_1") -> tuple[list[str], int]:
    found, pages, cursor = [], 0, None
    while cursor or not pages:
        some, cursor = log.page(account, cursor, now)
        found += [entry.id for entry in some]
        pages += 1
    return found, pages


@pytest.mark.parametrize("number", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
def test_pages_hold_every_entry_once_the_newest_first(log: Timelines, number: int) -> None:
    log.put(entries(number))
    log.put(entries(3, account="acc_2"))
    found, pages = read_all(log)
    assert found == [f"evt_{n:03}" for n in reversed(range(number))]
    assert pages == max(1, -(-number // PAGE)), (
        "a cursor is given only where something is behind it"
    )


def test_the_same_entry_again_is_the_same_entry(log: Timelines) -> None:
    log.put(entries(3) + entries(3))
    log.put(entries(3))
    assert read_all(log)[0] == ["evt_002", "evt_001", "evt_000"]


def test_an_expired_entry_is_not_read_even_if_it_is_still_stored(log: Timelines) -> None:
    log.put(entries(2, timedelta(days=30)))
    log.put(entries(1, account="acc_1"))
    assert len(read_all(log, T + timedelta(days=29))[0]) == 2
    assert read_all(log, T + timedelta(days=31))[0] == ["evt_000"]


@pytest.mark.parametrize("kept", [0, 1, PAGE])
def test_expired_entries_make_no_page_of_their_own(log: Timelines, kept: int) -> None:
    log.put(entries(3 * PAGE, timedelta(days=30)))
    log.put(
        Entry("acc_1", T - timedelta(seconds=n + 1), "mail", f"m{n}", "mail.sent", {})
        for n in range(kept)
    )
    found, pages = read_all(log, T + timedelta(days=31))
    assert (len(found), pages) == (kept, 1)


def test_an_entry_comes_back_with_its_data(log: Timelines) -> None:
    log.put(
        [
            Entry(
                "acc_1",
                T,
                "stripe",
                "evt_1",
                "customer.updated",
                Customer("cus_1", "ada@example.com"),
            )
        ]
    )
    (entry,), _ = log.page("acc_1", None, T)
    assert (entry.at, entry.kind, entry.id, entry.type) == (
        T,
        "stripe",
        "evt_1",
        "customer.updated",
    )
    assert entry.data == {"id": "cus_1", "email": "ada@example.com"}


@pytest.mark.parametrize("cursor", ["x", "é", "QUNDT1VOVA", "TE9HIw", "====", "a" * 5000])
def test_an_invalid_cursor_is_refused(log: Timelines, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        log.page("acc_1", cursor, T)
    assert caught.value.field == "cursor"


def test_a_cursor_of_another_account_is_refused(log: Timelines) -> None:
    log.put(entries(PAGE + 1))
    _, cursor = log.page("acc_1", None, T)
    with pytest.raises(InvalidInput) as caught:
        log.page("acc_2", cursor, T)
    assert caught.value.field == "cursor"


def test_entries_that_are_not_there_are_missing(dynamodb: Any, log: Timelines) -> None:
    there, others = entries(120), entries(3, account="acc_2")
    Timelines(TABLE, dynamodb).put(there)  # another process
    assert log.missing([*there, *others]) == others
    assert log.missing([]) == []


def test_a_process_does_not_look_for_what_it_put_itself_but_for_what_expires(
    dynamodb: Any, log: Timelines
) -> None:
    kept, expiring = entries(3), entries(3, timedelta(days=30), "acc_2")
    log.put([*kept, *expiring])
    for entry in (*kept, *expiring):
        key = {"pk": {"S": f"ACCOUNT#{entry.account_id}"}, "sk": {"S": sort_key_of(entry)}}
        dynamodb.delete_item(TableName=TABLE, Key=key)
    assert log.missing([*kept, *expiring]) == expiring
    assert Timelines(TABLE, dynamodb).missing([*kept, *expiring]) == [*kept, *expiring]


def test_a_process_remembers_a_bounded_number_of_entries(dynamodb: Any, log: Timelines) -> None:
    for number in range(3):
        log.put(entries(REMEMBERED, account=f"acc_{number}"))
    assert len(log._put) <= 2 * REMEMBERED


def sort_key_of(entry: Entry) -> str:
    return f"LOG#{stamp(entry.at)}#{entry.kind}#{entry.id}"


def mail(n: int) -> Entry:
    return Entry("acc_1", T + timedelta(seconds=n), "mail", f"m@{n}", "mail.sent", {"n": n})


def test_an_entry_that_is_put_once_stays_as_it_was(log: Timelines) -> None:
    first = mail(1)
    assert log.put_once(first)
    assert not log.put_once(Entry(**{**asdict_of(first), "data": {"n": 7}}))
    assert log.page("acc_1", None, T)[0] == [first]


def asdict_of(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("account_id", "at", "kind", "id", "type")}


def test_mails_are_found_among_the_newest_entries_and_since_a_time(log: Timelines) -> None:
    log.put(entries(MAILS_AMONG + 20))
    log.put([mail(5), mail(MAILS_AMONG), mail(MAILS_AMONG + 19)])
    log.put([Entry("acc_2", T, "mail", "other@1", "mail.sent", {})])
    newest = [entry.id for entry in log.newest_mails("acc_1")]
    assert newest == [f"m@{MAILS_AMONG + 19}", f"m@{MAILS_AMONG}"]
    since = log.mails_since("acc_1", T + timedelta(seconds=6))
    assert [entry.id for entry in since] == [f"m@{MAILS_AMONG}", f"m@{MAILS_AMONG + 19}"]
    assert log.mails_since("acc_1", T)[0] == mail(5)
