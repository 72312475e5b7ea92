"""Lives with the access that is expected at each moment: debits, sent invoices, another product in
the same Stripe account, a schedule, a pause, seats, yen. In order every expectation holds at its
moment; late, shuffled, doubled or half lost, the last one holds two days later.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.answers import ListEntry
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.stripe_api import answers
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.services import Stripe
from local.recordings import Recording, Truth
from tests.fakes.grids import grid
from tests.fakes.services import QUIET, FakeServices, at
from tests.fakes.stripe.reader import FakeReader

LIVES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[3] / "recordings" / "expected").glob("*.json"))
}
TWO_DAYS = timedelta(days=2)


@dataclass
class Listing:
    """A ListingApi over what Stripe holds; everything was delivered as far as Stripe knows."""

    reader: FakeReader

    def undelivered_events(
        self, types: Sequence[str], since: datetime, place: ListCursor | None
    ) -> Page[str]:
        return Page([])

    def live_subscriptions(self, place: ListCursor | None) -> Page[ListEntry]:
        return Page(self._listed({"canceled", "incomplete_expired"}, False))

    def ended_subscriptions(self, since: datetime, place: ListCursor | None) -> Page[ListEntry]:
        return Page(self._listed({"canceled", "incomplete_expired"}, True))

    def _listed(self, final: set[str], ended: bool) -> list[ListEntry]:
        truth = self.reader.truth
        return [
            answers.list_entry(
                {
                    **raw,
                    "customer": truth.customers[raw["customer"]],
                    "latest_invoice": truth.invoices.get(raw["latest_invoice"]),
                }
            )
            for raw in truth.subscriptions.values()
            if (raw["status"] in final) is ended
        ]


@dataclass
class Life:
    """One life at Billhook: events come when they come, and the schedules run in between."""

    recording: Recording
    policy: Policy = QUIET
    reader: FakeReader = field(default_factory=FakeReader)
    looked: datetime | None = None

    def __post_init__(self) -> None:
        nothing: Any = None
        listing: Any = Listing(self.reader)
        stripe = Stripe(self.reader, listing, nothing, nothing, nothing, nothing)
        self.place = FakeServices(policy=self.policy, stripe=stripe)
        self.place.now.at = at(self.recording.start)

    def hear(self, event: Any) -> None:
        (outcome,) = ingest([Message("m", json.dumps(event))], self.place.services)
        assert outcome.failure is None

    def advance(self, to: datetime, truth: Truth | None = None) -> None:
        """What is due until then happens at its moment, the daily comparison too."""
        while self.place.now.at < to:
            dues = [account.due_at for account in self.accounts() if account.due_at]
            looks = (self.looked or self.place.now.at) + timedelta(hours=6)
            self.place.now.at = min(
                to, max(min([*dues, looks]), self.place.now.at + timedelta(seconds=1))
            )
            self.reader.truth = truth or self.recording.truth_at(int(self.place.now.at.timestamp()))
            for account in self.accounts():
                process_due_account(account.id, self.place.services)
            if self.place.now.at >= looks:
                self.looked = self.place.now.at
                reconcile(self.place.services)

    def accounts(self) -> list[Any]:
        return [self.place.accounts.load(id) for id in self.place.accounts.items]

    @property
    def standing(self) -> Standing:
        account = self.place.accounts.load("acct_demo")
        if account is None:
            return Standing("none", "none", "no_subscription")
        return standing(account, self.policy, self.place.now.at)

    def assert_expected(self, expected: dict[str, Any]) -> None:
        found, levels = self.standing, expected["access"]
        assert found.access in (levels if isinstance(levels, list) else [levels]), expected["why"]
        for name in ("status", "plan", "quantity"):
            if expected[name] is not None:
                assert getattr(found, name) == expected[name], expected["why"]


def recording_of(name: str) -> Recording:
    return Recording.from_json(LIVES[name])


@pytest.mark.parametrize("name", LIVES)
def test_a_life_in_order_has_the_expected_access_at_every_moment(name: str) -> None:
    life, recording = Life(recording_of(name)), recording_of(name)
    expected = list(LIVES[name]["expect"])
    for done, event in enumerate(recording.events, 1):
        life.advance(at(event["created"]), None)
        life.reader.truth = recording.truth(done)
        life.hear(event)
        while expected and expected[0]["after_event"] == event["id"]:
            life.advance(at(expected[0]["at"]), recording.truth(done))
            life.assert_expected(expected.pop(0))
    assert not expected


def delivered(name: str, how: str, seed: int) -> list[tuple[datetime, Any]]:
    """When each event arrives: those of a life in order, or as badly as `how` says."""
    chance, events = Random(seed), recording_of(name).events
    match how:
        case "doubled":
            events = [event for event in events for _ in range(chance.choice([1, 2]))]
        case "half lost":
            events = [event for event in events if chance.random() < 0.5] or events[:1]
    late = {"late": 3 * 86_400, "shuffled": 86_400, "doubled": 86_400, "half lost": 3_600}[how]
    arrivals = [(at(event["created"] + chance.randrange(late)), event) for event in events]
    return sorted(arrivals, key=lambda pair: pair[0])


@pytest.mark.parametrize(
    ("name", "how", "seed"),
    grid(list(LIVES), ["late", "shuffled", "doubled", "half lost"], [1, 2, 3]),
)
def test_a_life_that_is_delivered_badly_ends_as_expected(name: str, how: str, seed: int) -> None:
    life = Life(recording_of(name))
    for moment, event in delivered(name, how, seed):
        life.advance(moment)
        life.reader.truth = life.recording.truth_at(int(life.place.now.at.timestamp()))
        life.hear(event)
    last = LIVES[name]["expect"][-1]
    life.advance(max(life.place.now.at + TWO_DAYS, at(last["at"])))
    life.assert_expected(last)


@pytest.mark.parametrize(("name", "seed"), grid(list(LIVES), [1, 2, 3]))
def test_a_life_that_arrives_all_at_once_at_its_end_ends_as_expected(name: str, seed: int) -> None:
    life, events = Life(recording_of(name)), recording_of(name).events
    life.place.now.at = at(LIVES[name]["end"])
    life.reader.truth = life.recording.truth()
    for event in Random(seed).sample([*events, *events[::2]], k=len(events) + len(events[::2])):
        life.hear(event)
    life.advance(life.place.now.at + TWO_DAYS)
    life.assert_expected(LIVES[name]["expect"][-1])
