"""SQS's calls, named and answered as boto3 does."""

from typing import Any

from chalicelib.aws.json_protocol.client import JsonClient


class Sqs(JsonClient):
    """Takes and gives what boto3's client does."""

    service, target = "sqs", "AmazonSQS"

    def send_message(self, **parameters: Any) -> Any:
        return self.call("SendMessage", parameters)

    def send_message_batch(self, **parameters: Any) -> Any:
        return self.call("SendMessageBatch", parameters)

    def get_queue_attributes(self, **parameters: Any) -> Any:
        return self.call("GetQueueAttributes", parameters)

    def receive_message(self, **parameters: Any) -> Any:
        return self.call("ReceiveMessage", parameters)

    def delete_message(self, **parameters: Any) -> Any:
        return self.call("DeleteMessage", parameters)

    def change_message_visibility_batch(self, **parameters: Any) -> Any:
        return self.call("ChangeMessageVisibilityBatch", parameters)
