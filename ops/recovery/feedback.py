"""Starts the function for SES's feedback with what SES told in a dead letter."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.errors import Unavailable


def feedback_function(name: str, lambdas: Any) -> Callable[[Mapping[str, Any], DeadLetter], None]:
    """What starts the function of that name with one record of SES's. It raises Unavailable."""

    def start(told: Mapping[str, Any], letter: DeadLetter) -> None:
        try:
            # As EventBridge starts it: again twice if it fails, and then here once more.
            lambdas.invoke(
                FunctionName=name,
                InvocationType="Event",
                Payload=json.dumps(_by_eventbridge(told, letter)).encode(),
            )
        except (BotoCoreError, ClientError) as error:
            said = (
                error.response["Error"]["Code"]
                if isinstance(error, ClientError)
                else type(error).__name__
            )
            raise Unavailable(
                f"The function for SES's feedback was not started: {said}."
            ) from error

    return start


def _by_eventbridge(told: Mapping[str, Any], letter: DeadLetter) -> dict[str, Any]:
    """SES's record in an event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": letter.id,
        "detail-type": "Redriven",
        "source": "aws.ses",
        "account": "",
        "time": letter.at.isoformat(),
        "region": "",
        "resources": [],
        "detail": dict(told),
    }
