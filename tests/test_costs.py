"""The costs that the design promises, by counting the calls that leave for AWS and Stripe."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws import dynamo
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.take_in import Message, take_in
from tests.entry.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.usecases.test_take_in_recordings import messages
from tests.worlds import RECORDINGS

TRIAL = RECORDINGS["trial_converts"]


class Calls:
    """AWS calls as they leave boto3."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []

    def __call__(self, model: Any, params: Any, **_: Any) -> None:
        self.made.append((model.name, params))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@pytest.fixture
def trial(stage: Stage) -> Stage:  # noqa: F811
    """An account an hour into its trial."""
    moved = TRIAL.moved_to(int((clock.now() - timedelta(hours=1)).timestamp()))
    stage.stripe.truth = moved.truth(1)
    take_in(messages(moved.events[:1]), wiring.world())
    stage.stripe.asked.clear()
    return stage


@pytest.fixture
def calls(trial: Stage) -> Iterator[Calls]:
    counted = Calls()
    clients = [dynamo.client(), trial.sqs]
    for client in clients:
        client.meta.events.register("before-call", counted)
    yield counted
    for client in clients:
        client.meta.events.unregister("before-call", counted)


def living() -> list[Message]:
    return messages(TRIAL.moved_to(int((clock.now() - timedelta(hours=1)).timestamp())).events[1:5])


def test_an_event_that_changes_an_account_is_one_read_one_conditional_write_and_one_log(trial: Stage, calls: Calls) -> None:
    (outcome,) = take_in(living()[3:], wiring.world())
    assert outcome.effect == "learnt"
    assert calls.names == ["BatchGetItem", "PutItem", "BatchWriteItem"]
    assert len(calls.made[0][1]["body"]) < 300, "one key"
    assert b"version = :version" in calls.made[1][1]["body"]
    assert trial.stripe.asked == []


def test_a_batch_for_one_account_is_still_one_of_each(trial: Stage, calls: Calls) -> None:
    assert {outcome.effect for outcome in take_in(living(), wiring.world())} == {"learnt"}
    assert calls.names == ["BatchGetItem", "PutItem", "BatchWriteItem"]


def test_a_repeat_writes_no_account(trial: Stage, calls: Calls) -> None:
    take_in(living(), wiring.world())
    calls.made.clear()
    assert {outcome.effect for outcome in take_in(living(), wiring.world())} == {"unchanged"}
    assert calls.names == ["BatchGetItem", "BatchWriteItem"]


def test_access_is_one_consistent_read_of_one_item(trial: Stage, calls: Calls) -> None:
    key = trial.key("access")
    trial.get("/accounts/acct_demo/access", key)
    calls.made.clear()
    assert trial.get("/accounts/acct_demo/access", key).status == 200
    assert calls.names == ["GetItem"], "the key is remembered for a minute"
    assert b'"ConsistentRead": true' in calls.made[0][1]["body"]


def test_a_webhook_is_one_message_to_the_queue(trial: Stage, calls: Calls) -> None:
    client = wiring.events_queue()._sqs
    client.meta.events.register("before-call", calls)
    assert trial.webhook(TRIAL.events[0]).status == 200
    assert calls.names == ["SendMessage"]


def test_an_event_left_alone_costs_nothing(trial: Stage, calls: Calls) -> None:
    charge = next(event for event in TRIAL.events if event["type"] == "charge.succeeded")
    take_in(messages([charge]), wiring.world())
    assert calls.names == []
