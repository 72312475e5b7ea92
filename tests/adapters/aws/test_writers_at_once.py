"""Many writers over real HTTP on the emulator: nothing is lost or done twice. moto cannot test
that: its transactions do not exclude each other.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from chalicelib.usecases.ingestion.ingest import ingest
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.services import Clock, Services
from local.aws.emulator import Emulator
from tests.adapters.aws.conftest import table_definition
from tests.adapters.aws.test_accounts import account
from tests.fakes.services import RECORDINGS, FakeServices, Moment, at, updated
from tests.fakes.stripe.reader import FakeReader, reading
from tests.unit.usecases.ingestion.test_ingest_recordings import assert_true, messages

WRITERS = 8


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with Emulator() as running:
        yield running.endpoint


@pytest.fixture
def dynamodb(emulator: str, table: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The functions' own client, with a table."""
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": emulator,
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("dynamodb").create_table(**table_definition(table))
    return DynamoDb()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> str:
    return request.node.name[:60].replace("[", ".").replace("]", "")


def services(dynamodb: Any, table: str, reader: FakeReader, now: Moment) -> Services:
    waiting = threading.Event()
    fakes = FakeServices().services
    return replace(
        fakes,
        stores=replace(
            fakes.stores,
            accounts=Accounts(table, lambda: "key", dynamodb),
            timeline=Timelines(table, dynamodb),
        ),
        stripe=reading(reader),
        clock=Clock(now=now, pause=lambda seconds: waiting.wait(seconds) and None),
    )


def at_once(work: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(lambda one: one(), work))


@pytest.mark.parametrize("name", ["trial_pauses_then_resumes", "renewal_fails_then_recovers"])
def test_eight_writers_on_one_account_lose_no_update(dynamodb: Any, table: str, name: str) -> None:
    recording = RECORDINGS[name]
    place = services(
        dynamodb, table, FakeReader(recording.truth()), Moment(at(recording.events[-1]["created"]))
    )
    batches = [messages([event]) for event in recording.events * 2]
    outcomes = at_once([lambda batch=batch: ingest(batch, place) for batch in batches])
    # Those given back, as the queue would bring them again.
    again = [
        batch
        for batch, (outcome,) in zip(batches, outcomes, strict=True)
        if outcome.effect == "retry"
    ]
    assert all(outcome.effect != "retry" for batch in again for outcome in ingest(batch, place))
    found = place.stores.accounts.load("acct_demo")
    assert found
    memory = FakeServices()
    memory.accounts.save(replace(found, version=0, customers={}), found)
    assert_true(memory, recording, len(recording.checkpoints) - 1)


def test_one_of_many_equal_writes_wins_and_the_rest_know_it(dynamodb: Any, table: str) -> None:
    accounts = Accounts(table, lambda: "key", dynamodb)

    def adopt(number: int) -> str:
        one = account(f"acc_{number % 2}", "cus_1")
        try:
            accounts.save(Account(one.id), one)
        except (ConcurrentUpdate, AccountTaken) as lost:
            return type(lost).__name__
        return "won"

    results = at_once([lambda number=number: adopt(number) for number in range(6 * WRITERS)])
    assert results.count("won") == 1
    assert len(dynamodb.scan(TableName=table)["Items"]) == 3, (
        "one account, its customer and its address"
    )


def test_stream_and_schedule_at_once_publish_each_domain_event_once(
    dynamodb: Any, table: str
) -> None:
    recording = RECORDINGS["trial_converts"]
    place = services(
        dynamodb, table, FakeReader(recording.truth(5)), Moment(at(recording.events[4]["created"]))
    )
    ingest(messages(recording.events[:5]), place)
    at_once([lambda: publish_outbox("acct_demo", place)] * WRITERS)
    found = place.stores.accounts.load("acct_demo")
    assert found
    assert found.outbox == ()
    entries, _ = Timelines(table, dynamodb).page(
        "acct_demo", None, at(recording.events[4]["created"]) + timedelta(days=1)
    )
    types = sorted(entry.type for entry in entries if entry.kind == "happening")
    assert types == ["access.granted", "account.created", "trial.started"]


def test_a_write_whose_reply_was_lost_is_a_lost_race_and_the_facts_are_applied_again(
    dynamodb: Any, table: str
) -> None:
    """The client retries a write whose reply it did not get, and the retry fails its own
    condition.
    """
    recording = RECORDINGS["trial_converts"]
    place = services(
        dynamodb, table, FakeReader(recording.truth(1)), Moment(at(recording.events[0]["created"]))
    )
    ingest(messages(recording.events[:1]), place)
    accounts, lost = place.stores.accounts, []

    class ReplyLost:
        def __getattr__(self, verb: str) -> Any:
            return getattr(accounts, verb)

        def save(self, old: Any, new: Any) -> None:
            accounts.save(old, new)
            if not lost:
                lost.append(new)
                raise ConcurrentUpdate("the repeat met its own condition")

    events = messages(recording.events[4:5])
    stores = replace(place.stores, accounts=ReplyLost())  # type: ignore[arg-type]
    outcomes = ingest(events, replace(place, stores=stores))
    assert [outcome.effect for outcome in outcomes] == ["applied"]
    found = accounts.load("acct_demo")
    assert found
    assert lost
    assert updated(found) == updated(lost[0])
    assert found.version == lost[0].version
