"""A delivery: one event on its way to one endpoint, with its attempts so far."""

import hashlib
from datetime import datetime, timedelta

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.schedule import next_attempt
from chalicelib.values import frozen, replace

KEPT = timedelta(days=30)
"""How long a delivery is in the log."""

TOO_OLD = timedelta(days=7)
"""After this time a delivery is given up: what waited while its endpoint was disabled for longer is
for `replay`.
"""

NOT_THERE_YET = timedelta(hours=1)
"""For how long an event that cannot be read is looked for again. Later it counts as erased."""


@frozen
class DeliveryKey:
    """Which delivery: of one endpoint, in the order of `at`, then of the event's id. `at` is the
    event's own time, or that of its replay: so a repeat of the same has the same key.
    """

    endpoint_id: str
    at: datetime
    event_id: str

    @property
    def id(self) -> str:
        """The id of the delivery."""
        text = f"{self.endpoint_id} {self.at.isoformat()} {self.event_id}"
        return f"dlv_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


@frozen
class Attempt:
    """One attempt: `code` if an answer came, `error` if it failed."""

    at: datetime
    code: int | None = None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took the event."""
        return self.error is None


@frozen
class Delivery:
    """One delivery. It waits until `next_at`, and is over if that is None.

    The event's document is read where it is kept, so that an erasure need not look for copies; only
    a test event has its own `body`, and is tried once. `event_at` finds the document.
    """

    key: DeliveryKey
    type: str
    account_id: str
    event_at: datetime
    created_at: datetime
    next_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    body: str | None = None
    version: int = 0

    @property
    def is_test(self) -> bool:
        """Whether it is a test event."""
        return self.body is not None

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be tried now."""
        return self.next_at is not None and self.next_at <= now


def after_attempt(delivery: Delivery, answer: CallAnswer, at: datetime) -> Delivery:
    """After an attempt that was answered at `at`: over, or due again later."""
    attempts = (*delivery.attempts, Attempt(at, answer.code, answer.error))
    next_at = None
    if not answer.succeeded and not delivery.is_test:
        next_at = next_attempt(delivery.key.id, len(attempts), answer, at)
    return replace(delivery, attempts=attempts, next_at=next_at, version=delivery.version + 1)


def resumed(delivery: Delivery, since: datetime, now: datetime) -> Delivery:
    """Due now, if it waits for later since before its endpoint was enabled again, at `since`; else
    the same.
    """
    if delivery.next_at is None or delivery.next_at <= now:
        return delivery
    if delivery.attempts and delivery.attempts[-1].at > since:
        return delivery
    return replace(delivery, next_at=now, version=delivery.version + 1)


def given_up(delivery: Delivery, reason: str, at: datetime) -> Delivery:
    """Over, without a call; the log tells why."""
    attempts = (*delivery.attempts, Attempt(at, None, reason))
    return replace(delivery, attempts=attempts, next_at=None, version=delivery.version + 1)


def postponed(delivery: Delivery, until: datetime) -> Delivery:
    """Due later, without an attempt."""
    return replace(delivery, next_at=until, version=delivery.version + 1)


@frozen
class LogRow:
    """A row of the log: one attempt, or what waits. `status` is `succeeded`, `failed` or
    `pending`; of `pending`, `at` is when it is tried next.
    """

    id: str
    event_id: str
    type: str
    at: datetime
    attempt: int
    status: str
    code: int | None = None
    error: str | None = None


def log_rows(delivery: Delivery, is_enabled: bool) -> list[LogRow]:
    """The rows of one delivery, the newest first, given whether its endpoint is enabled."""
    rows = [
        _row(delivery, number, one.at, "succeeded" if one.succeeded else "failed", one)
        for number, one in enumerate(delivery.attempts, start=1)
    ]
    number = len(delivery.attempts) + 1
    if delivery.next_at is not None:
        why = None if is_enabled or delivery.is_test else "It waits: the endpoint is disabled."
        waiting = Attempt(delivery.next_at, None, why)
        rows.append(_row(delivery, number, delivery.next_at, "pending", waiting))
    return rows[::-1]


def _row(delivery: Delivery, number: int, at: datetime, status: str, of: Attempt) -> LogRow:
    return LogRow(
        f"{delivery.key.id}_{number}",
        delivery.key.event_id,
        delivery.type,
        at,
        number,
        status,
        of.code,
        of.error,
    )
