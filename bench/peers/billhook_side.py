"""Billhook under test, in a process of its own: its functions are called as Lambda calls them.

What API Gateway and SQS would do is not counted; our client, its sockets, and Stripe's SDK are.
Writes JSON: CPU milliseconds by function, and how many histories end wrong.
"""

import argparse
import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

from bench.ingest import gateway_event
from bench.peers import histories
from bench.peers.histories import Step
from bench.peers.server import ask
from bench.stubs import ENVIRONMENT, SECRET, GivenSecrets
from chalicelib.entry.http import webhook_app
from chalicelib.entry.triggers.events_queue import process_events
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.lambda_context import LambdaContext
from local.client import signature
from tests.fakes.services import POLICY, at

BATCHES = {
    "one at a time": histories.alone,
    "those of one second": histories.by_the_second,
    "tens of one customer": histories.in_tens,
    "hundreds of all customers": histories.in_hundreds,
}


class Secrets(GivenSecrets):
    """The secrets, without the Parameter Store."""

    stripe_api_key = "sk_test_bench"


def play(batches: list[list[Step]], end: int, stripe: str, spent: dict[str, float]) -> None:
    """Have Stripe live each batch, and take it in; the CPU seconds are added by function. What is
    late comes at `end`. Raises RuntimeError if a webhook or an event is not taken.
    """
    for batch in batches:
        ask(f"{stripe}/_happened", [event for step in batch for event in step.happened])
        now = at(end if batch[0].late else max(step.event["created"] for step in batch))
        clock._ahead = now - datetime.now(UTC)  # back as well: each history has its own time
        for step in batch:
            header = signature(step.payload, SECRET, int(clock.now().timestamp()))
            request = gateway_event("/webhooks/stripe", step.payload, header)
            context = LambdaContext("billhook-bench-WebhookHandler", 29)
            began = process_time()
            answer = webhook_app.app(request, context)
            spent["WebhookHandler"] += process_time() - began
            if answer["statusCode"] != 200:
                raise RuntimeError(f"The webhook is answered {answer}.")
        event = {"Records": [_record(step) for step in batch]}
        began = process_time()
        told = process_events(event, LambdaContext("billhook-bench-ProcessEvents", 60))
        spent["ProcessEvents"] += process_time() - began
        if told["batchItemFailures"]:
            raise RuntimeError(f"Not taken in: {told}.")


def _record(step: Step) -> dict[str, Any]:
    return {
        "messageId": step.event["id"],
        "receiptHandle": step.event["id"],
        "body": step.payload.decode(),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:events",
        "awsRegion": "us-east-1",
    }


def main() -> None:
    """Play one warm round and one that counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("stripe", "aws", "way"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--late", action="store_true")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=asked.aws, STRIPE_API_BASE=asked.stripe)
    ordered = histories.out_of_order if asked.late else histories.in_order
    start = int(datetime.now().timestamp())
    warm = histories.customers(1, "warm", start)
    counted = histories.customers(asked.copies, "n", histories.end_of(warm))
    spent: dict[str, float] = defaultdict(float)
    with (
        patch.object(wiring, "secrets", Secrets),
        patch.object(wiring, "policy", lambda: POLICY),
    ):
        into_batches = BATCHES[asked.way]
        play(into_batches(ordered(warm)), histories.end_of(warm), asked.stripe, defaultdict(float))
        ask(f"{asked.aws}/_count", {})
        ask(f"{asked.stripe}/_count", {})
        steps = ordered(counted)
        play(into_batches(steps), histories.end_of(counted), asked.stripe, spent)
        found = _statuses([next(iter(one.truth().customers)) for one in counted])
    result = {
        "events": len(steps),
        "ms": {name: 1000 * seconds for name, seconds in spent.items()},
        "wrong": histories.wrong(counted, found),
        "histories": len(counted),
    }
    asked.result.write_text(json.dumps(result))


def _statuses(customers: list[str]) -> dict[str, str]:
    """The status of each of their subscriptions, as Billhook has it."""
    return {
        id: tracked.value.status
        for start in range(0, len(customers), 20)
        for account in wiring.accounts()
        .of_customers({customer: "" for customer in customers[start : start + 20]})
        .values()
        for id, tracked in account.subscriptions.items()
    }


if __name__ == "__main__":
    main()
