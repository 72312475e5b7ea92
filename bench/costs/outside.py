"""What it uses to tell others beside webhook endpoints: the owner's event bus, Slack, a reader of
the feed of events, and a product that checks access tokens.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from math import ceil
from unittest.mock import patch

from bench.costs.deployment import A_PIECE, Deployment
from bench.costs.stories import STARTED, Same, Used, arrive, deliver_all, of_recordings, used_by
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry, entry_size
from chalicelib.domain.policy.policy import BusPolicy, SlackPolicy
from chalicelib.runtime import wiring
from chalicelib.values import replace
from tests.fakes.services import RECORDINGS

RECORDING = RECORDINGS["trial_converts"]
ACCOUNT = "acct_demo"
"""The account of the recording."""

OK = CallAnswer(200)


class _Bus:
    """An event bus that takes everything, and counts it."""

    def __init__(self) -> None:
        self.stage: Deployment | None = None

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        assert self.stage
        self.stage.meter.add("aws_calls")
        for one in entries:
            self.stage.meter.add("own_events", ceil(entry_size(one) / A_PIECE))
        return [OK] * len(entries)


def to_the_bus() -> Used:
    """A trial starts at Stripe, and the owner's bus gets the event."""
    bus = _Bus()
    policy = replace(wiring.policy(), bus=BusPolicy(name="billing"))
    stand_ins = (
        patch.object(wiring, "policy", lambda: policy),
        patch.object(wiring, "event_bus", lambda: bus),
    )
    with of_recordings(*stand_ins) as (stage, stripe):
        bus.stage = stage
        arrive(stage, stripe, RECORDING, STARTED)
        deliver_all(stage)
        return used_by("a trial starts, to the event bus", stage)


def to_slack() -> Used:
    """A trial starts at Stripe, and the team's channel gets a message for each event."""
    policy = replace(wiring.policy(), slack=SlackPolicy(tuple(CATALOGUE)))
    stand_ins: tuple[AbstractContextManager[object], ...] = (
        patch.object(wiring, "policy", lambda: policy),
        patch.object(wiring, "slack_caller", lambda: Same(OK)),
        patch("time.sleep"),  # Slack takes a message a second
    )
    with of_recordings(*stand_ins) as (stage, stripe):
        arrive(stage, stripe, RECORDING, STARTED)
        deliver_all(stage)
        return used_by("a trial starts, to Slack", stage)


def token() -> Used:
    """The product gets an access token; its key is remembered."""
    return _asked("an access token", "access", "POST", f"/accounts/{ACCOUNT}/access/token")


def page_of_events() -> Used:
    """A reader gets all events of one customer's history in a page."""
    return _asked("a page of the feed", "read", "GET", "/events")


def look_for_events() -> Used:
    """A reader that has everything asks for more."""
    return _asked("a look at the feed without news", "read", "GET", "/events", news=False)


def _asked(name: str, scope: str, method: str, path: str, news: bool = True) -> Used:
    with of_recordings() as (stage, stripe):
        arrive(stage, stripe, RECORDING, len(RECORDING.events))
        bearer = f"Bearer {stage.key(scope)}"
        before = stage.call(method, path, Authorization=bearer)
        target = path if news else f"{path}?cursor={json.loads(before.body)['cursor']}"
        stage.meter.by_function.clear()
        stage.meter.calls.clear()
        stage.call(method, target, Authorization=bearer)
        return used_by(name, stage)


def outside_stories() -> list[Used]:
    """All of them."""
    return [to_the_bus(), to_slack(), token(), page_of_events(), look_for_events()]
