"""From what a function counts to the metric whose alarm mails the operator."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.schedule.watch.readings import Readings
from chalicelib.entry.triggers.schedules import watch_stage
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import Clock, clock
from chalicelib.runtime.invocation import end_invocation, entrypoint
from chalicelib.runtime.telemetry import count
from local.aws.lambda_context import LambdaContext
from tests.fakes.services import Moment
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.test_telemetry import measured
from tests.http.triggers.test_mail_queue import TICK, Office, office  # noqa: F401 - the fixture

COUNTED = {name: row.metric for name, row in CONDITIONS.items() if row.metric}


def told(stage: Stage) -> list[dict[str, Any]]:
    return stage.logged("A person is needed")


def open_names() -> list[str]:
    known = wiring.services().stores.job_states.load(OpenConditions) or OpenConditions()
    return [one.name for one in known.entries]


@pytest.mark.parametrize("name", COUNTED)
def test_what_a_function_counts_is_told_by_the_next_sweep(office: Office, name: str) -> None:
    class Event:
        context = LambdaContext("any", 60)

    entrypoint(lambda event: count(COUNTED[name]))(Event())
    office.sweep()
    assert measured(office.stage, "NeedsYou") == [1.0]
    [line] = told(office.stage)
    assert (line["needs_you"], line["means"]) == (name, CONDITIONS[name].means)
    assert line["what_to_do"] == f"docs/operations.md, {name}"
    office.sweep()
    assert measured(office.stage, "NeedsYou") == [1.0, 0.0], "the alarm is over, and may go off"


def test_a_call_of_the_api_tells_as_an_event_function_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def over_the_ceiling(*_: object) -> None:
        count("SignupsOverCeiling")
        raise Unavailable("not now")

    key = office.stage.key("access")
    monkeypatch.setattr(wiring.accounts(), "load", over_the_ceiling)
    assert office.stage.get("/accounts/acc_1/access", key).status == 503
    assert open_names() == ["SignupsOverCeiling"]


def test_each_sweep_that_ends_well_writes_the_metric_and_no_other_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.sweep()
    assert measured(office.stage, "NeedsYou") == [0.0]

    def fail(*_: object) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    for store, name in (("due_index", "due"), ("replan_states", "load"), ("job_states", "load")):
        with monkeypatch.context() as patch:
            patch.setattr(getattr(wiring.services().stores, store), name, fail)
            with pytest.raises(Unavailable):
                office.sweep()
    assert measured(office.stage, "NeedsYou") == [0.0], "ClockStopped goes off"


def test_what_cannot_be_kept_in_the_table_is_told_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    monkeypatch.setattr(wiring.services().stores.job_states, "load", fail)
    count("Disputes")
    end_invocation()
    assert measured(office.stage, "NeedsYou") == [1.0]
    [line] = told(office.stage)
    assert (line["needs_you"], line["failure"]) == ("Disputes", "Unavailable")


def test_the_hourly_look_is_told_by_the_next_sweep(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = Readings(errors={"CarryOut": 5}, dead_letters=2)

    class Reader:
        def read(self, now: object) -> Readings:
            return readings

    monkeypatch.setattr(wiring, "stage_metrics", Reader)
    watch_stage(TICK, LambdaContext("watch_stage", 60))
    office.sweep()
    lines = {line["needs_you"]: line["details"] for line in told(office.stage)}
    assert lines == {"DeadLetters": "2", "FunctionErrors": "CarryOut 5"}
    assert measured(office.stage, "NeedsYou") == [2.0]
    readings = Readings()
    watch_stage(TICK, LambdaContext("watch_stage", 60))
    assert open_names() == []


def test_due_work_that_waits_is_told_although_the_queue_takes_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = Moment(clock.now())
    monkeypatch.setattr(Clock, "now", lambda _: moment.at)
    office.begin_trial()
    monkeypatch.setattr(wiring.services().queues.act, "depth", lambda: 5000)
    moment.at += timedelta(minutes=17)
    for _ in range(12):
        office.sweep()
        moment.at += timedelta(minutes=1)
    assert [line["needs_you"] for line in told(office.stage)] == ["ClockworkBehind"]
