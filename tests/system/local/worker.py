"""The worker of the events queue, as Lambda runs it: in this process, or in one of an older
release.
"""

import os

import boto3

from chalicelib.entry.triggers.events_queue import process_events
from local.aws.lambda_context import LambdaContext


def work() -> None:
    """Take in what waits in the events queue of the environment's stage."""
    sqs, url = boto3.client("sqs"), os.environ["EVENTS_QUEUE_URL"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        records = [
            {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "eventSource": "aws:sqs",
                "attributes": {},
            }
            for one in messages
        ]
        answer = process_events({"Records": records}, LambdaContext("process_events", 60))
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        assert not failed, failed
        for one in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
