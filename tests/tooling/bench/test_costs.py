"""How few calls leave for AWS and Stripe: docs/costs.md turns them into dollars."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bench.costs.stories import by_event_bus, idle_run, recorded, signs_up
from chalicelib.aws.items import DUE_SHARDS
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.aws.sdk_calls import passing_through
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

TRIAL = RECORDINGS["trial_converts"]


class Calls:
    """Calls of AWS, with their parameters."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []

    def __call__(self, _: str, operation: str, parameters: Any, call: Any) -> Any:
        self.made.append((operation, parameters))
        return call(operation, parameters)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@pytest.fixture
def trial(stage: Stage) -> Stage:
    """An account an hour into its trial."""
    moved = TRIAL.moved_to(int((clock.now() - timedelta(hours=1)).timestamp()))
    stage.stripe.truth = moved.truth(1)
    ingest(messages(moved.events[:1]), wiring.services())
    stage.stripe.asked.clear()
    return stage


@pytest.fixture
def calls(trial: Stage) -> Iterator[Calls]:
    counted = Calls()
    with passing_through(counted):
        yield counted


def living() -> list[Message]:
    return messages(TRIAL.moved_to(int((clock.now() - timedelta(hours=1)).timestamp())).events[1:5])


FIGURE = "PutItem"
"""What the account contributes to its trial's week: these events are the first that tell of it."""

TWO_HAPPENED = ["Query", "PutItem", "PutItem", "PutItem"]
"""Two domain events go out: where the feed ends, a row of it that names both, and each of them."""


def test_an_event_that_changes_an_account_is_one_read_one_conditional_write_and_one_log(
    trial: Stage, calls: Calls
) -> None:
    (outcome,) = ingest(living()[3:], wiring.services())
    assert outcome.effect == "applied"
    assert calls.names == ["BatchGetItem", "PutItem", FIGURE, "BatchWriteItem", *TWO_HAPPENED]
    (asked,) = calls.made[0][1]["RequestItems"].values()
    assert len(asked["Keys"]) == 1
    assert calls.made[1][1]["ConditionExpression"] == "version = :version"
    assert trial.stripe.asked == []


def test_a_batch_for_one_account_is_still_one_of_each(trial: Stage, calls: Calls) -> None:
    assert {outcome.effect for outcome in ingest(living(), wiring.services())} == {"applied"}
    assert calls.names == ["BatchGetItem", "PutItem", FIGURE, "BatchWriteItem", *TWO_HAPPENED]


def test_a_repeat_writes_no_account(trial: Stage, calls: Calls) -> None:
    events = living()
    ingest(events, wiring.services())
    calls.made.clear()
    assert {outcome.effect for outcome in ingest(events, wiring.services())} == {"unchanged"}
    looks_for_figures = "BatchGetItem"
    assert calls.names == ["BatchGetItem", looks_for_figures, "BatchWriteItem"]


def test_access_is_one_consistent_read_of_one_item(trial: Stage, calls: Calls) -> None:
    key = trial.key("access")
    trial.get("/accounts/acct_demo/access", key)
    calls.made.clear()
    assert trial.get("/accounts/acct_demo/access", key).status == 200
    assert calls.names == ["GetItem"], "the key is remembered for a minute"
    assert calls.made[0][1]["ConsistentRead"]


def test_a_webhook_is_one_message_to_the_queue(trial: Stage, calls: Calls) -> None:
    trial.webhook(TRIAL.events[0])
    calls.made.clear()
    assert trial.webhook(TRIAL.events[0]).status == 200
    assert calls.names == ["SendMessage"], "the secret is remembered"


def test_an_event_by_eventbridge_calls_no_route_and_writes_what_a_webhook_does() -> None:
    by_bus, by_route = by_event_bus(TRIAL), recorded(TRIAL)
    assert by_bus.by_function.keys() == {"EventBridge", "ProcessEvents"}
    assert by_bus.by_function["EventBridge"].keys() == {"bus_events", "sqs"}
    assert by_bus.total["bus_events"] == by_route.total["webhooks"]
    for unit in ("write_units", "read_units", "stripe_calls", "sqs"):
        assert by_bus.total[unit] == by_route.total[unit], unit


def test_an_event_left_alone_costs_nothing(trial: Stage, calls: Calls) -> None:
    charge = next(event for event in TRIAL.events if event["type"] == "charge.succeeded")
    ingest(messages([charge]), wiring.services())
    assert calls.names == []


def test_a_sweep_reads_each_shard_and_nothing_else_while_nothing_is_due() -> None:
    assert idle_run("sweep_due").calls == {
        "SweepDue": {
            "dynamodb.Query": DUE_SHARDS,
            # the progress of a replan, the open conditions, and the webhook endpoints
            "dynamodb.GetItem": 3,
        }
    }


def test_a_mail_is_a_claim_a_confirmation_and_a_look_at_the_suppressions_beside_the_account() -> (
    None
):
    used = signs_up(None)
    mails = used.total["mails"]
    reads = {"dynamodb.GetItem": 3}  # the account, the claim, the suppression
    # The claim and the account, the confirmation, the timeline.
    writes = {
        "dynamodb.PutItem": 2,
        "dynamodb.UpdateItem": 1,
        "dynamodb.BatchWriteItem": 1,
    }
    expected = Counter(
        {name: number * mails for name, number in (reads | writes | {"sesv2.SendEmail": 1}).items()}
    )
    # the welcome, which anybody can cause: the count of its mailbox
    expected.update({"dynamodb.GetItem": 1, "dynamodb.PutItem": 1})
    assert used.calls["SendMails"] == expected
    # Sent and delivered, each with a look at the account: the claim of a sent message is settled.
    assert used.calls["TakeFeedback"] == {
        "dynamodb.GetItem": 2 * mails,
        "dynamodb.PutItem": 2 * mails,  # the timeline, once
        "dynamodb.UpdateItem": 2 * mails,  # the week's count of the message
    }
    assert mails > 5, "those of a whole trial"


@pytest.mark.parametrize("name", ["trial_converts", "renewal_fails_then_recovers"])
def test_an_adoption_asks_stripe_and_no_later_event_does(name: str) -> None:
    """Behind the pointer that lets its events be found: the customer with its subscriptions, and
    its invoices.
    """
    assert recorded(RECORDINGS[name]).total["stripe_calls"] == 2
