"""Events from the queue to the timeline, as Lambda calls the functions."""

import json
from typing import Any

import pytest

from chalicelib.domain.security.account_proof import account_proof, stripe_metadata
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.fakes.services import RECORDINGS
from tests.fakes.stripe.reader import NOTHING
from tests.http.conftest import Stage

HISTORY = RECORDINGS["trial_converts"]


def living(events: int) -> Any:
    """The history with its first event just now, so that nothing is stale."""
    return HISTORY.moved_to(int(clock.now().timestamp()) - 5).events[:events]


def arrive(stage: Stage, *events: Any) -> set[str]:
    for event in events:
        assert stage.webhook(event).status == 200
    return stage.work()


def test_a_webhook_becomes_an_account_and_its_happenings_a_timeline(stage: Stage) -> None:
    moved = HISTORY.moved_to(int(clock.now().timestamp()) - 5)
    stage.stripe.truth = moved.truth(5)
    assert arrive(stage, *moved.events[:5]) == set()
    key = stage.key("read")
    access = stage.get("/accounts/acct_demo/access", key).body
    assert (access["access"], access["reason"], access["plan"]) == ("full", "trialing", "pro")
    assert stage.stream("acct_demo", "acct_demo", "acc_gone") == {"batchItemFailures": []}
    entries = stage.get("/accounts/acct_demo/timeline", key).body["entries"]
    assert sorted(entry["type"] for entry in entries if entry["kind"] == "happening") == [
        "access.granted",
        "account.created",
        "trial.started",
    ]
    assert sum(entry["kind"] == "stripe" for entry in entries) == 5
    account = wiring.accounts().load("acct_demo")
    assert account
    assert account.outbox == ()
    assert [told["applied"] for told in stage.logged("Events were ingested")] == [5]
    assert [told["number"] for told in stage.logged("Domain events were published")] == [3]


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({"created": "never"}, "EventsDead"),
        ({"data": {}}, "EventsDead"),
        ({"api_version": "2027-01-27.foxglove"}, "UnknownApiVersions"),
    ],
)
def test_each_kind_of_unusual_event_has_its_metric(stage: Stage, change: Any, metric: str) -> None:
    stage.stripe.truth = HISTORY.truth(1)
    assert arrive(stage, {**living(1)[0], **change}) == set()
    assert stage.metrics()[metric] == 1
    assert len(stage.messages(stage.dead_letters)) == (metric == "EventsDead")


def test_a_dead_letter_says_why_and_holds_what_came(stage: Stage) -> None:
    arrive(stage, b"{broken")
    (letter,) = stage.messages(stage.dead_letters)
    assert letter["Body"] == "{broken"
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "The body is no JSON."
    assert letter["MessageAttributes"]["code"]["StringValue"] == "unreadable"


def test_an_event_that_fails_comes_again_and_the_rest_of_its_batch_is_done(
    stage: Stage,
) -> None:
    stage.stripe.down = True
    # Only Stripe can say whose it is.
    subscribed = next(
        event for event in living(5) if event["type"] == "customer.subscription.created"
    )
    failed = arrive(stage, b"{broken", subscribed, {**living(1)[0], "type": "charge.succeeded"})
    assert len(failed) == 1
    counted = stage.metrics()
    assert (counted["EventsGivenBack"], counted["EventsDead"]) == (1, 1)
    [told] = stage.logged("Events were ingested")
    assert (told["retry"], told["dead_lettered"], told["ignored"]) == (1, 1, 1)
    assert "Stripe gave no answer" in stage.everything_said()


def test_a_defect_gives_the_messages_back_and_leaves_a_trace_without_their_content(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(wiring.accounts(), "of_customers", fail)
    assert len(arrive(stage, living(1)[0])) == 1
    said = stage.everything_said()
    assert "RuntimeError" in said
    assert "ada@example.com" not in said


def test_an_unknown_price_is_counted(stage: Stage) -> None:
    moved = HISTORY.moved_to(int(clock.now().timestamp()) - 5)
    text = json.dumps(moved.to_json()).replace("pro_monthly", "an_old_price")
    odd = type(HISTORY).from_json(json.loads(text))
    for event in odd.events:
        if event["data"]["object"]["object"] == "subscription":
            # Billhook sold it, under a price that billing.toml names no more.
            proof = account_proof("acct_demo", wiring.secrets().hash_key)
            event["data"]["object"]["metadata"] = stripe_metadata("acct_demo", proof)
    stage.stripe.truth = odd.truth(5)
    arrive(stage, *odd.events[:5])
    assert stage.metrics()["UnknownPrices"] == 1


def test_a_stream_that_fails_begins_again_at_the_record_that_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(id: str) -> None:
        if id == "acc_2":
            raise RuntimeError("a defect")

    monkeypatch.setattr(wiring.accounts(), "load", fail)
    assert stage.stream("acc_1", "acc_2", "acc_3") == {
        "batchItemFailures": [{"itemIdentifier": "1"}]
    }


def test_a_recent_event_counts_even_if_stripe_does_not_know_its_object_yet(stage: Stage) -> None:
    stage.stripe.truth = NOTHING
    assert arrive(stage, living(1)[0]) == set()
    assert wiring.accounts().load("acct_demo")
