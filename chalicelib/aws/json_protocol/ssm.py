"""The Parameter Store's calls, named and answered as boto3 does."""

from typing import Any

from chalicelib.aws.json_protocol.client import JsonClient


class Ssm(JsonClient):
    """Takes and gives what boto3's client does."""

    service, target, version = "ssm", "AmazonSSM", "1.1"

    def get_parameter(self, **parameters: Any) -> Any:
        return self.call("GetParameter", parameters)
