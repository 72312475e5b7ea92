"""The event destination at Stripe by which a stage gets its events over Amazon EventBridge
(docs.stripe.com/api/v2/core/event-destinations). Reading gives values; the comparison is pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.stripe_api.events import is_known_version
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.stripe_api.writer import OURS
from ops.stripe.changes import Change, MakeDestination, MendDestination
from ops.stripe.desired_state import WantedBus

DESTINATIONS = "/v2/core/event_destinations"
EVENTBRIDGE, SNAPSHOT = "amazon_eventbridge", "snapshot"
STAGE = "stage"
"""Key in the metadata of Billhook's destinations: the stack that it is for."""

TIME_TO_ASSOCIATE = timedelta(days=7)
"""After this AWS deletes a partner event source that no bus is associated with."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An event destination at EventBridge. `status` is AWS's of its partner event source: active,
    pending, deleted or unknown. `stack` is that in Billhook's metadata; empty for one that somebody
    else made.
    """

    id: str
    source: str
    account: str
    region: str
    status: str
    enabled: bool
    created: datetime
    events: frozenset[str] = frozenset()
    payload: str = SNAPSHOT
    api_version: str | None = None
    stack: str = ""

    @property
    def serves(self) -> bool:
        """Whether its events can be read, and can still come."""
        return (
            self.status != "deleted"
            and self.payload == SNAPSHOT
            and is_known_version(self.api_version)
        )

    @property
    def deleted_at(self) -> datetime:
        """When AWS deletes its source, unless that is associated."""
        return self.created + TIME_TO_ASSOCIATE


def read_destinations(transport: StripeTransport) -> tuple[Destination, ...]:
    """The event destinations at EventBridge, the oldest first. Raises Unavailable, Refused."""
    found = [_destination(one) for one in _all(transport) if one.get("type") == EVENTBRIDGE]
    return tuple(sorted(found, key=lambda one: (one.created, one.id)))


def destination_of(bus: WantedBus, held: Iterable[Destination]) -> Destination | None:
    """The destination whose source the stage takes events from, else the newest that was made for
    it and still serves; None if there is none.
    """
    there = [one for one in held if (one.account, one.region) == (bus.account, bus.region)]
    named = [one for one in there if bus.source and one.source == bus.source]
    made = [one for one in there if one.stack == bus.stack]
    return next((one for one in (*named, *reversed(made)) if one.serves), None)


def compare_bus(
    bus: WantedBus | None, events: frozenset[str], held: Iterable[Destination]
) -> list[Change]:
    """The differences in the event destination of a stage; none for a stage without EventBridge."""
    if bus is None:
        return []
    there = tuple(held)
    found = destination_of(bus, there)
    if found is None:
        return [MakeDestination(name=f"event destination of {bus.stack}", why=_why(bus, there))]
    reasons = list(_differences(found, events))
    return (
        [
            MendDestination(
                name=f"event destination {found.id}",
                id=found.id,
                enable=not found.enabled,
                tell_of=None if found.events == events else events,
                why="; ".join(reasons),
            )
        ]
        if reasons
        else []
    )


def parameters(bus: WantedBus, events: Iterable[str], api_version: str) -> dict[str, Any]:
    """What creates the destination: whole events of this Stripe account alone, in a fixed version
    of the API.
    """
    return {
        "name": f"Billhook, {bus.stack}",
        "type": EVENTBRIDGE,
        EVENTBRIDGE: {"aws_account_id": bus.account, "aws_region": bus.region},
        "enabled_events": sorted(events),
        "event_payload": SNAPSHOT,
        "events_from": ["@self"],
        "snapshot_api_version": api_version,
        "metadata": {**OURS, STAGE: bus.stack},
    }


def source_in(arn: str) -> str:
    """The name of a partner event source in its ARN."""
    return arn.partition(":event-source/")[2]


def _why(bus: WantedBus, held: Iterable[Destination]) -> str:
    named = next((one for one in held if bus.source and one.source == bus.source), None)
    if named is None:
        return (
            f"no destination of this Stripe account has the source {bus.source}"
            if bus.source
            else "there is none for this stage"
        )
    if named.status == "deleted":
        return f"AWS has deleted the source {bus.source}"
    if named.payload != SNAPSHOT:
        return f"{named.id} sends thin events, which cannot be changed"
    return f"{named.id} sends events as of {named.api_version}, which this release does not know"


def _differences(one: Destination, events: frozenset[str]) -> Iterator[str]:
    if lacking := sorted(events - one.events):
        yield f"it does not tell of {', '.join(lacking)}"
    if others := sorted(one.events - events):
        yield f"it tells of {', '.join(others)}, which nobody wants"
    if not one.enabled:
        yield "it is disabled"


def _all(transport: StripeTransport) -> Iterator[Raw]:
    asked: dict[str, Any] = {"limit": 100}
    while True:
        page = transport.get(DESTINATIONS, **asked) or {"data": []}
        yield from page["data"]
        if not page.get("next_page_url"):
            return
        asked = dict(parse_qsl(urlsplit(page["next_page_url"]).query))


def _destination(raw: Raw) -> Destination:
    bridge, metadata = raw[EVENTBRIDGE], raw.get("metadata") or {}
    arn = str(bridge["aws_event_source_arn"])
    return Destination(
        id=raw["id"],
        source=source_in(arn),
        account=str(bridge["aws_account_id"]),
        region=arn.split(":")[3],
        status=str(bridge["aws_event_source_status"]),
        enabled=raw["status"] == "enabled",
        created=datetime.fromisoformat(raw["created"]),
        events=frozenset(raw["enabled_events"]),
        payload=raw["event_payload"],
        api_version=raw.get("snapshot_api_version"),
        stack=metadata.get(STAGE, "") if OURS.items() <= metadata.items() else "",
    )
