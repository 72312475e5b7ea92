"""The event destination of a stage: what is created and changed at Stripe, and what the doctor says
of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from ops.doctor.event_bus import judge_bus, judge_unused
from ops.doctor.findings import Finding
from ops.stripe.desired_state import Wanted, WantedBus
from ops.stripe.diff import compare
from ops.stripe.event_bus import (
    Destination,
    compare_bus,
    destination_of,
    read_destinations,
    source_in,
)
from tests.fakes.stripe.account import FakeStripeAccount, needed

EVENTS = frozenset(EVENT_TYPES)
SOURCE = "aws.partner/stripe.com/ed_test_1"
BUS = WantedBus("billhook-dev", "123456789012", "eu-central-1")
TAKEN = replace(BUS, source=SOURCE)
GOOD = Destination(
    "ed_test_1",
    SOURCE,
    BUS.account,
    BUS.region,
    "active",
    True,
    datetime(2026, 3, 2, 9, tzinfo=UTC),
    EVENTS,
    api_version="2026-10-28.endive",
    stack=BUS.stack,
)


def by_bus(bus: WantedBus = BUS) -> Wanted:
    return replace(needed(), bus=bus)


@pytest.fixture
def place() -> Iterator[FakeStripeAccount]:
    made = FakeStripeAccount()
    yield made
    made.close()


def held(place: FakeStripeAccount) -> Destination:
    (one,) = read_destinations(place.transport)
    return one


def stored(place: FakeStripeAccount) -> Any:
    (one,) = place.simulator.engine.store.objects["v2.core.event_destination"].values()
    return one


def test_a_stage_without_eventbridge_gets_no_destination_and_stripe_is_not_asked_for_any(
    place: FakeStripeAccount,
) -> None:
    assert place.account.apply(needed()) == []
    assert not [call for call in place.simulator.api.calls if call.path.startswith("/v2/")]


def test_the_destination_is_made_once_and_its_source_is_told(place: FakeStripeAccount) -> None:
    assert place.account.apply(by_bus()) == []
    made = held(place)
    assert (made.account, made.region) == (BUS.account, BUS.region)
    assert (made.stack, made.status, made.enabled) == (BUS.stack, "pending", True)
    assert (made.events, made.payload) == (EVENTS, "snapshot")
    assert made.api_version == needed().api_version
    assert stored(place)["events_from"] == ["@self"]
    assert any(f"--set StripeEventSource={made.source}," in line for line in place.said)
    for bus in (BUS, replace(BUS, source=made.source)):
        place.said.clear()
        assert place.account.apply(by_bus(bus)) == []
        assert place.said == []
    assert held(place) == made


def test_other_types_of_events_and_a_disabled_destination_are_put_right(
    place: FakeStripeAccount,
) -> None:
    place.account.apply(by_bus())
    stored(place).update(enabled_events=["invoice.paid", "price.created"], status="disabled")
    (change,) = compare(by_bus(), place.account.held(by_bus()))
    assert str(change).startswith(
        f"change  event destination {held(place).id}: it does not tell of"
    )
    assert "it tells of price.created, which nobody wants; it is disabled" in change.why
    assert place.account.apply(by_bus()) == []
    assert (held(place).events, held(place).enabled) == (EVENTS, True)


def test_a_source_that_aws_deleted_gets_a_successor(place: FakeStripeAccount) -> None:
    place.account.apply(by_bus())
    first = stored(place)
    first["amazon_eventbridge"]["aws_event_source_status"] = "deleted"
    assert place.account.apply(by_bus()) == []
    assert {one.status for one in read_destinations(place.transport)} == {"deleted", "pending"}


def test_all_pages_of_destinations_are_read(place: FakeStripeAccount) -> None:
    for _ in range(103):
        place.account.transport.post(
            "/v2/core/event_destinations",
            name="other",
            type="amazon_eventbridge",
            amazon_eventbridge={"aws_account_id": "1", "aws_region": "us-east-1"},
            enabled_events=["invoice.paid"],
            event_payload="thin",
        )
    assert len(read_destinations(place.transport)) == 103


@pytest.mark.parametrize(
    ("bus", "there", "found"),
    [
        (BUS, [], None),
        (BUS, [GOOD], GOOD),
        (TAKEN, [GOOD], GOOD),
        (TAKEN, [replace(GOOD, stack="")], replace(GOOD, stack="")),
        (BUS, [replace(GOOD, stack="")], None),
        (BUS, [replace(GOOD, stack="billhook-prod")], None),
        (TAKEN, [replace(GOOD, account="1")], None),
        (TAKEN, [replace(GOOD, region="us-east-1")], None),
        (TAKEN, [replace(GOOD, status="deleted")], None),
        (TAKEN, [replace(GOOD, payload="thin", api_version=None)], None),
        (TAKEN, [replace(GOOD, api_version="2099-01-01.xyz")], None),
        (
            TAKEN,
            [replace(GOOD, api_version="2025-09-30.clover")],
            replace(GOOD, api_version="2025-09-30.clover"),
        ),
        (TAKEN, [GOOD, replace(GOOD, id="ed_2", source="other")], GOOD),
        (
            BUS,
            [GOOD, replace(GOOD, id="ed_2", source="other")],
            replace(GOOD, id="ed_2", source="other"),
        ),
    ],
)
def test_the_destination_of_a_stage_is_that_of_its_source_or_one_made_for_it(
    bus: WantedBus, there: list[Destination], found: Destination | None
) -> None:
    assert destination_of(bus, there) == found
    changes = compare_bus(bus, EVENTS, there)
    assert bool(changes) is (found is None)


def test_the_source_is_the_end_of_its_arn() -> None:
    assert source_in(f"arn:aws:events:eu-central-1::event-source/{SOURCE}") == SOURCE


def judged(bus: WantedBus, *there: Destination) -> list[Finding]:
    return list(judge_bus(by_bus(bus), bus, there, "dev", "python -m ops stripe apply"))


def states(findings: Iterable[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def test_an_active_source_is_fine() -> None:
    (finding,) = judged(TAKEN, GOOD)
    assert finding.state == "ok"
    assert f"{SOURCE} is active" in finding.says


@pytest.mark.parametrize(
    ("there", "says", "cure"),
    [
        ([], "no destination of this Stripe account has the source", "apply --eventbridge"),
        ([replace(GOOD, status="deleted")], "AWS has deleted", "apply --eventbridge"),
        (
            [replace(GOOD, status="pending")],
            "AWS deletes it on 09 March 2026",
            "deploy --stage dev",
        ),
        ([replace(GOOD, enabled=False)], "it is disabled", "ops stripe apply"),
        ([replace(GOOD, events=frozenset({"invoice.paid"}))], "does not tell of", "stripe apply"),
        ([replace(GOOD, source=f"{SOURCE}2")], f"sends to {SOURCE}2", f"Source={SOURCE}2"),
    ],
)
def test_what_keeps_events_away_is_told_with_its_cure(
    there: list[Destination], says: str, cure: str
) -> None:
    (finding,) = judged(TAKEN, *there)
    assert finding.state == "wrong"
    assert says in finding.says
    assert cure in finding.cure


def test_a_status_that_aws_does_not_tell_is_unknown() -> None:
    assert states(judged(TAKEN, replace(GOOD, status="unknown"))) == ["unknown"]


def test_a_destination_that_waits_for_the_stage_is_told_with_its_last_day() -> None:
    waiting = replace(GOOD, status="pending")
    finding = judge_unused(BUS.stack, "dev", [waiting])
    assert (finding.state, "09 March 2026" in finding.says) == ("wrong", True)
    assert finding.cure.endswith(f"--stage dev --set StripeEventSource={SOURCE}")
    for others in ([], [GOOD], [replace(waiting, stack="billhook-prod")]):
        assert judge_unused(BUS.stack, "dev", others).state == "ok"
