"""What EventBridge does for a schedule: calls the function once a minute, by the real clock."""

import threading
import uuid
from typing import Any

from chalicelib.runtime.clock import clock
from local.context import LambdaContext
from local.moments import iso
from local.template import ACCOUNT, REGION
from local.triggers import Function, Trigger

MINUTE = 60.0


class ScheduleTrigger(Trigger):
    """Calls the function once a real minute; `run` calls it now as well. Failures are logged, and the next minute comes."""

    def __init__(self, name: str, stopping: threading.Event, function: Function, function_name: str) -> None:
        super().__init__(name, stopping)
        self._function, self._function_name = function, function_name

    def run(self) -> None:
        """Call it now. Raises what the function raises."""
        self._function(self._event(), LambdaContext(self._function_name, 60))

    def poll(self) -> None:
        if not self.stopping.wait(MINUTE):
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
