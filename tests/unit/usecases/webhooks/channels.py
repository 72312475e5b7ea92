"""An owner with an event bus and a channel in Slack, in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.changes.channels import BUS, SLACK
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry
from chalicelib.domain.policy.policy import BusPolicy, SlackPolicy
from chalicelib.domain.webhooks.delivery import Delivery
from chalicelib.usecases.messages import read_deliver_message
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.to_bus import deliver_to_bus
from chalicelib.usecases.webhooks.to_slack import Channel, deliver_to_slack
from tests.fakes.services import QUIET, FakeServices
from tests.unit.usecases.webhooks.owner import OK, Owner

WEBHOOK = "https://hooks.slack.com/services/T0/B0/secret"
POLICY = replace(
    QUIET,
    bus=BusPolicy(None, "billing"),
    slack=SlackPolicy(("trial.started", "payment.failed", "access.revoked")),
)


@dataclass
class Buses:
    """Takes entries but those whose id `refuses` names; `down` refuses whole calls."""

    calls: list[list[BusEntry]] = field(default_factory=list)
    refuses: Callable[[str], bool] = lambda id: False
    down: bool = False

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        self.calls.append(list(entries))
        failed = CallAnswer(None, "EventBridge: InternalFailure.")
        return [failed if self.down or self.refuses(id_of(one)) else OK for one in entries]

    def got(self) -> list[str]:
        """The ids of all entries, in order, also of those that were refused."""
        return [id_of(one) for call in self.calls for one in call]


@dataclass
class SlackChannel:
    """Answers with `answer`, and keeps the texts and when they came."""

    now: Callable[[], Any]
    answer: CallAnswer = OK
    texts: list[str] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        assert url == WEBHOOK
        self.texts.append(json.loads(body)["text"])
        self.times.append(self.now())
        return self.answer


@dataclass
class Team(Owner):
    """The owner, whose deliveries to the channels are made. `meanwhile` runs while one waits."""

    meanwhile: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.place.policy = POLICY
        self.buses = Buses()
        self.slack = SlackChannel(lambda: self.place.now.at)

    def settle_one(self, services: Services | None = None) -> None:
        queue = self.place.deliveries_queue
        message = read_deliver_message(json.dumps(queue.waiting[0][1]))
        assert message
        services = services or self.place.services
        if message.endpoint_id == BUS:
            deliver_to_bus(message, services, self.buses, lambda: self.has_time())
        elif message.endpoint_id == SLACK:
            channel = Channel(
                self.slack,
                lambda: WEBHOOK,
                "https://billing.example.com",
                self._pause,
                lambda: self.has_time(),
            )
            deliver_to_slack(message, services, channel)
        queue.waiting.pop(0)

    def _pause(self, seconds: float) -> None:
        self.place.now.at += timedelta(seconds=seconds)
        self.meanwhile()

    def waiting(self, channel: str) -> list[Delivery]:
        """What waits for a channel."""
        kept = self.place.deliveries.kept.values()
        return [one for one in kept if one.key.endpoint_id == channel and one.next_at]

    def _next_due(self, end: Any) -> Any:
        due = [one.next_at for channel in (BUS, SLACK) for one in self.waiting(channel)]
        return min((at for at in due if at and self.place.now.at < at <= end), default=None)


def only(place: FakeServices, bus: bool) -> None:
    """Leave one of the two channels."""
    place.policy = replace(POLICY, slack=None) if bus else replace(POLICY, bus=BusPolicy())


def id_of(entry: BusEntry) -> str:
    """The id of the event in an entry."""
    return str(json.loads(entry["Detail"])["id"])
