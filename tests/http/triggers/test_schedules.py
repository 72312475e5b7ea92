"""The schedules, called as Lambda calls them: the sweep queues due accounts, and one account
that fails delays no other.
"""

import json

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.entry.triggers.act_queue import act_on_accounts
from chalicelib.runtime import wiring
from local.aws.lambda_context import LambdaContext
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import (
    ACCOUNT,
    TICK,
    Office,
    office,  # noqa: F401 - the fixture
    sweep_due,
)


def bodies(office: Office) -> list[dict[str, str]]:
    return [json.loads(one["Body"]) for one in office.stage.messages(office.act_queue)]


def test_the_sweep_queues_due_accounts_and_no_others(office: Office) -> None:
    office.sweep()
    assert bodies(office) == []
    office.begin_trial()
    office.sweep()
    assert bodies(office) == [{"account_id": ACCOUNT}]


def test_a_sweep_that_cannot_read_the_index_fails_the_function(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    monkeypatch.setattr(wiring.services().stores.due_index, "due", fail)
    with pytest.raises(Unavailable):
        sweep_due(TICK, LambdaContext("sweep_due", 60))


def test_a_due_account_is_processed_and_waits_for_its_next_due_time(office: Office) -> None:
    office.begin_trial()
    office.tick()
    account = wiring.accounts().load(ACCOUNT)
    assert account
    assert account.outbox == (), "what happened came out although no stream ran"
    office.sweep()
    assert bodies(office) == []


def test_of_a_batch_only_what_failed_comes_again(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = wiring.accounts().load

    def fail(id: str) -> object:
        if id == "acc_2":
            raise Unavailable("DynamoDB gives no answer now.")
        return load(id)

    monkeypatch.setattr(wiring.accounts(), "load", fail)
    works = [
        '{"account_id": "acc_1"}',
        '{"account_id": "acc_2"}',
        '{"account_id": ""}',
        "{",
        "[]",
        '{"account_id": 7}',
    ]
    records = [
        {"messageId": f"m-{number}", "receiptHandle": "r", "body": body}
        for number, body in enumerate(works)
    ]
    assert act_on_accounts({"Records": records}, LambdaContext("act_on_accounts", 60)) == {
        "batchItemFailures": [{"itemIdentifier": "m-1"}]
    }
    assert office.stage.everything_said().count("Unknown message") == 4


def test_an_act_that_fails_is_logged_with_its_type_and_place_and_no_personal_data(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ada@example.com")

    office.begin_trial()
    monkeypatch.setattr("chalicelib.domain.schedule.processing.dispatch", fail)
    office.tick()
    (told,) = office.stage.logged("Processing an account failed")
    assert (told["account_id"], told["outcome"], told["failure"]) == (
        ACCOUNT,
        "failed",
        "RuntimeError",
    )
    assert told["where"][-1].endswith(" fail")
    assert "ada@example.com" not in office.stage.everything_said()
    assert office.stage.metrics()["ActsFailed"] == 1


def test_after_a_policy_change_every_account_is_rescheduled(office: Office) -> None:
    office.begin_trial()
    for _ in range(3):
        office.sweep()
    walk = wiring.services().stores.replan_states.load()
    assert walk
    assert (walk.hash, walk.done) == (wiring.policy().hash, True)
