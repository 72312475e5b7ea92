"""Which conditions are open, and when the operator is told: each gets an alarm of its own."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.domain.schedule.watch.open_conditions import (
    APART,
    KEPT,
    NO_LOOK,
    OpenCondition,
    OpenConditions,
    looked,
    noticed,
    over,
    swept,
    to_tell,
    told,
)
from ops.package.watching import ALARMS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTHING = OpenConditions()
LATE = timedelta(minutes=16)


def names(conditions: tuple[OpenCondition, ...]) -> list[str]:
    return [one.name for one in conditions]


def lived(known: OpenConditions, minutes: int, late: timedelta = timedelta(0)) -> list[list[str]]:
    """What each sweep of so many minutes tells."""
    heard: list[list[str]] = []
    for minute in range(minutes):
        now = NOW + minute * MINUTE
        known = looked(known, {}, now) if not known.looked_at else known
        known = swept(known, late, now)
        news = names(to_tell(known, now))
        heard.append(news)
        known = told(known, news, now) if news else known
    return heard


@pytest.mark.parametrize("name", [n for n, row in CONDITIONS.items() if row.noticed == "function"])
def test_what_a_function_counts_is_told_by_the_next_sweep_and_once(name: str) -> None:
    known = noticed(NOTHING, {name: ""}, NOW)
    assert names(to_tell(known, NOW + MINUTE)) == [name]
    known = told(known, [name], NOW + MINUTE)
    assert to_tell(known, NOW + DAY) == ()


@pytest.mark.parametrize("name", [n for n, row in CONDITIONS.items() if row.noticed == "look"])
def test_what_a_look_finds_is_told_and_told_again_each_day_while_it_lasts(name: str) -> None:
    known, heard = NOTHING, []
    for hour in range(50):
        now = NOW + hour * HOUR
        known = looked(known, {name: "3"}, now)
        if news := names(to_tell(known, now + MINUTE)):
            heard.append(hour)
            known = told(known, news, now + MINUTE)
    assert heard == [0, 24, 48]


def test_a_condition_that_a_look_finds_no_more_is_over_and_told_anew_when_it_returns() -> None:
    known = told(looked(NOTHING, {"DeadLetters": "1"}, NOW), ["DeadLetters"], NOW)
    known = looked(known, {}, NOW + HOUR)
    assert known.entries == ()
    known = looked(known, {"DeadLetters": "1"}, NOW + 2 * HOUR)
    assert names(to_tell(known, NOW + 2 * HOUR)) == ["DeadLetters"]


def test_a_look_leaves_occurrences_in_the_list() -> None:
    known = looked(noticed(NOTHING, {"Disputes": ""}, NOW), {}, NOW + HOUR)
    assert names(known.entries) == ["Disputes"]


def test_what_is_noticed_just_after_another_was_told_waits_until_its_alarm_is_over() -> None:
    known = told(noticed(NOTHING, {"Disputes": ""}, NOW), ["Disputes"], NOW)
    known = noticed(known, {"AccountsDead": ""}, NOW + MINUTE)
    assert to_tell(known, NOW + APART - MINUTE) == ()
    assert names(to_tell(known, NOW + APART)) == ["AccountsDead"]
    [alarm] = [one for one in ALARMS if one.name == "NeedsYou"]
    assert APART.total_seconds() >= 2 * alarm.period * alarm.periods, (
        "a period without lies between"
    )


def test_a_second_dispute_is_told_too() -> None:
    known = told(noticed(NOTHING, {"Disputes": ""}, NOW), ["Disputes"], NOW + MINUTE)
    known = noticed(known, {"Disputes": ""}, NOW + 3 * MINUTE)
    assert names(to_tell(known, NOW + APART + MINUTE)) == ["Disputes"]


def test_what_happens_all_the_time_is_told_once_a_day_and_seldom_written() -> None:
    known, writes, heard = NOTHING, 0, []
    for minute in range(2 * 24 * 60):
        now = NOW + minute * MINUTE
        new = noticed(known, {"UnknownPrices": ""}, now)
        writes, known = writes + (new != known), new
        if news := names(to_tell(known, now)):
            heard.append(minute)
            known = told(known, news, now)
    assert len(heard) == 2
    assert writes <= 2 * 24 * 7


def test_work_that_is_late_is_told_once_it_has_been_for_ten_minutes() -> None:
    heard = lived(NOTHING, 30, LATE)
    assert [minute for minute, news in enumerate(heard) if news] == [10]
    assert heard[10] == ["ClockworkBehind"]


def test_deliveries_that_are_late_are_told_once_they_have_been_for_ten_minutes() -> None:
    known = OpenConditions(looked_at=NOW)
    heard: list[tuple[int, list[str]]] = []
    for minute in range(30):
        now = NOW + minute * MINUTE
        known = swept(known, timedelta(0), now, LATE if minute < 20 else timedelta(0))
        if news := names(to_tell(known, now)):
            heard.append((minute, news))
            known = told(known, news, now)
    assert heard == [(10, ["DeliveriesWaitLong"])]
    assert known.entries == ()


def test_work_that_was_late_for_a_moment_is_not_told() -> None:
    known = swept(OpenConditions(looked_at=NOW), LATE, NOW)
    known = swept(known, timedelta(0), NOW + MINUTE)
    assert known.entries == ()


def test_a_look_that_is_not_made_is_told_of_an_old_stage_and_of_a_new_one() -> None:
    heard = lived(swept(NOTHING, timedelta(0), NOW), int(NO_LOOK / MINUTE) + 3)
    assert [minute for minute, news in enumerate(heard) if news] == [int(NO_LOOK / MINUTE) + 1]
    assert heard[-2] == ["WatchStopped"]


def test_a_quiet_sweep_changes_nothing() -> None:
    known = swept(NOTHING, timedelta(0), NOW)
    assert swept(known, timedelta(0), NOW + MINUTE) == known


def test_an_occurrence_leaves_the_list_after_a_week() -> None:
    known = noticed(OpenConditions(looked_at=NOW + KEPT), {"Disputes": ""}, NOW)
    assert names(swept(known, timedelta(0), NOW + KEPT).entries) == ["Disputes"]
    assert swept(known, timedelta(0), NOW + KEPT + MINUTE).entries == ()


def test_a_condition_of_a_newer_release_is_kept_and_not_told() -> None:
    known = noticed(NOTHING, {"Unheard": ""}, NOW)
    assert to_tell(known, NOW) == ()
    assert over(known, ["Unheard"]) == NOTHING
