"""Two endpoints that tell of the same changes, each in the shape of its own API version and under
event ids of its own: the account is as if there was one.
"""

import copy
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.fakes.services import RECORDINGS, FakeServices
from tests.unit.usecases.ingestion.test_ingest_recordings import assert_true, play

MOVED_TO_ITEMS = ("current_period_start", "current_period_end")


def as_of_2022(event: dict[str, Any]) -> dict[str, Any]:
    """The event as an endpoint of the API version 2022-11-15 gets it, expanded and with an id of
    its own.
    """
    older = copy.deepcopy(event)
    older |= {"id": f"{event['id']}_older", "api_version": "2022-11-15", "request": None}
    carried = older["data"]["object"]
    for thing in (carried, older["data"].get("previous_attributes") or {}):
        match carried["object"]:
            case "subscription":
                _of_a_subscription(thing)
            case "invoice":
                _of_an_invoice(thing)
    if isinstance(carried.get("customer"), str):
        carried["customer"] = {"id": carried["customer"], "object": "customer"}
    return older


def _of_a_subscription(thing: dict[str, Any]) -> None:
    lines = (thing.get("items") or {}).get("data") or []
    for field, one in zip(MOVED_TO_ITEMS, (min, max), strict=True):
        if times := [line.pop(field) for line in lines if field in line]:
            thing[field] = one(times)
    for line in lines:
        line["plan"] = {"id": line["price"]["id"], "object": "plan"}
    if "discounts" in thing:
        thing["discount"] = next(iter(thing.pop("discounts")), None)


def _of_an_invoice(thing: dict[str, Any]) -> None:
    if parent := thing.pop("parent", None):
        details = parent["subscription_details"] or {}
        thing["subscription"] = details.get("subscription")
        thing["subscription_details"] = {"metadata": details.get("metadata")}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_two_endpoints_of_different_versions_tell_of_one_customer(name: str, seed: int) -> None:
    recording, place = RECORDINGS[name], FakeServices()
    until = recording.events_until(recording.checkpoints[-1])
    told = recording.events[:until]
    both = Random(seed).sample([*told, *map(as_of_2022, told)], k=2 * len(told))
    play(place, recording, both, until, timedelta(seconds=40), batch=3)
    assert_true(place, recording, -1)
    assert place.dead_letters.messages == []


def test_an_older_shape_alone_leads_to_the_same_account() -> None:
    recording, place = RECORDINGS["trial_converts"], FakeServices()
    until = recording.events_until(recording.checkpoints[-1])
    older = [as_of_2022(event) for event in recording.events[:until]]
    play(place, recording, older, until, timedelta(seconds=1), batch=100)
    assert_true(place, recording, -1)
