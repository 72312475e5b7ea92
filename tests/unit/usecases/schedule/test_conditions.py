"""The open conditions as functions keep them and the sweep tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.schedule.watch.readings import Readings
from chalicelib.usecases.schedule.conditions import (
    conditions_to_tell,
    look_at_stage,
    mark_told,
    notice,
)
from tests.fakes.services import FakeServices

NO_TIME = timedelta(0)


@dataclass
class Reader:
    """What AWS counts."""

    told: Readings = field(default_factory=Readings)

    def read(self, now: datetime) -> Readings:
        return self.told


@pytest.fixture
def place() -> FakeServices:
    return FakeServices()


def open_at(place: FakeServices) -> Mapping[str, str]:
    known = place.job_states.load(OpenConditions) or OpenConditions()
    return {one.name: one.details for one in known.entries}


def test_what_is_noticed_is_told_once_it_was_marked(place: FakeServices) -> None:
    notice({"Disputes": ""}, place.services)
    for _ in range(2):
        [one] = conditions_to_tell(NO_TIME, place.services)
        assert one.name == "Disputes", "told again as long as it was not marked"
    mark_told([one], place.services)
    assert conditions_to_tell(NO_TIME, place.services) == ()
    assert open_at(place) == {"Disputes": ""}


def test_a_look_keeps_what_it_finds_and_ends_what_it_does_not(place: FakeServices) -> None:
    reader = Reader(Readings(dead_letters=2, errors={"CarryOut": 4}))
    assert look_at_stage(reader, place.services) == {
        "DeadLetters": "2",
        "FunctionErrors": "CarryOut 4",
    }
    assert open_at(place) == {"DeadLetters": "2", "FunctionErrors": "CarryOut 4"}
    reader.told = Readings(dead_letters=1)
    look_at_stage(reader, place.services)
    assert open_at(place) == {"DeadLetters": "1"}


def test_functions_that_notice_at_the_same_time_lose_nothing(
    place: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, raced = place.job_states.save, []

    def race(old: Any, new: Any) -> None:
        if not raced:
            raced.append(True)
            notice({"AccountsDead": ""}, place.services)
        save(old, new)

    monkeypatch.setattr(place.job_states, "save", race)
    notice({"Disputes": ""}, place.services)
    assert open_at(place).keys() == {"AccountsDead", "Disputes"}


def test_a_table_that_takes_no_write_is_told_as_unavailable(
    place: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(old: Any, new: Any) -> None:
        raise ConcurrentUpdate("another goes on")

    monkeypatch.setattr(place.job_states, "save", refuse)
    with pytest.raises(Unavailable):
        notice({"Disputes": ""}, place.services)


def test_a_quiet_sweep_writes_nothing(place: FakeServices) -> None:
    conditions_to_tell(NO_TIME, place.services)
    begun = place.job_states.load(OpenConditions)
    conditions_to_tell(NO_TIME, place.services)
    assert place.job_states.load(OpenConditions) == begun
