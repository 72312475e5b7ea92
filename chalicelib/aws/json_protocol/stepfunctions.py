"""The calls of Step Functions, named and answered as boto3 does."""

from typing import Any

from chalicelib.aws.json_protocol.client import JsonClient


class StepFunctions(JsonClient):
    """Takes and gives what boto3's client does."""

    service, target, version = "states", "AWSStepFunctions", "1.0"

    def start_execution(self, **parameters: Any) -> Any:
        return self.call("StartExecution", parameters)
