"""What EventBridge does for a schedule: calls the function at its rate, by the real clock."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

from chalicelib.runtime.clock import clock
from local.aws.lambda_context import LambdaContext
from local.aws.template import ACCOUNT, REGION
from local.aws.triggers import Function, Trigger
from local.durations import iso

MINUTE = timedelta(minutes=1)


class ScheduleTrigger(Trigger):
    """Calls the function once in a real `every`; `run` calls it now as well. Failures are logged,
    and the next time comes.
    """

    def __init__(
        self,
        name: str,
        stopping: threading.Event,
        function: Function,
        function_name: str,
        every: timedelta = MINUTE,
    ) -> None:
        super().__init__(name, stopping)
        self._function, self._function_name, self._every = function, function_name, every
        self._ran_at = clock.now()

    def run(self) -> None:
        """Call it now. Raises what the function raises."""
        self._ran_at = clock.now()
        self._function(self._event(), LambdaContext(self._function_name, 60))

    def is_due(self, now: datetime) -> bool:
        """Whether by the moved clock it is time again."""
        return now >= self._ran_at + self._every

    def poll(self) -> None:
        if not self.stopping.wait(self._every.total_seconds()):
            self.run()

    def _event(self) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": iso(clock.now()),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{self._function_name}"],
            "detail": {},
        }
