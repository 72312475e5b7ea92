"""Deliver what is due to one endpoint.

The deliveries queue has a group for each endpoint, so one run at a time works on an endpoint, with
a few calls under way at once: a receiver that hangs keeps one run busy and nobody else waiting. A
run begins with the deliveries that its message names, since the due index lags behind the table,
and goes on with all that is due, as long as it has time.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.changes.event_feed import EventPointer
from chalicelib.domain.errors import ConcurrentUpdate, EndpointNotFound
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.signature import signed_headers
from chalicelib.domain.webhooks.delivery import (
    NOT_THERE_YET,
    TOO_OLD,
    Delivery,
    DeliveryKey,
    after_attempt,
    given_up,
)
from chalicelib.domain.webhooks.endpoint import Endpoint, after_failure, after_success
from chalicelib.usecases.messages import Deliver
from chalicelib.usecases.ports.outgoing import Caller
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.documents import ERASED
from chalicelib.usecases.webhooks.endpoint_notice import tell_operators
from chalicelib.usecases.webhooks.endpoints import change_endpoint, wake_endpoint
from chalicelib.usecases.webhooks.resume import bring_forward
from chalicelib.values import frozen

UNDER_WAY = 10
"""How many calls to one endpoint are under way at most: a backlog must not bury a receiver that has
just come back.
"""

A_ROUND = 100
"""How many deliveries are read at once."""

STAYS_FOR = timedelta(seconds=10)
"""A run waits for a retry that is due within this time, such as the one after five seconds; the
sweep comes only once a minute.
"""


@frozen
class Outgoing:
    """What delivering needs beside the services: the calls, the stage's hash key, which the secrets
    of endpoints are made with, and whether the run still has time for a call.
    """

    caller: Caller
    hash_key: Callable[[], str]
    has_time: Callable[[], bool]


@frozen
class Made:
    """One attempt that was made, for the log of the function."""

    delivery: Delivery
    answer: CallAnswer


def deliver(message: Deliver, services: Services, outgoing: Outgoing) -> list[Made]:
    """Make the deliveries of a message and what else is due to its endpoint; returns the attempts.
    What there is no time for is queued again. Raises Unavailable; then, and after a crash, what was
    not written down is delivered once more, with the same id.
    """
    run = _Run(message.endpoint_id, services, outgoing)
    try:
        keys: Sequence[DeliveryKey] = message.keys
        while run.enter():
            run.resume()
            run.make(keys)
            keys = run.more()
            if not keys:
                return run.made
            if not outgoing.has_time():
                wake_endpoint(message.endpoint_id, services)
                return run.made
    except EndpointNotFound:  # it was deleted: what is under way is dropped
        pass
    return run.made


@dataclass
class _Run:
    endpoint_id: str
    services: Services
    outgoing: Outgoing
    made: list[Made] = field(default_factory=list)
    seen: set[DeliveryKey] = field(default_factory=set)
    retries: dict[DeliveryKey, datetime] = field(default_factory=dict)
    endpoint: Endpoint | None = None

    def enter(self) -> bool:
        """Look at the endpoint; False if there is none any more."""
        self.endpoint = self.services.stores.endpoints.load().find(self.endpoint_id)
        return self.endpoint is not None

    def resume(self) -> None:
        """Make due at once what waited while the endpoint was disabled."""
        if self.endpoint and self.endpoint.is_enabled and self.endpoint.resumed_at:
            bring_forward(self.endpoint, self.services, self.outgoing.has_time)

    def make(self, keys: Sequence[DeliveryKey]) -> None:
        """Make those of the deliveries that are due."""
        self.seen.update(keys)
        now = self.services.clock.now()
        due = [one for one in self.services.stores.deliveries.load(keys) if one.is_due(now)]
        calls = deque(self._with_bodies(due))
        under_way: dict[Future[tuple[CallAnswer, datetime]], Delivery] = {}
        with ThreadPoolExecutor(min(UNDER_WAY, max(1, len(calls)))) as pool:
            while calls or under_way:
                while calls and len(under_way) < UNDER_WAY:
                    delivery, body = calls.popleft()
                    if self._may_call(delivery):
                        under_way[self._begin(pool, delivery, body)] = delivery
                    else:
                        self.seen.discard(delivery.key)
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    self._note(under_way.pop(future), *future.result())

    def more(self) -> Sequence[DeliveryKey]:
        """What is due beside what this run has made: by the index, else a retry that is worth
        waiting for.
        """
        if self.endpoint is None or not self.endpoint.is_enabled:
            return ()
        now = self.services.clock.now()
        found = self.services.stores.deliveries.due(self.endpoint_id, now, A_ROUND)
        if new := [key for key in found if key not in self.seen]:
            return new
        soon = min(self.retries.values(), default=None)
        if soon is None or soon - now > STAYS_FOR or not self.outgoing.has_time():
            return ()
        self.services.clock.pause(max(0.0, (soon - now).total_seconds()))
        now = self.services.clock.now()
        due = [key for key, at in self.retries.items() if at <= now]
        for key in due:
            del self.retries[key]
        return due

    def _with_bodies(self, due: Sequence[Delivery]) -> Iterator[tuple[Delivery, bytes]]:
        """Each delivery with the bytes that go out. Those of an erased account are ended, and those
        that waited too long.
        """
        pointers = {one.key: _pointer(one) for one in due if not one.is_test}
        events = self.services.stores.timeline.events(list(pointers.values())) if pointers else {}
        now = self.services.clock.now()
        for delivery in due:
            event = None if delivery.is_test else events.get(pointers[delivery.key])
            if delivery.body is not None:
                yield delivery, delivery.body.encode()
            elif now - delivery.created_at > TOO_OLD:
                reason = "It waited for more than seven days. Replay it."
                if self._save(delivery, given_up(delivery, reason, now)):
                    self.services.metrics.count("DeliveriesGivenUp", 1)
            elif event:
                yield delivery, event.document.encode()
            elif now - delivery.created_at > NOT_THERE_YET:
                self._save(delivery, given_up(delivery, ERASED, now))
            # Else its publisher has not put it yet: it stays due, and the next sweep finds it.

    def _may_call(self, delivery: Delivery) -> bool:
        """Whether there is time, and the endpoint still takes events."""
        enabled = self.endpoint is not None and self.endpoint.is_enabled
        return (enabled or delivery.is_test) and self.outgoing.has_time()

    def _begin(
        self, pool: ThreadPoolExecutor, delivery: Delivery, body: bytes
    ) -> Future[tuple[CallAnswer, datetime]]:
        """A call, signed now. Its thread calls and no more."""
        assert self.endpoint is not None
        now = self.services.clock.now()
        keys = self.endpoint.keys(self.outgoing.hash_key(), now)
        signed = signed_headers(delivery.key.event_id, body, keys, now)
        headers = {"Content-Type": "application/json", **signed}
        url, post, clock = self.endpoint.url, self.outgoing.caller.post, self.services.clock.now
        return pool.submit(lambda: (post(url, headers, body), clock()))

    def _note(self, delivery: Delivery, answer: CallAnswer, at: datetime) -> None:
        """Write down what came of an attempt: at the delivery, then at the endpoint."""
        after = after_attempt(delivery, answer, at)
        if not self._save(delivery, after):
            return
        self.made.append(Made(after, answer))
        if after.next_at:
            self.retries[after.key] = after.next_at
        elif not answer.succeeded and not after.is_test:
            self.services.metrics.count("DeliveriesGivenUp", 1)
        self._judge(after, answer, at)

    def _judge(self, delivery: Delivery, answer: CallAnswer, at: datetime) -> None:
        """Let the endpoint know of a success or a failure. Most often nothing changes by it."""

        def judged(endpoint: Endpoint) -> Endpoint:
            if answer.succeeded:
                return after_success(endpoint)
            if delivery.is_test and answer.code != 410:
                return endpoint
            return after_failure(endpoint, delivery.key.event_id, answer.code, at)

        assert self.endpoint is not None
        if judged(self.endpoint) == self.endpoint:
            return
        was_enabled = self.endpoint.is_enabled
        self.endpoint = change_endpoint(self.endpoint_id, judged, self.services)
        if was_enabled and not self.endpoint.is_enabled:
            self.services.metrics.count("EndpointsDisabled", 1)
            tell_operators(self.endpoint, self.services)

    def _save(self, old: Delivery, new: Delivery) -> bool:
        """Whether it was written; not if another run has made the same attempt."""
        try:
            self.services.stores.deliveries.save(old, new)
        except ConcurrentUpdate:
            return False
        return True


def _pointer(delivery: Delivery) -> EventPointer:
    return EventPointer(delivery.account_id, delivery.event_at, delivery.key.event_id)
