"""Starts executions of the owner's state machines (AWS Step Functions)."""

from typing import TYPE_CHECKING

from chalicelib.domain.outgoing.answers import CallAnswer

if TYPE_CHECKING:
    from chalicelib.aws.json_protocol.stepfunctions import StepFunctions

STARTED = 200

ALREADY = "ExecutionAlreadyExists"
"""The execution of that name has ended. One that runs with the same input is answered as a new one
(docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
"""


class Executions:
    """Starts executions of the owner's state machine, by StartExecution."""

    def __init__(self, client: "StepFunctions | None" = None) -> None:
        self._client = client

    def start(self, arn: str, name: str, input: str) -> CallAnswer:
        """200 if an execution of that name runs or has run. A failure is an answer too: this raises
        nothing.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._machines().start_execution(stateMachineArn=arn, name=name, input=input)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return CallAnswer(STARTED) if code == ALREADY else _failed(code)
        except BotoCoreError as error:
            return _failed(type(error).__name__)
        return CallAnswer(STARTED)

    def _machines(self) -> "StepFunctions":
        if self._client is None:
            from chalicelib.aws.json_protocol.stepfunctions import StepFunctions

            self._client = StepFunctions()
        return self._client


def _failed(why: str) -> CallAnswer:
    return CallAnswer(None, f"Step Functions: {why}.")
