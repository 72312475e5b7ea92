"""Replaying events from Stripe or a timeline: exactly the chosen ones, and without any effect
on what was processed before.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.items import dump
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.runtime.clock import clock
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.stripe_api.transport import StripeTransport
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.__main__ import main
from ops.commands.events import length
from ops.recovery.replay.stripe_events import (
    OUTCOMES,
    TYPES_A_CALL,
    Choice,
    customers_of,
    kept_events,
    replay,
    wanted_types,
)
from ops.recovery.replay.timeline_events import kept_facts
from ops.stage.services import WAITS, PatientTransport
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at, updated
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, SimTransport
from tests.fakes.stripe.reader import FakeReader, reading
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

ALL = Choice(livemode=False)


@dataclass
class Waits:
    """Seconds that were waited, and the time by them."""

    made: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.made.append(seconds)

    def clock(self) -> float:
        return sum(self.made)


def patient(transport: StripeTransport, waits: Waits, a_second: float = 1000) -> PatientTransport:
    return PatientTransport(transport, a_second, waits.pause, waits.clock)


def bought(*names: str) -> SimLife:
    """Customers who have bought and been charged again, of whom no event has arrived."""
    life = SimLife()
    for name in names:
        customer = life.stage.post(
            "/v1/customers", email=f"{name}@example.com", metadata={"account_id": f"acc_{name}"}
        )["id"]
        life.stage.gives(customer, "tok_visa")
        life.stage.post(
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": life.stage.price("pro_monthly")}],
        )
    life.place.now.at = BEGIN + 20 * DAY
    life.stage.advance(int(life.place.now.at.timestamp()))
    return life


def replayed(
    life: SimLife,
    choice: Choice = ALL,
    types: tuple[str, ...] = (),
    since: datetime = BEGIN,
    calls: OutsideCalls | None = None,
) -> Counter[Any]:
    """Replay with services that may stop after any call, and again; then ingest what is in the
    queue.
    """
    queue: list[str] = []
    hands = (calls or OutsideCalls()).watch_parts(
        Hands(queue, SimTransport(life.stage)), "queue", "stripe"
    )
    found: Counter[Any] = Counter()
    for _ in range(2):
        with suppress(Crash):
            found.clear()
            events = kept_events(hands.stripe, wanted_types(types), since)
            for _event in replay(
                events,
                choice,
                StripeReader(SimTransport(life.stage)),
                life.place.now,
                hands.queue.append,
                found,
            ):
                pass
            break
    for number, body in enumerate(queue):
        (outcome,) = ingest([Message(str(number), body)], life.place.services)
        assert outcome.effect not in ("dead_lettered", "retry"), outcome
    return found


@dataclass(frozen=True)
class Hands:
    queue: Any
    stripe: Any


def accounts(life: SimLife) -> dict[str, Account]:
    return {
        id: account for id in life.place.accounts.items if (account := life.place.accounts.load(id))
    }


def test_events_that_never_arrived_are_taken_in_again_and_a_second_time_changes_nothing() -> None:
    life = bought("ada", "bob")
    assert accounts(life) == {}
    found = replayed(life)
    assert {outcome for outcome, _ in found} == {"chosen"}
    assert {
        id: account.standing and account.standing.access for id, account in accounts(life).items()
    } == {"acc_ada": "full", "acc_bob": "full"}
    before, log = accounts(life), dict(life.place.timeline.entries)
    assert replayed(life) == found
    assert accounts(life) == before
    assert life.place.timeline.entries == log


def test_only_events_of_the_chosen_account_are_replayed() -> None:
    life = bought("ada", "bob")
    customers = customers_of("acc_ada", None, SimTransport(life.stage))
    found = replayed(life, Choice(False, "acc_ada", customers))
    assert list(accounts(life)) == ["acc_ada"]
    assert (
        customers
        == set(accounts(life)["acc_ada"].customers)
        == customers_of("acc_ada", accounts(life)["acc_ada"], SimTransport(life.stage))
    )
    for type in ("customer.created", "customer.subscription.created", "invoice.paid"):
        assert found["chosen", type] == found["of_others", type] > 0, "each has as many"
    with pytest.raises(InvalidInput):
        customers_of("x' OR email:'y", None, SimTransport(life.stage))


def test_the_customer_of_a_dispute_is_found_by_its_charge() -> None:
    life = bought("ada", "bob")
    replayed(life)
    (ada,) = accounts(life)["acc_ada"].customers
    for charge in life.objects("charge"):
        life.stage.engine.payments.dispute(charge, "fraudulent")
    found = replayed(life, Choice(False, "acc_ada", frozenset({ada})), ("charge.dispute.created",))
    assert found == {
        ("chosen", "charge.dispute.created"): 1,
        ("of_others", "charge.dispute.created"): 1,
    }
    assert {id: account.disputed for id, account in accounts(life).items()} == {
        "acc_ada": True,
        "acc_bob": False,
    }


def test_only_the_chosen_types_and_days_are_replayed() -> None:
    life = bought("ada")
    found = replayed(life, types=("invoice.paid",))
    assert set(found) == {("chosen", "invoice.paid")}
    assert replayed(life, since=BEGIN + DAY) == {}
    with pytest.raises(InvalidInput):
        length("31d")
    assert (length("12h"), length("30d")) == (timedelta(hours=12), timedelta(days=30))


def test_the_other_mode_and_the_unreadable_are_left_out_and_told() -> None:
    life = bought("ada")
    life.stage.engine.store.events[0]["livemode"] = True
    paid = next(
        event for event in life.stage.engine.store.events if event["type"] == "invoice.paid"
    )
    paid["data"]["object"]["object"] = "riddle"
    found = replayed(life)
    assert (
        {outcome for outcome, _ in found}
        == {"chosen", "of_other_mode", "unreadable"}
        < set(OUTCOMES)
    )


def test_events_are_listed_by_twenty_types_a_call_and_a_hundred_a_page() -> None:
    life = bought(*(f"customer{number}" for number in range(30)))
    life.stage.api.calls.clear()
    events = list(kept_events(SimTransport(life.stage), wanted_types(()), BEGIN))
    assert sorted(event["id"] for event in events) == sorted(
        one["id"] for one in life.stage.engine.store.events if one["type"] in EVENT_TYPES
    )
    asked = [
        [value for name, value in call.pairs if name.startswith("types")]
        for call in life.stage.api.calls
    ]
    assert len(events) > 200
    assert len(asked) > 3
    assert max(map(len, asked)) <= TYPES_A_CALL < len(EVENT_TYPES)
    assert {type for some in asked for type in some} == set(EVENT_TYPES)


def test_a_replay_interrupted_after_each_of_its_calls_ends_the_same() -> None:
    counted = OutsideCalls()
    whole = bought("ada")
    replayed(whole, calls=counted)
    assert len(counted.made) > 5
    for reply_lost in (True, False):
        for n in range(1, len(counted.made) + 1):
            life = bought("ada")
            replayed(life, calls=crashing_after(n, reply_lost=reply_lost))
            once, log = accounts(life), dict(life.place.timeline.entries)
            assert list(once) == ["acc_ada"]
            assert once["acc_ada"].standing == accounts(whole)["acc_ada"].standing
            assert len(log) == len(whole.place.timeline.entries)
            replayed(life)
            assert accounts(life) == once
            assert life.place.timeline.entries == log


def test_too_many_requests_are_waited_out_ever_longer() -> None:
    life, waits = bought("ada"), Waits()
    life.fault("429", 3, method="GET")
    assert list(kept_events(patient(SimTransport(life.stage), waits), ("invoice.paid",), BEGIN))
    assert [wait for wait in waits.made if wait >= 1] == [1, 2, 4]
    life.fault("429", 1000, method="GET")
    with pytest.raises(Unavailable):
        list(kept_events(patient(SimTransport(life.stage), waits), ("invoice.paid",), BEGIN))
    assert [wait for wait in waits.made if wait >= 1] == [1, 2, 4, *WAITS]


def test_the_transport_keeps_the_rate_limit() -> None:
    life, waits = bought("ada"), Waits()
    transport = patient(SimTransport(life.stage), waits, a_second=10)
    for _ in range(31):
        transport.get("/v1/customers", limit=1)
    assert waits.clock() == pytest.approx(3)


# From the account's own timeline.


def lived(name: str) -> FakeServices:
    place, recording = FakeServices(), RECORDINGS[name]
    place.stripe = reading(FakeReader(recording.truth()))
    for event in recording.events:
        place.now.at = at(event["created"])
        ingest(messages([event]), place.services)
    return place


def as_kept(place: FakeServices) -> Iterator[Entry]:
    """The timeline as it comes back from the table."""
    for entry in place.timeline.entries.values():
        yield replace(entry, data=json.loads(dump(entry.data)) if entry.data else {})


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_replaying_a_timeline_changes_nothing(name: str) -> None:
    place = lived(name)
    account = place.accounts.only()
    facts = [fact for _, fact in kept_facts(as_kept(place), place.now()) if fact]
    assert facts
    assert updated(
        apply_facts(account, facts, place.services, StripeFetcher(place.services))
    ) == updated(account)


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_what_was_lost_is_restored_from_the_timeline(name: str) -> None:
    place = lived(name)
    account = place.accounts.only()
    robbed = replace(account, subscriptions={}, invoices={}, version=account.version + 1)
    place.accounts.save(account, robbed)
    facts = [fact for _, fact in kept_facts(as_kept(place), place.now()) if fact]
    again = apply_facts(robbed, facts, place.services, StripeFetcher(place.services))
    assert updated(again) == updated(account)


def test_an_entry_in_a_shape_that_cannot_be_read_keeps_no_other_from_being_learnt() -> None:
    place = lived("trial_converts")
    first, *others = [entry for entry in as_kept(place) if entry.kind == "stripe" and entry.data]
    broken = replace(first, data={"id": 7})
    kept = list(kept_facts([broken, *others], place.now()))
    assert kept[0] == (broken, None)
    assert all(fact for _, fact in kept[1:])
    assert len(kept) == 1 + len(list(kept_facts(others, place.now()))) > 5


# The command, against the simulated Stripe over loopback.


@pytest.fixture
def stripe(aws: None) -> Iterator[StripeSimulator]:
    simulator = StripeSimulator(clock.now)
    simulator.start()
    simulator.register(catalogue(POLICY))
    yield simulator
    simulator.close()


def test_the_real_sdk_asks_as_stripe_wants_it(stripe: StripeSimulator) -> None:
    transport = StripeTransport(lambda: "sk_test_1", stripe.base)
    ada = transport.post(
        "/v1/customers", email="ada@example.com", metadata={"account_id": "acc_ada"}
    )
    assert ada
    events = list(kept_events(transport, wanted_types(()), clock.now() - DAY))
    assert [event["type"] for event in events] == ["customer.created"]
    assert list(kept_events(transport, wanted_types(()), clock.now() + DAY)) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--yes"], "Which events?"),
        (["--since", "90d"], "up to 30d"),
        (["--since", "soon"], "such as 12h or 2d"),
        (["--from", "log", "--since", "1d"], "needs --account"),
        (["--account", "acc_1"], "Which stage?"),
    ],
)
def test_wrong_options_are_an_error(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STAGE", raising=False)
    assert main(["events", "replay", *arguments]) == 1
    assert said in capsys.readouterr().err
