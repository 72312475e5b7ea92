"""Put the domain events that are due onto the owner's event bus.

The deliveries queue has one group for the bus, so one run at a time works for it. Of a call, those
entries alone are repeated that EventBridge did not take, ten times in all over three days; then
they are dead letters.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.changes.channels import BUS
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import batches, entry
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey, after_attempt
from chalicelib.usecases.messages import Deliver
from chalicelib.usecases.ports.outgoing import Bus
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.documents import save, with_documents
from chalicelib.usecases.webhooks.endpoints import wake_endpoint
from chalicelib.values import frozen

A_ROUND = 100
"""How many deliveries are read at once."""

REFUSED = "bus_refused"
"""The code of the dead letters."""


@frozen
class Put:
    """One entry of one call, with its answer."""

    delivery: Delivery
    answer: CallAnswer


def deliver_to_bus(
    message: Deliver, services: Services, bus: Bus, has_time: Callable[[], bool]
) -> list[Put]:
    """Put what a message names and what else is due; returns what was tried. What there is no time
    for is queued again. Raises Unavailable; what was not written down is put once more then.
    """
    made: list[Put] = []
    if services.policy.bus.name is None:
        return made
    keys: Sequence[DeliveryKey] = message.keys
    seen: set[DeliveryKey] = set()
    while True:
        now = services.clock.now()
        seen.update(keys)
        found = services.stores.deliveries.load(keys)
        made += _put([one for one in found if _is_open(one, now)], services, bus)
        due = services.stores.deliveries.due(BUS, services.clock.now(), A_ROUND)
        keys = [key for key in due if key not in seen]
        if not keys:
            return made
        if not has_time():
            wake_endpoint(BUS, services)
            return made


def _is_open(delivery: Delivery, now: datetime) -> bool:
    """Whether it is due; or given up, and named in a message, as a dead letter that was sent back
    does.
    """
    if delivery.next_at is None:
        return bool(delivery.attempts) and not delivery.attempts[-1].succeeded
    return delivery.is_due(now)


def _put(due: Sequence[Delivery], services: Services, bus: Bus) -> list[Put]:
    name = services.policy.bus.name
    assert name
    entries = [(one, entry(document, name)) for one, document in with_documents(due, services)]
    made = []
    for batch in batches(entries):
        answers = bus.put([one for _, one in batch])
        for (delivery, _), answer in zip(batch, answers, strict=True):
            made.append(Put(_note(delivery, answer, services), answer))
    return made


def _note(delivery: Delivery, answer: CallAnswer, services: Services) -> Delivery:
    """The delivery after an attempt, as written down. One that was the last is a dead letter
    first: a crash in between makes two of it, and none is lost.
    """
    after = after_attempt(delivery, answer, services.clock.now())
    if not answer.succeeded and after.next_at is None:
        services.queues.dead_letters.send(
            json.dumps(Deliver(BUS, (delivery.key,)).dump()),
            {"code": REFUSED, "reason": answer.error or ""},
        )
        services.metrics.count("DeliveriesGivenUp", 1)
    save(delivery, after, services)
    return after
