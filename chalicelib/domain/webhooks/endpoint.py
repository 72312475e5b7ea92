"""An endpoint: a URL of the owner's that events are delivered to, and when it is disabled."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.errors import InvalidInput, TooMany
from chalicelib.values import frozen, replace

MOST = 20
"""How many endpoints there may be."""

OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation signs too."""

FAILING_AFTER = timedelta(days=5)
"""How long an endpoint may fail before it is disabled."""

FAILING_EVENTS = 2
"""How many events must have failed in that time: one event that a receiver cannot digest disables
nothing.
"""

DISABLED_REASONS = {
    "failing": "Deliveries have failed for five days without a success between them.",
    "gone": "The receiver answered 410: it wants no more.",
}

TEST_TYPE = "billhook.test"
"""The type of the event that `test` sends. No account has it."""


@frozen
class Secret:
    """What one of an endpoint's secrets is made of; it signs until `until`, None without an end.

    The secret itself is stored nowhere: it is an HMAC of the salt, 32 random bytes in hex, under
    the stage's hash key. Whoever reads the table, or a copy of it, cannot sign.
    """

    salt: str
    until: datetime | None = None


@frozen
class Endpoint:
    """One endpoint. `events` are the types that it gets, empty for all. `secrets` has the newest
    first. `hears_from` is set until the events since then that others may have missed to deliver
    were looked for, `resumed_at` until what waited while it was disabled is due at once, and
    `notice_due` until the operators' mail is queued.
    """

    id: str
    url: str
    created_at: datetime
    secrets: tuple[Secret, ...]
    events: tuple[str, ...] = ()
    description: str | None = None
    disabled_reason: str | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    failing_events: tuple[str, ...] = ()
    hears_from: datetime | None = None
    notice_due: bool = False
    resumed_at: datetime | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether events are delivered to it."""
        return self.disabled_reason is None

    @property
    def status(self) -> str:
        """`enabled` or `disabled`."""
        return "enabled" if self.is_enabled else "disabled"

    def wants(self, type: str) -> bool:
        """Whether it gets events of a type."""
        return not self.events or type in self.events

    def keys(self, hash_key: str, now: datetime) -> list[bytes]:
        """The keys that sign for it now, the newest first."""
        return [
            key_from(one.salt, self.id, hash_key)
            for one in self.secrets
            if one.until is None or now < one.until
        ]


@frozen
class Endpoints:
    """All endpoints of a stage, the oldest first; `version` counts the writes."""

    all: tuple[Endpoint, ...] = ()
    version: int = 0

    def find(self, id: str) -> Endpoint | None:
        """The endpoint of that id."""
        return next((one for one in self.all if one.id == id), None)

    def wanting(self, type: str) -> list[Endpoint]:
        """Those that get events of a type now."""
        return [one for one in self.all if one.is_enabled and one.wants(type)]

    def with_new(self, endpoint: Endpoint) -> "Endpoints":
        """With one more. Raises TooMany."""
        if len(self.all) >= MOST:
            raise TooMany(
                f"There are {MOST} endpoints, and no more are possible. Delete one first."
            )
        return Endpoints((*self.all, endpoint), self.version + 1)

    def without(self, id: str) -> "Endpoints":
        """Without the one of that id."""
        return Endpoints(tuple(one for one in self.all if one.id != id), self.version + 1)

    def with_changed(self, endpoint: Endpoint) -> "Endpoints":
        """With an endpoint in the place of the one of its id."""
        changed = tuple(endpoint if one.id == endpoint.id else one for one in self.all)
        return Endpoints(changed, self.version + 1)


def key_from(salt: str, endpoint_id: str, hash_key: str) -> bytes:
    """The 32 bytes of a secret."""
    text = f"webhook secret of {endpoint_id}: {salt}"
    return hmac.new(hash_key.encode(), text.encode(), hashlib.sha256).digest()


def checked_types(wanted: Sequence[str], known: Collection[str], field: str) -> tuple[str, ...]:
    """The types, each once. Raises InvalidInput for one that there is not."""
    for type in wanted:
        if type not in known:
            raise InvalidInput(
                f"{field} must be types of events, and there is no type {type[:80]}. docs/events.md"
                " lists them.",
                field,
            )
    return tuple(dict.fromkeys(wanted))


def rotated(endpoint: Endpoint, salt: str, now: datetime) -> Endpoint:
    """With a new secret. The one before signs too for a day; a still older one no longer."""
    before = replace(endpoint.secrets[0], until=now + OVERLAP)
    return replace(endpoint, secrets=(Secret(salt), before))


def enabled(endpoint: Endpoint, now: datetime) -> Endpoint:
    """Enabled again, as if it had never failed, and what waits is due at once; the same if it is
    enabled.
    """
    if endpoint.is_enabled:
        return endpoint
    return replace(
        endpoint,
        disabled_reason=None,
        disabled_at=None,
        failing_since=None,
        failing_events=(),
        hears_from=now,
        notice_due=False,
        resumed_at=now,
    )


def after_success(endpoint: Endpoint) -> Endpoint:
    """After a delivery that succeeded; the same if none had failed."""
    if endpoint.failing_since is None:
        return endpoint
    return replace(endpoint, failing_since=None, failing_events=())


def after_failure(endpoint: Endpoint, event_id: str, code: int | None, at: datetime) -> Endpoint:
    """After an attempt that failed with a status, None without an answer.

    410 disables the endpoint. So does any failure if the first one since the last success is five
    days old and two events or more have failed since.
    """
    if not endpoint.is_enabled:
        return endpoint
    if code == 410:
        return _disabled(endpoint, "gone", at)
    since = endpoint.failing_since or at
    events = endpoint.failing_events
    if event_id not in events and len(events) < FAILING_EVENTS:
        events = (*events, event_id)
    failing = replace(endpoint, failing_since=since, failing_events=events)
    if at - since >= FAILING_AFTER and len(events) >= FAILING_EVENTS:
        return _disabled(failing, "failing", at)
    return failing


def _disabled(endpoint: Endpoint, reason: str, at: datetime) -> Endpoint:
    return replace(endpoint, disabled_reason=reason, disabled_at=at, notice_due=True)
