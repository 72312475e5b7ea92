"""Domain events as the people system gets them, for every type that there is."""

import json
import re

import pytest

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import example
from chalicelib.domain.people.events import apart, of_document, of_step
from chalicelib.domain.people.intercom import event_body
from tests.fakes.lifecycles import START


@pytest.mark.parametrize("type", CATALOGUE)
def test_every_type_is_an_event_that_intercom_takes(type: str) -> None:
    event = of_document(json.loads(example(type)))
    assert event.name == type.replace(".", "-")
    assert re.fullmatch("[a-z_-]+", event.name), "dots and dollar signs would become hyphens"
    body = event_body("acc_1", event)
    assert body["created_at"] == int(event.at.timestamp())
    assert 1 <= len(body["metadata"]) <= 10
    for name, value in body["metadata"].items():
        flat = isinstance(value, str | int | float)
        assert flat or (name == "amount" and value.keys() == {"amount", "currency"})


def test_all_types_and_many_steps_are_within_the_120_names_that_intercom_takes() -> None:
    names = {of_document(json.loads(example(type))).name.lower() for type in CATALOGUE}
    assert len(names) == len(CATALOGUE)
    assert len(names) <= 60


def test_what_is_paid_is_an_amount_and_what_is_free_has_none() -> None:
    paid = of_document(json.loads(example("payment.succeeded")))
    assert event_body("acc_1", paid)["metadata"]["amount"] == {"amount": 4900, "currency": "usd"}
    document = json.loads(example("payment.succeeded"))
    document["data"] |= {"amount_paid": 0, "amount_due": 0}
    assert "amount" not in event_body("acc_1", of_document(document))["metadata"]


def test_a_payment_that_failed_is_about_what_is_due() -> None:
    document = json.loads(example("payment.failed"))
    document["data"] |= {"amount_paid": 0, "amount_due": 1234, "currency": "eur"}
    assert of_document(document).metadata["amount"] == {"amount": 1234, "currency": "eur"}


def test_events_of_one_name_and_second_get_seconds_of_their_own() -> None:
    steps = [of_step(f"m{number}", "tips@trial", "onboarding", START) for number in range(3)]
    other = of_step("m9", "hello@trial", "onboarding", START)
    seconds = [int((one.at - START).total_seconds()) for one in apart([*steps, other])]
    assert seconds == [0, 1, 2, 0]
    assert list(apart([steps[0]])) == [steps[0]]
