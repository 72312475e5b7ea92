"""What the rule on Stripe's partner bus hands to the events queue."""

import json
from typing import Any

import pytest

from local.aws.partner_bus import PartnerBus
from tests.fakes.memory.queues import MemoryQueue

ENVELOPE: dict[str, Any] = {
    "version": "0",
    "detail-type": "invoice.paid",
    "source": "aws.partner/stripe.com/ed_test_61",
    "detail": {"id": "evt_1", "amount": 1, "name": "Zoë"},
}


def test_an_event_of_stripes_is_in_the_queue_as_the_bus_delivers_it() -> None:
    queue = MemoryQueue()
    assert PartnerBus(queue).put(ENVELOPE)
    assert [json.loads(body) for body, _ in queue.messages] == [ENVELOPE]


@pytest.mark.parametrize(
    "source", ["aws.partner/auth0.com/x", "aws.ses", "acme", "", None, 1, ["aws.partner/x"], {}]
)
def test_what_is_from_elsewhere_is_left(source: object) -> None:
    queue = MemoryQueue()
    assert not PartnerBus(queue).put({**ENVELOPE, "source": source})
    assert not PartnerBus(queue).put({"detail": ENVELOPE["detail"]})
    assert queue.messages == []
