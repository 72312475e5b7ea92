"""Waits until the system is idle."""

import time
from collections.abc import Callable
from typing import Any

from chalicelib.aws.events.webhooks import EndpointList, due_shard
from chalicelib.domain.changes.channels import channels
from chalicelib.runtime import wiring
from local.aws.frequent_calls import EmulatedQueues, EmulatedTable
from local.aws.progress import Progress
from local.aws.resources import Resources
from local.aws.ses_bus import BusTrigger
from local.aws.table_stream import StreamTrigger
from local.shutdown import Stopped

PATIENCE_SECONDS = 60
LOOK_AGAIN_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5
"""Work that is left is looked at again after the first time, or once this process has done all that
it knows of. No look waits longer than the second.
"""

TRIED_IN_VAIN = 3
"""How often a mail must have returned to the queue to count as waiting for SES. Only a later time
helps such a mail.
"""

DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class NotSettled(Exception):
    """Nothing was finished for a minute; the message names the work that is left."""


class Rest:
    """Knows what work is left in the queues, SES's bus, the stream and the outboxes.

    `stripe` says whether the simulated Stripe is idle. Mail that SES does not accept now counts as
    idle. So does a stream that is switched off, with what is in the outboxes: that work falls due
    later.
    """

    def __init__(
        self,
        endpoint: str,
        resources: Resources,
        stream: StreamTrigger,
        progress: Progress,
        ses_bus: BusTrigger | None = None,
        stripe: Callable[[], bool] = lambda: True,
    ) -> None:
        self._sqs, self._dynamodb = EmulatedQueues(endpoint), EmulatedTable(endpoint)
        self._table, self._stream, self._progress, self._ses_bus = (
            resources.table_name,
            stream,
            progress,
            ses_bus,
        )
        self._stripe_is_at_rest = stripe
        self._idle_since: tuple[int, int] | None = None
        self._mail = resources.queue("MailQueue").ref
        # In the order in which work moves through them, so that one look at all misses none.
        self._queues = {
            "events": resources.events_queue_url,
            "act": resources.queue("ActQueue").ref,
            "mail": self._mail,
            "deliveries": resources.queue("DeliveriesQueue").ref,
        }
        self._dead_letters = resources.dead_letters_queue_url

    def wait(self) -> None:
        """Wait until the system is idle. Raises NotSettled after a minute in which nothing was
        finished, and Stopped when the system ends. A message that keeps failing is no progress, so
        it cannot make the wait longer.
        """
        self._idle_since = None
        self.wait_for_own_work()

    def wait_for_own_work(self) -> None:
        """The same between two steps of this process, when no other has sent anything: where it has
        set off nothing since it was idle, the queues are not looked at.
        """
        done, since = self._progress.done, time.monotonic()
        while left := self._left_unless_stopped():
            if self._progress.done != done:
                done, since = self._progress.done, time.monotonic()
            if time.monotonic() - since > PATIENCE_SECONDS:
                raise NotSettled(f"Left after {PATIENCE_SECONDS} seconds without progress: {left}.")
            if self._progress.is_busy:
                self._progress.await_rest(LONGEST_LOOK_SECONDS)
            else:
                time.sleep(LOOK_AGAIN_SECONDS)

    def depth(self, queue_url: str) -> int:
        """How many messages a queue holds, those in flight included."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=list(DEPTHS)
        )["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in DEPTHS)

    def depths(self) -> dict[str, int]:
        """How many messages each queue holds, by its short name."""
        return {name: self.depth(url) for name, url in self._queues.items()} | {
            "dead_letters": self.depth(self._dead_letters)
        }

    def due(self) -> list[tuple[str, str]]:
        """All due work, now or later, as (`due_at`, key), the soonest first. The key of an account
        is its partition's. What waits for a disabled or deleted endpoint is not due.
        """
        found = self._scan(IndexName="due", ProjectionExpression="due_at, due_shard, pk, sk")
        calls = {shard for item in found if (shard := item["due_shard"]["S"]).startswith("CALL#")}
        idle = calls - self._enabled_shards() if calls else set()
        return sorted(
            (item["due_at"]["S"], _key_of(item))
            for item in found
            if item["due_shard"]["S"] not in idle
        )

    def _enabled_shards(self) -> set[str]:
        dynamodb: Any = self._dynamodb
        endpoints = EndpointList(self._table, dynamodb).load()
        enabled = [one.id for one in endpoints.all if one.is_enabled]
        return {due_shard(id) for id in (*enabled, *channels(wiring.policy()))}

    def next_due(self) -> str | None:
        """The earliest `due_at` over all shards of the index."""
        return next((due_at for due_at, _ in self.due()), None)

    def account_items(self) -> list[dict[str, Any]]:
        """The items of all accounts."""
        return self._scan(
            FilterExpression="sk = :account",
            ExpressionAttributeValues={":account": {"S": "ACCOUNT"}},
            ConsistentRead=True,
        )

    def _left_unless_stopped(self) -> str | None:
        if self._stream.stopping.is_set():
            raise Stopped
        return self._left()

    def _left(self) -> str | None:
        mark = self._progress.mark
        if not self._stripe_is_at_rest():
            return "webhooks of the simulated Stripe"
        if mark != self._idle_since and (left := self._left_in_queues()):
            return left
        if self._ses_bus and self._ses_bus.pending:
            return f"{self._ses_bus.pending} event(s) of SES's"
        if self._stream.is_on:
            if not self._stream.is_idle(LONGEST_LOOK_SECONDS):
                return "changes in the table's stream that were not carried out"
            if full := sorted(self._stream.outboxes):
                return f"an outbox in {', '.join(full[:5])}" + (
                    f" and {len(full) - 5} more" if len(full) > 5 else ""
                )
        # What was found at work since the first look may have sent messages.
        if self._progress.is_busy or self._progress.mark != mark or not self._stripe_is_at_rest():
            return "what has just been set off"
        self._idle_since = mark
        return None

    def _left_in_queues(self) -> str | None:
        for name, url in self._queues.items():
            messages = self.depth(url)
            if messages and url == self._mail:
                messages -= self._progress.waiting(url, TRIED_IN_VAIN)
            if messages > 0:
                return f"{messages} message(s) in the {name} queue"
        return None

    def _scan(self, **arguments: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            page = self._dynamodb.scan(TableName=self._table, **arguments)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _key_of(item: dict[str, Any]) -> str:
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    return pk if sk == "ACCOUNT" else f"{pk}/{sk}"
