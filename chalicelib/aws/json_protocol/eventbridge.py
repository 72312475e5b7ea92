"""EventBridge's calls, named and answered as boto3 does."""

from typing import Any

from chalicelib.aws.json_protocol.client import JsonClient


class EventBridge(JsonClient):
    """Takes and gives what boto3's client does, but times in Unix seconds."""

    service, target, version = "events", "AWSEvents", "1.1"

    def put_events(self, **parameters: Any) -> Any:
        return self.call("PutEvents", parameters)
