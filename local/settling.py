"""Waiting until everything that was set off has come to rest."""

import time
from typing import Any

from local.resources import Resources, client
from local.triggers import Progress, StreamTrigger

PATIENCE_SECONDS = 60
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


class NotSettled(Exception):
    """Nothing has moved for a minute, and this is left."""


class Rest:
    """Knows what is still under way in the queues, the stream and the outboxes."""

    def __init__(self, endpoint: str, resources: Resources, stream: StreamTrigger, progress: Progress) -> None:
        self._sqs, self._dynamodb = client("sqs", endpoint), client("dynamodb", endpoint)
        self._resources, self._stream, self._progress = resources, stream, progress
        self._clean_at: int | None = None

    def wait(self) -> None:
        """Return once all is at rest. Raises NotSettled, naming what is left, after a minute in which nothing was finished.

        A message that fails again and again is no progress, so it cannot hold up a caller for longer.
        """
        done, since = self._progress.done, time.monotonic()
        while left := self._left():
            if self._progress.done != done:
                done, since = self._progress.done, time.monotonic()
            if time.monotonic() - since > PATIENCE_SECONDS:
                raise NotSettled(f"Left after {PATIENCE_SECONDS} seconds without progress: {left}.")
            time.sleep(0.02)

    def depth(self, queue_url: str) -> int:
        """How many messages a queue holds, those in flight included."""
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(DEPTHS))["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in DEPTHS)

    def next_due(self) -> str | None:
        """The earliest `due_at` over all shards of the index."""
        moments = [item["due_at"]["S"] for item in self._scan(IndexName="due", ProjectionExpression="due_at")]
        return min(moments, default=None)

    def _left(self) -> str | None:
        done, seen = self._progress.done, self._stream.seen
        if messages := self.depth(self._resources.events_queue_url):
            return f"{messages} message(s) in the events queue"
        if not self._stream_is_idle() or self._stream.seen != seen:
            return "changes in the table's stream that were not carried out"
        # Carrying out may have sent messages, and those may have been taken, since the queue was looked at.
        if self._progress.done != done or self.depth(self._resources.events_queue_url):
            return "messages in the events queue"
        if self._clean_at != seen:
            # Every write passes the stream: without news there, the table need not be read again.
            full = [
                item["pk"]["S"]
                for item in self._scan(
                    ProjectionExpression="pk",
                    FilterExpression="sk = :account AND attribute_exists(outbox)",
                    ExpressionAttributeValues={":account": {"S": "ACCOUNT"}},
                    ConsistentRead=True,
                )
            ]
            if full:
                return f"an outbox in {', '.join(sorted(full)[:5])}" + (f" and {len(full) - 5} more" if len(full) > 5 else "")
            self._clean_at = seen
        return None

    def _stream_is_idle(self) -> bool:
        """Whether a look at the stream that began after this call found nothing."""
        # Two rounds on: the first may have begun before.
        wanted = self._stream.idle_rounds + 2
        end = time.monotonic() + 0.5
        while self._stream.idle_rounds < wanted:
            if time.monotonic() > end:
                return False
            self._stream.wake.set()
            time.sleep(0.002)
        return True

    def _scan(self, **arguments: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while True:
            page = self._dynamodb.scan(TableName=self._resources.table_name, **arguments)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
