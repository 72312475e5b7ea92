"""The worker of the deliveries queue as a process of its own, which a test can kill: it makes the
call that is due for an account's instance, some seconds ahead of the clock.
"""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

from chalicelib.domain.policy.read import read_policy
from chalicelib.entry.triggers.deliveries_queue import deliver_events
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.messages import CallProvisioner
from local.aws.lambda_context import LambdaContext


def work(account_id: str, ahead: str, policy: str) -> None:
    """Take the message of one account, as Lambda would pass it."""
    found = read_policy(Path(policy).read_text())
    wiring.policy = lambda: found  # type: ignore[assignment]
    clock.move_to(datetime.now().astimezone() + timedelta(seconds=float(ahead)))
    record = {
        "messageId": "1",
        "body": json.dumps(CallProvisioner(account_id).dump()),
        "eventSource": "aws:sqs",
        "attributes": {},
    }
    deliver_events({"Records": [record]}, LambdaContext("deliver_events", 60))


if __name__ == "__main__":
    work(*sys.argv[1:])
