"""Due accounts in the sparse index, and the progress of replanning."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.jobs import replan_state as walks_module
from chalicelib.aws.jobs.replan_state import ReplanStates
from chalicelib.aws.queues import WorkQueue
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.reconciliation.replan import ReplanState
from tests.adapters.aws.conftest import TABLE

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def keep(dynamodb: Any, number: int, due_in: timedelta | None, policy: str | None = None) -> None:
    account = Account(
        f"acc_{number}", 1, due_at=NOW + due_in if due_in is not None else None, policy=policy
    )
    Accounts(TABLE, lambda: "key", dynamodb).save(Account(account.id), account)


def test_due_accounts_come_from_every_shard_the_oldest_first(
    dynamodb: Any,
) -> None:
    for number in range(60):
        keep(
            dynamodb,
            number,
            timedelta(minutes=-number)
            if number < 40
            else timedelta(microseconds=1)
            if number < 50
            else None,
        )
    waiting = [(NOW - timedelta(minutes=number), f"acc_{number}") for number in reversed(range(40))]
    assert DueIndex(TABLE, dynamodb).due(NOW, 100) == waiting
    assert DueIndex(TABLE, dynamodb).due(NOW, 1)[:1] == waiting[:1], (
        "however little is read, the one longest due is among it"
    )


def test_an_account_that_is_no_longer_due_leaves_the_index(dynamodb: Any) -> None:
    keep(dynamodb, 1, timedelta(0))
    accounts = Accounts(TABLE, lambda: "key", dynamodb)
    account = accounts.load("acc_1")
    assert account
    accounts.save(account, replace(account, version=2, due_at=None))
    assert DueIndex(TABLE, dynamodb).due(NOW, 10) == []


def test_replanning_sees_every_account_of_another_policy_once(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks_module, "A_PAGE", 7)
    for number in range(30):
        keep(
            dynamodb,
            number,
            None,
            policy=None if number % 3 == 0 else "old" if number % 3 == 1 else "new",
        )
    Timelines(TABLE, dynamodb).put(
        Entry("acc_1", NOW + timedelta(seconds=n), "stripe", f"evt_{n}", "customer.updated", {})
        for n in range(40)
    )
    walks, walk, seen, pages = ReplanStates(TABLE, dynamodb), ReplanState("new"), list[str](), 0
    while not walk.done:
        ids, cursor = walks.page(walk)
        further = replace(walk, cursor=cursor, done=cursor is None, version=walk.version + 1)
        walks.save(walk, further)
        walk, seen, pages = further, seen + ids, pages + 1
        assert walks.load() == walk
    assert sorted(seen) == sorted(f"acc_{number}" for number in range(30) if number % 3 != 2)
    assert pages > 5


def test_of_two_replanning_runs_one_continues(dynamodb: Any) -> None:
    walks = ReplanStates(TABLE, dynamodb)
    assert walks.load() is None
    walks.save(ReplanState("new"), ReplanState("new", "{}", version=1))
    with pytest.raises(ConcurrentUpdate):
        walks.save(ReplanState("new"), ReplanState("new", "{}", version=1))


def test_work_is_queued_ten_messages_a_call(sqs: Any) -> None:
    queue = WorkQueue(boto3.client("sqs").create_queue(QueueName="act")["QueueUrl"], sqs)
    queue.send_many([{"account_id": f"acc_{number}"} for number in range(25)])
    queue.send({"account_id": "acc_25"})
    assert queue.depth() == 26


def test_a_work_queue_that_is_gone_is_unavailable(sqs: Any) -> None:
    queue = WorkQueue("https://sqs.us-east-1.amazonaws.com/123456789012/none", sqs)
    for call in (queue.depth, lambda: queue.send_many([{"account_id": "x"}])):
        with pytest.raises(Unavailable):
            call()
