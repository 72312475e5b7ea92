"""What a sweep reads: items and bytes at 1,000, 10,000 and 100,000 accounts of which 50 are due,
beside a scan of the table.

The emulator's own figures of Query units are flat and of no use here: what came back is counted.
Fills and empties a table of its own.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import boto3

from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.items import DUE_SHARDS, account_item, due_shard, stamp
from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.schedule.sweep import sweep
from local.aws.emulator import Emulator
from tests.adapters.aws.conftest import table_definition
from tests.fakes.lifecycles import START, TRIAL
from tests.fakes.services import POLICY, FakeServices

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DUE = 50
SIZES = (1_000, 10_000, 100_000)

T = TypeVar("T")


class Read:
    """Counts the items that calls gave back, and their size as JSON."""

    def __init__(self) -> None:
        self.calls = self.items = self.size = 0

    def __call__(self, http_response: Any, parsed: Any, **_: Any) -> None:
        self.calls += 1
        self.items += parsed.get("ScannedCount", 0)
        self.size += len(http_response.content)


def typical() -> Account:
    """An account in its trial that waits for its next message."""
    account = apply(
        apply(
            Account("acc"),
            CustomerSnapshot(Customer("cus_1", "ada@example.com", "Ada"), FromEvent(START)),
        ),
        SubscriptionSnapshot(TRIAL, FromEvent(START)),
    )
    return replace(next_version(Account("acc"), account, POLICY, START), outbox=())


def fill(dynamodb: "DynamoDBClient", table: str, first: int, last: int) -> None:
    """Put accounts, of which the first `DUE` of all are due."""
    one = typical()
    for start in range(first, last, 25):
        requests: list[WriteRequestTypeDef] = []
        for number in range(start, min(start + 25, last)):
            due_at = (
                NOW - timedelta(minutes=1)
                if number < DUE
                else NOW + timedelta(hours=1 + number % 1000)
            )
            requests.append(
                {
                    "PutRequest": {
                        "Item": account_item(replace(one, id=f"acc_{number}", due_at=due_at))
                    }
                }
            )
        dynamodb.batch_write_item(RequestItems={table: requests})


def counted(dynamodb: "DynamoDBClient", work: Callable[[], T]) -> tuple[Read, T]:
    """What `work` read, and what it returned."""
    read = Read()
    dynamodb.meta.events.register("after-call.dynamodb", read)
    result = work()
    dynamodb.meta.events.unregister("after-call.dynamodb", read)
    return read, result


def scan(dynamodb: "DynamoDBClient", table: str) -> None:
    """The whole table, as a job without an index would."""
    for _ in dynamodb.get_paginator("scan").paginate(TableName=table):
        pass


class MillionDue:
    """The due index in memory, of accounts that are all due at the same second. Stands in for
    DynamoDB's client.
    """

    def __init__(self, accounts: int) -> None:
        self.calls = self.read = 0
        self.shards: dict[str, deque[str]] = {due_shard(n): deque() for n in range(DUE_SHARDS)}
        for number in range(accounts):
            self.shards[due_shard(number % DUE_SHARDS)].append(f"ACCOUNT#acc_{number:09}")

    def query(self, *, ExpressionAttributeValues: Any, Limit: int, **_: Any) -> Any:
        """The first due items of a shard, all due at the same second."""
        self.calls += 1
        shard = self.shards[ExpressionAttributeValues[":shard"]["S"]]
        found = [
            {"pk": {"S": pk}, "sk": {"S": "ACCOUNT"}, "due_at": {"S": stamp(NOW)}}
            for pk in islice(shard, Limit)
        ]
        self.read += len(found)
        return {"Items": found}


def million(accounts: int = 1_000_000) -> None:
    """Queue accounts that are all due at once; each that is queued is acted on before the next run.
    Prints what that takes.
    """
    index = MillionDue(accounts)
    place, runs, began = FakeServices(policy=POLICY), 0, time.process_time()
    place.now.at = NOW
    due: Any = DueIndex("bench", index)  # type: ignore[arg-type]
    services = replace(place.services, stores=replace(place.services.stores, due_index=due))
    seen: set[str] = set()
    while any(index.shards.values()):
        sweep(services)
        queued = {f"ACCOUNT#{message['account_id']}" for message in place.act_queue.waiting}
        seen |= queued
        place.act_queue.waiting.clear()
        for shard in index.shards.values():
            while shard and shard[0] in queued:
                shard.popleft()
        runs += 1
        place.now.at += timedelta(minutes=1)
    print(
        f"{accounts:,} due at once: {len(seen):,} queued in {runs:,} runs of a minute,"
        f" {index.calls:,} queries, {index.read:,} keys read,"
        f" {time.process_time() - began:.0f} s of CPU with the fake"
    )


def main() -> None:
    """Print the table, or with `--million` how a million accounts are queued."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="a million accounts due at once")
    if parser.parse_args().million:
        million()
        return
    print(
        " accounts   due  sweep: calls  items    bytes  scan: calls   items       bytes  filled in"
    )
    with Emulator() as emulator:
        dynamodb = boto3.client(
            "dynamodb",
            endpoint_url=emulator.endpoint,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
        )
        dynamodb.create_table(
            **table_definition("bench") | {"StreamSpecification": {"StreamEnabled": False}}
        )
        filled = 0
        for size in SIZES:
            began = time.monotonic()
            fill(dynamodb, "bench", filled, size)
            filled, took = size, time.monotonic() - began
            index = DueIndex("bench", dynamodb)
            swept, found = counted(dynamodb, partial(index.due, NOW, 1000))
            whole, _ = counted(dynamodb, partial(scan, dynamodb, "bench"))
            print(
                f"{size:>9,}  {len(found):>4}  {swept.calls:>12} {swept.items:>6} {swept.size:>8,} "
                f" {whole.calls:>11} {whole.items:>7,} {whole.size:>11,}  {took:>8.0f}s"
            )


if __name__ == "__main__":
    main()
