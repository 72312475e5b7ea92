"""All that a stage's use cases act on, reached with the operator's own credentials: for commands that do what the functions do."""

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ops.commands.policy import POLICY
from ops.stages import Stage

if TYPE_CHECKING:
    from chalicelib.usecases.world import World


def reach(stage: Stage) -> "World":
    """The world of a stage, under the policy of this checkout; metrics are the functions' own, so nothing is counted. Raises PolicyMistakes."""
    from chalicelib.aws.accounts import Accounts
    from chalicelib.aws.due_index import DueIndex
    from chalicelib.aws.log import Log
    from chalicelib.aws.queues import Queue, WorkQueue
    from chalicelib.aws.secrets import Secrets
    from chalicelib.aws.walks import Walks
    from chalicelib.domain.policy_file import read_policy
    from chalicelib.stripe_api.calling import StripeCaller
    from chalicelib.stripe_api.gateway import StripeGateway
    from chalicelib.stripe_api.till import StripeTill
    from chalicelib.usecases.world import World

    table, outputs = stage.outputs["TableName"], stage.outputs
    secrets = Secrets(outputs["ParametersPath"])
    caller = StripeCaller(lambda: secrets.stripe_api_key, os.environ.get("STRIPE_API_BASE") or None)
    return World(
        accounts=Accounts(table, lambda: secrets.hash_key),
        log=Log(table),
        dead_letters=Queue(outputs["DeadLettersQueueUrl"]),
        due_index=DueIndex(table),
        walks=Walks(table),
        act_queue=WorkQueue(outputs["ActQueueUrl"]),
        mail_queue=WorkQueue(outputs["MailQueueUrl"]),
        gateway=StripeGateway(caller),
        till=StripeTill(caller),
        policy=read_policy(POLICY.read_text()),
        now=lambda: datetime.now(UTC),
        pause=time.sleep,
        count=lambda metric, by: None,
    )
