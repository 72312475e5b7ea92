"""The nightly export: in parts, again after any interruption, and with everybody once."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.figures.closing import ClosedFigures, day_text
from chalicelib.domain.figures.contributions import REVENUE
from chalicelib.domain.figures.exports.night import HELD, NightlyExport
from chalicelib.domain.figures.exports.tables import TABLES
from chalicelib.domain.figures.movements import DayTotals
from chalicelib.usecases.feed import put_events
from chalicelib.usecases.figures.exports import nightly
from chalicelib.usecases.figures.exports.nightly import export_night
from chalicelib.values import replace
from tests.fakes.services import FakeServices
from tests.unit.domain.figures.exports.parquet_reading import read
from tests.unit.usecases.figures.exports.files import MemoryFiles
from tests.unit.usecases.test_feed import event, somewhere

NIGHT, NEXT = "2026-03-02", "2026-03-03"
EIGHT = [f"acc_{number}" for number in range(8)]


@dataclass
class Nights:
    """Services with some accounts and events, and the files that their export writes."""

    place: FakeServices = field(default_factory=somewhere)
    files: MemoryFiles = field(default_factory=MemoryFiles)

    def has(self, *ids: str) -> "Nights":
        for id in ids:
            nobody = Account(id)
            person = Profile(email=f"{id}@example.com", name=f"=1+1 {id}")
            self.place.accounts.save(nobody, replace(nobody, profile=person, version=1))
        return self

    def publishes(self, *numbers: int) -> "Nights":
        put_events([event(self.place, number) for number in numbers], self.place.services)
        self.place.now.at += timedelta(minutes=2)
        return self

    def runs(self) -> NightlyExport | None:
        return export_night(self.place.services, self.files)

    def until_complete(self) -> "Nights":
        """Runs ten minutes apart, whatever fails."""
        for _ in range(50):
            try:
                progress = self.runs()
            except Unavailable:
                progress = None
            if progress and progress.ended_at:
                return self
            self.place.now.at += timedelta(minutes=10)
        raise AssertionError("the night was never complete")

    def customers(self, night: str = NIGHT) -> list[str]:
        return sorted(one["account_id"] for one in self.files.rows("customers", night))

    def events(self, night: str = NIGHT) -> list[str]:
        return [one["id"] for one in self.files.rows("events", night)]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of one page, which has two accounts."""
    monkeypatch.setattr(nightly, "ROWS_OF_A_PART", 2)


def numbers(*of: int) -> list[str]:
    return [f"acc_1.0.{number}.trial.started" for number in of]


def test_a_night_has_each_table_with_its_columns_and_its_marker_last() -> None:
    nights = Nights().has(*EIGHT).publishes(1, 2)
    progress = nights.runs()
    assert progress
    assert progress.ended_at
    assert nights.files.order[-4:] == [f"{table}/dt={NIGHT}/_SUCCESS" for table in TABLES]
    for table, columns in TABLES.items():
        types, _ = read(nights.files.kept[f"{table}/dt={NIGHT}/part-00000.parquet"])
        assert types == {one.name: one.kind for one in columns}
    assert nights.customers() == EIGHT
    assert nights.events() == numbers(1, 2)
    assert dict(progress.rows) == {"customers": 8, "subscriptions": 0, "revenue": 0, "events": 2}


def test_texts_are_as_they_were_typed_since_no_spreadsheet_opens_the_file() -> None:
    nights = Nights().has("acc_1").until_complete()
    (row,) = nights.files.rows("customers", NIGHT)
    assert (row["name"], row["email"]) == ("=1+1 acc_1", "acc_1@example.com")


def test_an_event_has_its_data_as_json() -> None:
    nights = Nights().publishes(1).until_complete()
    (row,) = nights.files.rows("events", NIGHT)
    assert (row["account_id"], row["type"], row["sequence"]) == ("acc_1", "trial.started", 1)
    assert row["timestamp"] == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert "trial_end" in json.loads(row["data"])


def test_revenue_has_the_days_that_are_over() -> None:
    nights = Nights()
    closed = ClosedFigures(date(2026, 3, 2), date(2026, 2, 23), version=1)
    nights.place.job_states.save(replace(closed, version=0), closed)
    for day, mrr in ((date(2026, 3, 1), 900), (date(2026, 3, 2), 1900)):
        row = day_text(DayTotals(day, {"eur": {"new": mrr}}, {"eur": mrr}))
        nights.place.figures.summed[REVENUE, day] = row
    nights.until_complete()
    found = [(one["date"], one["mrr"]) for one in nights.files.rows("revenue", NIGHT)]
    assert found == [(date(2026, 3, 1), 900)]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("fails_at", range(1, 20))
def test_wherever_a_run_dies_the_next_ones_complete_the_night_with_everybody_once(
    fails_at: int,
) -> None:
    nights = Nights(files=MemoryFiles(fails_at=fails_at)).has(*EIGHT).publishes(1, 2, 3)
    nights.until_complete()
    assert nights.customers() == EIGHT
    assert nights.events() == numbers(1, 2, 3)
    assert {key for key in nights.files.kept if "_SUCCESS" in key} == {
        f"{table}/dt={NIGHT}/_SUCCESS" for table in TABLES
    }


@pytest.mark.usefixtures("small_parts")
def test_a_run_that_has_no_more_time_leaves_the_rest_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nights = Nights().has(*EIGHT)
    monkeypatch.setattr(nightly, "SECONDS", 0)
    progress = nights.runs()
    assert progress
    assert (progress.ended_at, progress.held_until) == (None, None)
    assert nights.files.kept == {}
    monkeypatch.setattr(nightly, "SECONDS", 200)
    assert nights.until_complete().customers() == EIGHT


@pytest.mark.parametrize(
    ("constant", "number"), [("ROWS_OF_A_PART", 100), ("LETTERS_OF_A_PART", 1)]
)
def test_a_part_ends_when_it_has_enough_events_or_they_are_long(
    monkeypatch: pytest.MonkeyPatch, constant: str, number: int
) -> None:
    """A run holds one part in memory."""
    monkeypatch.setattr(nightly, constant, number)
    nights = Nights().publishes(*range(1, 251)).until_complete()
    parts = sorted(
        key for key in nights.files.kept if key.startswith("events/dt=") and "part" in key
    )
    assert [len(read(nights.files.kept[key])[1]) for key in parts] == [100, 100, 50]
    assert nights.events() == numbers(*range(1, 251))


def test_a_part_ends_when_it_has_enough_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "ROWS_OF_A_PART", 12)
    monkeypatch.setattr(nightly, "subscription_rows", lambda *_: [{}] * 5)
    nights = Nights().has(*EIGHT).until_complete()
    parts = [key for key in nights.files.kept if key.startswith("subscriptions") and "part" in key]
    assert len(parts) == 2, "pages of two accounts with ten rows"
    assert nights.customers() == EIGHT


def test_a_second_run_at_the_same_time_does_nothing() -> None:
    nights = Nights().has("acc_1")
    other: list[NightlyExport | None] = []
    put = nights.files.put

    def while_another_starts(key: str, content: bytes) -> None:
        other.append(nights.runs())
        put(key, content)

    nights.files.put = while_another_starts  # type: ignore[method-assign]
    assert nights.runs()
    assert set(other) == {None}
    assert len(nights.files.order) == len(set(nights.files.order))


def test_a_run_that_died_holds_the_night_for_some_minutes_only() -> None:
    nights = Nights(files=MemoryFiles(fails_at=1)).has("acc_1")
    with pytest.raises(Unavailable):
        nights.runs()
    assert nights.runs() is None
    nights.place.now.at += HELD
    assert nights.runs()


def test_a_night_that_is_complete_is_not_written_again() -> None:
    nights = Nights().has("acc_1").until_complete()
    nights.files.order.clear()
    nights.place.now.at += timedelta(hours=3)
    assert nights.runs() is None
    assert nights.files.order == []


def test_a_night_that_is_written_again_has_nothing_of_the_first_time() -> None:
    """As after the table was restored from a backup: it does not know of the night."""
    nights = Nights().has(*EIGHT)
    stale = f"customers/dt={NIGHT}/part-00007.parquet"
    nights.files.kept[stale] = b"of a time with more customers"
    assert stale not in nights.until_complete().files.kept


def test_each_event_is_in_one_night() -> None:
    nights = Nights().publishes(1, 2).until_complete()
    nights.publishes(3)
    nights.place.now.at = datetime(2026, 3, 3, 0, 5, tzinfo=UTC)
    nights.until_complete()
    assert (nights.events(), nights.events(NEXT)) == (numbers(1, 2), numbers(3))


def test_the_events_of_a_night_that_was_never_complete_are_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nights = Nights().has("acc_1").publishes(1)
    with monkeypatch.context() as until:
        until.setattr(nightly, "SECONDS", 0)
        nights.runs()
    nights.place.now.at += timedelta(days=1)
    nights.until_complete()
    assert f"events/dt={NIGHT}/_SUCCESS" not in nights.files.kept
    assert nights.events(NEXT) == numbers(1)


def test_an_export_that_was_off_for_months_goes_on_with_what_the_feed_has() -> None:
    nights = Nights().publishes(1).until_complete()
    nights.place.now.at += timedelta(days=60)
    nights.publishes(2)
    later = nights.place.now.at.date().isoformat()
    assert nights.until_complete().events(later) == numbers(2)


def test_who_was_erased_is_not_in_the_next_night() -> None:
    nights = Nights().has("acc_1", "acc_2").until_complete()
    gone = nights.place.accounts.load("acc_1")
    assert gone
    nights.place.accounts.erase(gone, nights.place.now.at)
    nights.place.now.at += timedelta(days=1)
    nights.until_complete()
    assert nights.customers(NEXT) == ["acc_2"]
