"""Reports of revenue and trials over HTTP, from figures in the table."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.figures.counts import StepEffect
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.figures.close import close_figures
from tests.fakes.figures.revenue import day_of, end_of, held_by, mrr_of
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Answer, Stage

TODAY = datetime.now(UTC).date()
LIFE = RECORDINGS["upgrades_then_downgrades"]
REPORTS = ("revenue", "trials", "retention", "leaving", "messages")


def asked(stage: Stage, report: str, **query: str) -> Answer:
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    return stage.get(f"/reports/{report}?{parameters}", stage.key("read"))


def began(days: int) -> int:
    """The Unix second so many days ago."""
    return int((clock.now() - timedelta(days=days)).timestamp())


@pytest.fixture
def paying(stage: Stage) -> tuple[Stage, Any]:
    """A stage with a customer who upgraded and downgraded, and the events of that life."""
    moved = LIFE.moved_to(began(days=70))
    stage.stripe.truth = moved.truth(len(moved.events))
    for event in moved.events:
        assert stage.webhook(event).status == 200
    assert stage.work() == set()
    return stage, moved


def test_a_report_has_a_row_for_every_day_and_adds_up(paying: tuple[Stage, Any]) -> None:
    stage, life = paying
    first = day_of(life.events[0]["created"]) - timedelta(days=1)
    answer = asked(stage, "revenue", **{"from": first.isoformat()})
    assert answer.status == 200
    (currency,) = answer.body["currencies"]
    days = answer.body["currencies"][currency]["days"]
    assert [row["date"] for row in days] == [
        (first + timedelta(days=number)).isoformat() for number in range((TODAY - first).days + 1)
    ]
    before = 0
    for row in days:
        up = row["new"] + row["reactivation"] + row["expansion"]
        assert before + up - row["contraction"] - row["churn"] == row["mrr"]
        day = date.fromisoformat(row["date"])
        assert row["mrr"] == mrr_of(held_by(life.events, end_of(day))).get(currency, 0)
        before = row["mrr"]
    assert {name for row in days for name in ("new", "expansion", "contraction") if row[name]} == {
        "new",
        "expansion",
        "contraction",
    }
    assert answer.body["currencies"][currency]["annualised"] == 12 * before


def test_closed_days_say_the_same(paying: tuple[Stage, Any]) -> None:
    stage, life = paying
    first = day_of(life.events[0]["created"]).isoformat()
    before = asked(stage, "revenue", **{"from": first}).body
    assert close_figures(wiring.services()) > 0
    assert asked(stage, "revenue", **{"from": first}).body == before
    assert asked(stage, "trials", **{"from": first}).status == 200


def test_a_trial_is_counted_in_the_week_of_its_start(stage: Stage) -> None:
    life = RECORDINGS["trial_converts"].moved_to(began(days=100))
    stage.stripe.truth = life.truth(len(life.events))
    for event in life.events:
        assert stage.webhook(event).status == 200
    assert stage.work() == set()
    started = day_of(life.events[0]["created"])
    monday = started - timedelta(days=started.weekday())
    weeks = asked(stage, "trials", **{"from": started.isoformat()}).body["weeks"]
    assert weeks[0] == {
        "week": monday.isoformat(),
        "started": 1,
        "converted": 1,
        "expired": 0,
        "running": 0,
        "activated": 0,
        "milestones": [],
        "median_days": 14,
        "conversions": [
            {"days": days, "converted": int(days == 14)} for days in (1, 7, 14, 30, 60, None)
        ],
    }
    assert all(week["started"] == 0 for week in weeks[1:])


def test_an_empty_stage_answers_thirty_days_without_a_currency(stage: Stage) -> None:
    assert asked(stage, "revenue").body == {"currencies": {}}
    weeks = asked(stage, "trials").body["weeks"]
    assert (TODAY - date.fromisoformat(weeks[0]["week"])).days >= 29


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-13-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-2-1"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"from": "2025-01-01", "to": "2027-01-02"}, "from"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"since": "2026-03-02"}, "since"),
    ],
)
@pytest.mark.parametrize("report", REPORTS)
def test_a_wrong_day_is_named(stage: Stage, report: str, query: dict[str, str], field: str) -> None:
    answer = asked(stage, report, **query)
    assert (answer.status, answer.body["error"]["field"]) == (400, field)


def test_two_years_are_a_report(stage: Stage) -> None:
    for report in REPORTS:
        answer = asked(stage, report, **{"from": "2024-01-01", "to": "2025-12-31"})
        assert answer.status == 200


def test_reports_take_a_read_key(stage: Stage) -> None:
    for report in REPORTS:
        assert stage.get(f"/reports/{report}", None).status == 401
        assert stage.get(f"/reports/{report}", stage.key("access")).status == 403


def test_customers_are_counted_by_their_first_week_and_leave_for_a_reason(stage: Stage) -> None:
    life = RECORDINGS["canceled_at_once"].moved_to(began(days=100))
    stage.stripe.truth = life.truth(len(life.events))
    for event in life.events:
        assert stage.webhook(event).status == 200
    assert stage.work() == set()
    first = day_of(life.events[0]["created"])
    (week, *others) = asked(stage, "retention", **{"from": first.isoformat()}).body["weeks"]
    assert (week["week"], week["customers"]) == (str(first - timedelta(first.weekday())), 1)
    assert week["kept"] == [
        {"months": months, "customers": number}
        for months, number in ((1, 0), (2, 0), (3, 0), (6, None), (12, None))
    ]
    assert not any(one["customers"] for one in others)
    leaving = asked(stage, "leaving", **{"from": first.isoformat()}).body["reasons"]
    assert leaving == [{"reason": "cancellation_requested", "customers": 1, "trials": 0}]


def test_the_effect_of_a_message_is_told_with_its_interval(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [StepEffect("note", 4, 2, 2, 0), StepEffect("gone", 1)]
    monkeypatch.setattr("chalicelib.entry.http.reports.message_effects", lambda *_: found)
    note, gone = asked(stage, "messages").body["steps"]
    difference = found[0].difference
    assert difference
    assert note == {
        "step": "note",
        "sequence": next(one.sequence for one in wiring.policy().steps if one.id == "note"),
        "sent": 4,
        "converted": 2,
        "held_out": 2,
        "held_out_converted": 0,
        "difference": difference[0],
        "low": difference[1],
        "high": difference[2],
    }
    assert (gone["sequence"], gone["difference"], gone["low"]) == (None, None, None)
