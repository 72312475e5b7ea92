"""What AWS does between a table's stream and a function: reads on, filters, calls, and begins again
from what failed.
"""

import threading
from typing import Any

from local.aws.event_filters import passes
from local.aws.frequent_calls import EmulatedStreams
from local.aws.lambda_context import LambdaContext
from local.aws.progress import Progress
from local.aws.resources import Resources
from local.aws.triggers import PAUSE_AFTER_FAILURE, Function, Trigger

BATCH = 100
STREAM_PAUSE = 0.2


class StreamTrigger(Trigger):
    """Calls the function with the table's changes that pass the template's filter, in order, again
    and again until it succeeds.

    The agenda carries out what Lambda would give up on after its last attempt; here nothing is
    given up. `outboxes` are the items that had one when last seen, `accounts_changed` counts the
    changes of accounts that it has seen. Switched off, as when the stream
    is down, it looks at nothing; switched on again it goes on where it stopped.
    """

    def __init__(
        self,
        name: str,
        stopping: threading.Event,
        endpoint: str,
        resources: Resources,
        function: Function,
        function_name: str,
        progress: Progress,
    ) -> None:
        super().__init__(name, stopping)
        self._streams = EmulatedStreams(endpoint)
        self._arn, self._filters = resources.stream_arn, resources.filters
        self._function, self._function_name, self._progress = function, function_name, progress
        self._shard = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"][
            "Shards"
        ][0]["ShardId"]
        self._after: str | None = None
        self._iterator: str | None = None
        self._looking = threading.Lock()
        self._looked = threading.Condition()
        self._looks = self._last_idle_look = 0
        self._wake = threading.Event()
        self.is_on = True
        self.outboxes: set[str] = set()
        self.accounts_changed = 0

    def switch(self, on: bool) -> None:
        """On or off; off is true when this returns."""
        self.is_on = on
        with self._looking:
            self._wake.set()

    def is_idle(self, seconds: float) -> bool:
        """Whether a look at the stream that begins after this call, and ends within some seconds,
        finds nothing to carry out.
        """
        with self._looked:
            wanted = self._looks + 1
            self._wake.set()
            return self._looked.wait_for(lambda: self._last_idle_look >= wanted, seconds)

    def poll(self) -> None:
        with self._looking:
            with self._looked:
                self._looks += 1
            acted = self._look() if self.is_on else False
            if self.is_on and not acted:
                with self._looked:
                    self._last_idle_look = self._looks
                    self._looked.notify_all()
        if not acted:
            self._wake.wait(STREAM_PAUSE)
            self._wake.clear()

    def _look(self) -> bool:
        """Whether there may be more: the function was called for what was found, and may have
        written. All of it is carried out, unless it was switched off or told to end meanwhile.
        """
        try:
            records = self._read()
            for record in records:
                self._note_outbox(record["dynamodb"])
            waiting = [record for record in records if passes(self._filters, record)]
            is_done = all(
                self._call(waiting[start : start + BATCH])
                for start in range(0, len(waiting), BATCH)
            )
        except Exception:
            # Read again from behind the last record that was carried out.
            self._iterator = None
            raise
        if not is_done:
            self._iterator = None
        elif records:
            self._after = records[-1]["dynamodb"]["SequenceNumber"]
        # A page ends at a megabyte too, so a large one may not have been the last.
        return bool(waiting) or len(records) >= BATCH

    def _note_outbox(self, change: dict[str, Any]) -> None:
        if change["Keys"]["sk"]["S"] == "ACCOUNT":
            self.accounts_changed += 1
            note = (
                self.outboxes.add
                if "outbox" in change.get("NewImage", {})
                else self.outboxes.discard
            )
            note(change["Keys"]["pk"]["S"])

    def _read(self) -> list[dict[str, Any]]:
        answer = self._streams.get_records(
            ShardIterator=self._iterator or self._new_iterator(), Limit=1000
        )
        self._iterator = answer.get("NextShardIterator")
        return [record | {"eventSourceARN": self._arn} for record in answer["Records"]]

    def _call(self, records: list[dict[str, Any]]) -> bool:
        """True once nothing of the batch is left; a failure is tried again from the first record
        that failed.
        """
        while records and self.is_on and not self.stopping.is_set():
            with self._progress.at_work():
                answer = (
                    self._function({"Records": records}, LambdaContext(self._function_name, 60))
                    or {}
                )
            failed = {
                failure["itemIdentifier"] for failure in answer.get("batchItemFailures") or []
            }
            sequence = [record["dynamodb"]["SequenceNumber"] for record in records]
            done = (
                len(records)
                if not failed
                else next((place for place, number in enumerate(sequence) if number in failed), 0)
            )
            if done:
                self._after = sequence[done - 1]
                self._progress.add(done)
            records = records[done:]
            if records:
                self.stopping.wait(PAUSE_AFTER_FAILURE)
        return not records

    def _new_iterator(self) -> str:
        place: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._after:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._after}
        return str(
            self._streams.get_shard_iterator(StreamArn=self._arn, ShardId=self._shard, **place)[
                "ShardIterator"
            ]
        )
