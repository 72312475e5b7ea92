"""What EventBridge does between SES and a function: each event in an envelope, and again if the
function fails.
"""

import logging
import queue
import threading
import uuid
from typing import Any

from chalicelib.runtime.clock import clock
from local.aws.lambda_context import LambdaContext
from local.aws.progress import Progress
from local.aws.template import ACCOUNT, REGION
from local.aws.triggers import PAUSE_AFTER_FAILURE, Function, Trigger
from local.durations import iso

ATTEMPTS = 3
"""Lambda calls a function that EventBridge started twice more, then drops the event. (Deployed, the
dead-letter queue keeps it.)
"""

DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
}
"""What EventBridge calls SES's event types
(docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html).
"""

log = logging.getLogger("billhook.local")


class BusTrigger(Trigger):
    """Calls the function with what was published, in order. `pending` counts what it has not
    finished.
    """

    def __init__(
        self,
        name: str,
        stopping: threading.Event,
        function: Function,
        function_name: str,
        progress: Progress,
    ) -> None:
        super().__init__(name, stopping)
        self._function, self._function_name, self._progress = (
            function,
            function_name,
            progress,
        )
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self.pending = 0

    def publish(self, message: dict[str, Any]) -> None:
        """Publish an event of SES's."""
        with self._lock:
            self.pending += 1
        self._waiting.put(message)

    def poll(self) -> None:
        try:
            message = self._waiting.get(timeout=0.1)
        except queue.Empty:
            return
        try:
            with self._progress.at_work():
                self._deliver(message)
        finally:
            with self._lock:
                self.pending -= 1
            self._progress.add(1)

    def _deliver(self, message: dict[str, Any]) -> None:
        event = self._event(message)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._function(event, LambdaContext(self._function_name, 60))
            except Exception:
                log.exception("%s failed, attempt %d of %d", self._function_name, attempt, ATTEMPTS)
                self.stopping.wait(PAUSE_AFTER_FAILURE)
            else:
                return

    def _event(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": DETAIL_TYPES[message["eventType"]],
            "source": "aws.ses",
            "account": ACCOUNT,
            "time": iso(clock.now()),
            "region": REGION,
            "resources": [],
            "detail": message,
        }
