"""What the functions use while they run, in the units that AWS bills: counted where its calls
leave, sizes read off the items.

DynamoDB's rules (developer guide, "DynamoDB read and write operations" and "Best practices for ...
capacity"): a write is rounded up per KB of the larger of the item before and after it, doubled in a
transaction, and one that its condition refuses is billed too; a consistent read is rounded up per 4
KB, another is half. An index entry that appears or goes is one write, one that moves is two. A
Query is billed by what it read, at least once; it is not taken from the emulator, whose figures of
it are flat.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from botocore.exceptions import ClientError

from local.aws.sdk_calls import passing_through

Item = Mapping[str, Mapping[str, Any]]
Tally = Counter[str]
"""Units by name: UNITS says what each is."""

UNITS = {
    "api": "requests to API Gateway",
    "invocations": "invocations of functions",
    "aws_calls": "calls of AWS that a function waits for",
    "stripe_calls": "calls of Stripe",
    "write_units": "DynamoDB write units, index included",
    "index_units": "of them, those of the two indexes",
    "feed_rows": "rows added to the feed of domain events",
    "read_units": "DynamoDB read units",
    "sqs": "SQS requests, those of Lambda's pollers included",
    "mails": "mails handed to SES",
    "statistics": "statistics read of CloudWatch",
    "log_bytes": "bytes that the functions log, metrics and CloudWatch's own included",
    "webhooks": "webhooks of Stripe",
    "own_events": "events put onto the owner's bus, in pieces of 64 KB",
    "bus_events": "events of Stripe on its partner event bus, in pieces of 64 KB",
}


def size_of(item: Item) -> int:
    """Bytes of an item, as DynamoDB bills it."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.strip("-").replace(".", "").strip("0")) + 1) // 2 + 1
        case "M":
            return 3 + sum(
                1 + len(name.encode()) + _value_size(one) for name, one in content.items()
            )
        case "L":
            return 3 + sum(1 + _value_size(one) for one in content)
        case "B":
            return len(content)
    return 1


def write_units(before: Item | None, after: Item | None) -> int:
    """Of one write of the table alone."""
    return max(1, ceil(max(size_of(before or {}), size_of(after or {})) / 1024))


def index_units(before: Item | None, after: Item | None) -> int:
    """Of the same write in the two indexes, whose entries are keys and so less than a KB. An entry
    whose key stays and whose plan changes is one write.
    """
    due = _moved(before, after, "due_shard", "due_at")
    listed = _moved(before, after, "listed", "listed_at")
    plan = 0 if listed or not after or "listed" not in after else _moved(before, after, "plan")
    return due + listed + min(plan, 1)


def _moved(before: Item | None, after: Item | None, *names: str) -> int:
    was, is_ = (
        {name: item[name] for name in names if name in item} if item else {}
        for item in (before, after)
    )
    return 0 if was == is_ else 2 if was and is_ else 1


READ_UNIT_BYTES = 4096
"""What a read unit reads, consistently; half of it does otherwise."""


def read_units(sizes: int, consistent: bool) -> float:
    """Of one read of so many bytes."""
    return max(1, ceil(sizes / READ_UNIT_BYTES)) * (1 if consistent else 0.5)


@dataclass
class Meter:
    """`by_function` are the tallies, `calls` counts each function's calls by service and operation.
    `on_account` hears of each account that is written with an outbox."""

    on_account: Callable[[str], None]
    by_function: dict[str, Tally] = field(default_factory=dict)
    calls: dict[str, Counter[str]] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    running: str = ""

    def add(self, unit: str, number: float = 1) -> None:
        """Count something of the function that runs now."""
        if unit not in UNITS:
            raise KeyError(unit)
        tally = self.by_function.setdefault(self.running, Counter())
        tally[unit] += number  # type: ignore[assignment]  # half a read unit

    @contextmanager
    def function(self, name: str) -> Iterator[None]:
        """What happens inside is of this function."""
        self.running = name
        try:
            yield
        finally:
            self.running = ""

    @contextmanager
    def watching(self, counts: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Count the calls of AWS while a function runs, of the threads that `counts` is true in."""

        def counted(
            service: str, operation: str, parameters: Any, call: Callable[[str, Any], Any]
        ) -> Any:
            if not self.running or not counts():
                return call(operation, parameters)
            self.calls.setdefault(self.running, Counter())[f"{service}.{operation}"] += 1
            self.add("aws_calls")
            if service == "dynamodb":
                return self._dynamodb(call, operation, parameters)
            answer = call(operation, parameters)
            if service == "sqs":
                self.add("sqs")
            elif operation == "GetMetricStatistics":
                self.add("statistics")
            elif operation == "SendEmail":
                self.add("mails")
                self.mails.append(
                    {
                        "tags": parameters["EmailTags"],
                        "id": answer["MessageId"],
                        "to": parameters["Destination"]["ToAddresses"],
                    }
                )
            return answer

        with passing_through(counted):
            yield

    def _dynamodb(self, call: Callable[[str, Any], Any], operation: str, parameters: Any) -> Any:
        def load(table: str, key: Any) -> Item | None:
            found: Item | None = call(
                "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}
            ).get("Item")
            return found

        written = list(_written(operation, parameters))
        before = [load(table, key) for table, key in written]
        try:
            answer = call(operation, parameters)
        except ClientError:
            self._count_writes(operation, before, before)
            raise
        if written:
            after = [load(table, key) for table, key in written]
            self._count_writes(operation, before, after)
            for item in after:
                if item and item["sk"] == {"S": "ACCOUNT"} and "outbox" in item:
                    self.on_account(item["pk"]["S"].partition("#")[2])
        else:
            self._count_read(call, operation, parameters, answer, load)
        return answer

    def _count_writes(
        self, operation: str, before: list[Item | None], after: list[Item | None]
    ) -> None:
        for was, is_ in zip(before, after, strict=True):
            if is_ and not was and is_["pk"]["S"].startswith("FEED#"):
                self.add("feed_rows")
            index = index_units(was, is_)
            self.add("index_units", index)
            self.add(
                "write_units",
                write_units(was, is_) * (2 if operation == "TransactWriteItems" else 1) + index,
            )

    def _count_read(
        self,
        call: Callable[[str, Any], Any],
        operation: str,
        parameters: Any,
        answer: Any,
        load: Callable[[str, Any], Item | None],
    ) -> None:
        match operation:
            case "GetItem":
                # What is left out of the answer is read too.
                found = load(parameters["TableName"], parameters["Key"]) or {}
                self.add(
                    "read_units",
                    read_units(size_of(found), parameters.get("ConsistentRead", False)),
                )
            case "BatchGetItem":
                for table, asked in parameters["RequestItems"].items():
                    for key in asked["Keys"]:
                        self.add(
                            "read_units",
                            read_units(
                                size_of(load(table, key) or {}), asked.get("ConsistentRead", False)
                            ),
                        )
            case "Query":
                self.add(
                    "read_units",
                    read_units(
                        sum(map(size_of, answer["Items"])), parameters.get("ConsistentRead", False)
                    ),
                )
            case "Scan":
                # What a filter leaves out is read too.
                same = {
                    name: parameters[name]
                    for name in ("TableName", "ExclusiveStartKey", "Limit")
                    if name in parameters
                }
                items = call("Scan", same)["Items"]
                self.add(
                    "read_units",
                    read_units(sum(map(size_of, items)), parameters.get("ConsistentRead", False)),
                )
            case _:
                raise ValueError(
                    f"There is no rule for what {operation} costs: give it one in"
                    " bench/costs/metering.py."
                )


def _written(operation: str, parameters: Any) -> Iterator[tuple[str, Any]]:
    """The table and the key of each item that a call may write."""
    match operation:
        case "PutItem":
            yield parameters["TableName"], _key(parameters["Item"])
        case "UpdateItem" | "DeleteItem":
            yield parameters["TableName"], parameters["Key"]
        case "BatchWriteItem":
            for table, writes in parameters["RequestItems"].items():
                for write in writes:
                    ((_, one),) = write.items()
                    yield table, one.get("Key") or _key(one["Item"])
        case "TransactWriteItems":
            for write in parameters["TransactItems"]:
                ((_, one),) = write.items()
                yield one["TableName"], one.get("Key") or _key(one["Item"])


def _key(item: Item) -> dict[str, Any]:
    return {"pk": item["pk"], "sk": item["sk"]}
