"""Stripe's partner event bus: the rule of the template, which hands events to the events queue."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.stripe_api.envelope import PARTNER
from chalicelib.usecases.ports.queues import MessageQueue
from local.aws.event_filters import passes
from local.aws.template import ACCOUNT, REGION

PATTERN = {"source": [{"prefix": PARTNER}]}
"""What the rule matches. On AWS the bus takes the events of one source only, which the parameter
StripeEventSource names.
"""


class PartnerBus:
    """Takes events as EventBridge delivers them, in their envelope."""

    def __init__(self, events: MessageQueue) -> None:
        self._events = events

    def put(self, envelope: Mapping[str, Any]) -> bool:
        """Whether the rule matched, and the envelope is in the events queue. Raises Unavailable."""
        matched = passes([PATTERN], dict(envelope))
        if matched:
            self._events.send(json.dumps(envelope))
        return matched


def enveloped(event: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """An event of Stripe's in EventBridge's envelope, with other `fields` where they are given. The
    envelope's `account` is the AWS account's, and its `id` is not the event's.
    """
    source = f"{PARTNER}ed_test_61Sx9KtMPC8Xw"
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": str(event.get("type")),
        "source": source,
        "account": ACCOUNT,
        "time": "2026-03-02T09:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}::event-source/{source}"],
        "detail": dict(event),
    } | fields
