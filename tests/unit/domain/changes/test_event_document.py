"""The document of an event: what the catalogue promises of it, and its size."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import LARGEST, document, example
from tests.fakes.memory.timeline import conforms

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
STANDING = Standing("canceled", "none", "canceled")
LEFT = DomainEvent(
    "acc_1.0.9.feedback.given",
    "feedback.given",
    T,
    {"occasion": "canceled@sub_1", "answer": "other", "comment": "Too slow."},
    7,
    STANDING,
    "u-1",
)


def values(event: DomainEvent) -> Any:
    text = document(event, livemode=False)
    conforms(text)
    return json.loads(text)


@pytest.mark.parametrize("type", CATALOGUE)
def test_the_example_of_a_type_is_one_of_its_documents(type: str) -> None:
    conforms(example(type))


def test_the_access_of_the_moment_is_in_every_document() -> None:
    data = values(LEFT)["data"]
    assert data["access"] == {
        "access": "none",
        "reason": "canceled",
        "plan": None,
        "features": [],
        "quantity": None,
        "until": None,
    }
    assert (data["account_id"], data["external_id"], data["livemode"]) == ("acc_1", "u-1", False)
    assert data["comment"] == "Too slow."


def test_what_access_says_already_is_not_there_twice() -> None:
    told = {"status": "canceled", "access": "none", "reason": "canceled", "reason_before": "active"}
    revoked = replace(LEFT, id="acc_1.0.9.access.revoked", type="access.revoked", data=told)
    data = values(revoked)["data"]
    assert data["access"]["reason"] == "canceled"
    assert (data.keys() & {"reason", "reason_before"}, data["status"]) == (
        {"reason_before"},
        "canceled",
    )


@pytest.mark.parametrize("letter", ["a", "ü", "€", "😀", '"', "\\", "\n", "\x00"])
def test_what_people_wrote_is_cut(letter: str) -> None:
    wordy = replace(LEFT, data={**LEFT.data, "comment": letter * 40_000})
    found = values(wordy)
    assert found["data"]["comment"] == letter * 500


def test_a_document_stays_below_its_bound_even_where_all_else_is_long() -> None:
    features = tuple(f"feature-{n}-{'x' * 30}" for n in range(400))
    long = replace(LEFT, standing=replace(STANDING, features=features))
    wordy = replace(long, data={**LEFT.data, "comment": "😀" * 500})
    assert len(document(wordy, livemode=False).encode()) < LARGEST
    assert values(wordy)["data"]["access"]["features"] == list(features)


def test_an_event_of_a_release_that_numbered_none_has_no_document() -> None:
    with pytest.raises(ValueError, match="numbered no events"):
        document(DomainEvent(LEFT.id, LEFT.type, T, LEFT.data), livemode=False)
