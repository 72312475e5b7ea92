"""What a sweep reads: items and bytes at 1,000, 10,000 and 100,000 accounts of which 50 are due,
beside a scan of the table.

The emulator's own figures of Query units are flat and of no use here: what came back is counted.
Fills and empties a table of its own.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.domain.account.rules.apply import apply

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3

from chalicelib.aws.due_index import DueIndex
from chalicelib.aws.items import account_item
from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer
from local.aws.emulator import Emulator
from tests.adapters.aws.conftest import table_definition
from tests.fakes.lifecycles import START, TRIAL
from tests.fakes.services import POLICY

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


def main() -> None:
    """Print the table."""
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
            sweep, found = counted(dynamodb, partial(index.due, NOW, 1000))
            whole, _ = counted(dynamodb, partial(scan, dynamodb, "bench"))
            print(
                f"{size:>9,}  {len(found):>4}  {sweep.calls:>12} {sweep.items:>6} {sweep.size:>8,} "
                f" {whole.calls:>11} {whole.items:>7,} {whole.size:>11,}  {took:>8.0f}s"
            )


if __name__ == "__main__":
    main()
