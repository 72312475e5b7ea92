"""Domain events to the owner's event bus."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.changes.channels import BUS
from chalicelib.domain.policy.policy import BusPolicy
from chalicelib.domain.webhooks.schedule import DELAYS
from chalicelib.usecases.messages import Deliver
from tests.unit.usecases.webhooks.channels import POLICY, Team, only


@pytest.fixture
def team() -> Team:
    made = Team()
    only(made.place, bus=True)
    return made


def test_an_entry_is_to_the_letter(team: Team) -> None:
    event = team.happens("access.revoked")
    team.publish(event)
    team.settle()
    assert team.buses.calls == [
        [
            {
                "Source": "billhook",
                "DetailType": "access.revoked",
                "Detail": event.document,
                "EventBusName": "billing",
                "Time": json.loads(event.document)["timestamp"],
            }
        ]
    ]
    assert team.waiting(BUS) == []


def test_only_the_types_that_are_wanted_go_out(team: Team) -> None:
    team.place.policy = replace(POLICY, slack=None, bus=BusPolicy(None, "b", ("access.revoked",)))
    wanted = team.happens("access.revoked")
    team.publish(wanted, team.happens("trial.started"))
    team.settle()
    assert team.buses.got() == [wanted.entry.id]


def test_without_a_bus_nothing_waits_for_one(team: Team) -> None:
    team.place.policy = replace(POLICY, slack=None, bus=BusPolicy())
    team.publish(team.happens())
    team.passes(minutes=5)
    assert (team.waiting(BUS), team.buses.calls) == ([], [])


def test_of_a_call_only_the_failed_entries_are_repeated(team: Team) -> None:
    events = [team.happens(account=f"acc_{number}") for number in range(25)]
    bad = {events[3].entry.id, events[17].entry.id}
    team.buses.refuses = bad.__contains__
    team.publish(*events)
    team.settle()
    assert [len(call) for call in team.buses.calls] == [10, 10, 5]
    team.buses.refuses = lambda id: False
    team.passes(minutes=1)
    assert {*team.buses.got()[25:]} == bad
    assert len(team.buses.got()) == 27
    assert team.waiting(BUS) == []


def test_a_bus_that_is_down_for_a_day_gets_everything(team: Team) -> None:
    team.buses.down = True
    event = team.happens()
    team.publish(event)
    team.settle()
    team.passes(hours=20)
    team.buses.down = False
    team.passes(hours=20)
    assert set(team.buses.got()) == {event.entry.id}
    assert (team.waiting(BUS), team.place.dead_letters.messages) == ([], [])


def test_what_the_bus_never_took_is_a_dead_letter_that_can_be_sent_back(team: Team) -> None:
    team.buses.down = True
    event = team.happens()
    team.publish(event)
    team.settle()
    team.passes(days=5)
    assert len(team.buses.calls) == len(DELAYS)
    ((body, told),) = team.place.dead_letters.messages
    assert told == {"code": "bus_refused", "reason": "EventBridge: InternalFailure."}
    team.buses.down = False
    team.place.deliveries_queue.waiting.append((BUS, json.loads(body)))
    team.settle()
    assert team.buses.got()[-1] == event.entry.id
    team.place.deliveries_queue.waiting.append((BUS, json.loads(body)))
    team.settle()
    assert len(team.buses.calls) == len(DELAYS) + 1, "what was taken is not put again"


def test_an_event_that_is_published_twice_is_put_once(team: Team) -> None:
    event = team.happens()
    for _ in range(2):
        team.publish(event)
        team.settle()
    assert team.buses.got() == [event.entry.id]


def test_a_lost_message_of_the_queue_costs_a_minute(team: Team) -> None:
    event = team.happens()
    team.publish(event)
    team.place.deliveries_queue.waiting.clear()
    team.place.now.at += timedelta(minutes=1)
    team.sweep()
    assert team.buses.got() == [event.entry.id]


def test_a_run_without_time_is_followed_by_another(team: Team) -> None:
    events = [team.happens(account=f"acc_{number}") for number in range(250)]
    team.publish(*events)
    team.place.deliveries_queue.waiting[:] = [(BUS, Deliver(BUS, sent="now").dump())]
    team.has_time = lambda: len(team.buses.calls) % 2 == 1
    team.place.now.at += timedelta(seconds=1)
    team.settle()
    team.has_time = lambda: True
    team.passes(minutes=1)
    assert sorted(team.buses.got()) == sorted(event.entry.id for event in events)
