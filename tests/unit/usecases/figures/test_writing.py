"""What accounts contribute is written once the account is saved, whatever ends in between."""

import json
from datetime import timedelta

import pytest

from chalicelib.domain.figures.contributions import contributions
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.figures.revenue import day_of
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at

LIFE = RECORDINGS["upgrades_then_downgrades"]


def hears(place: FakeServices, calls: OutsideCalls | None = None) -> None:
    """Every event of the life, in one batch, after its end."""
    place.stripe.reader.truth = LIFE.truth(len(LIFE.events))
    place.now.at = at(LIFE.events[-1]["created"]) + timedelta(hours=1)
    services = calls.watch(place.services) if calls else place.services
    batch = [Message(event["id"], json.dumps(event)) for event in LIFE.events]
    outcomes = ingest(batch, services)
    assert not [outcome.failure for outcome in outcomes if outcome.failure]


def kept(place: FakeServices) -> dict[str, str]:
    return {str(key): text for (key, _), (text, _) in place.figures.texts.items() if text}


def right(place: FakeServices) -> dict[str, str]:
    account = place.accounts.only()
    return {str(key): text for key, text in contributions(account, POLICY).items()}


def calls_of_a_life() -> int:
    calls = OutsideCalls()
    hears(FakeServices(), calls)
    return len(calls.made)


@pytest.mark.parametrize("reply_lost", [False, True])
@pytest.mark.parametrize("after", range(1, calls_of_a_life() + 1))
def test_wherever_the_worker_ends_a_repeat_has_written_everything(
    after: int, reply_lost: bool
) -> None:
    place = FakeServices()
    with pytest.raises(Crash):
        hears(place, crashing_after(after, reply_lost=reply_lost))
    hears(place)
    assert kept(place) == right(place)
    assert len(kept(place)) == 4


def test_a_repeat_writes_nothing_again() -> None:
    place = FakeServices()
    hears(place)
    written = place.figures.written
    hears(place)
    assert place.figures.written == written


def test_a_slow_writer_of_an_older_version_replaces_nothing() -> None:
    place = FakeServices()
    hears(place)
    before = kept(place)
    ((key, id), (_, rank)) = next(
        (name, one) for name, one in place.figures.texts.items() if one[0]
    )
    place.figures.put(key, id, '{"usd":{"new":1}}', rank - 1)
    assert kept(place) == before


def test_what_changes_no_revenue_writes_no_figure() -> None:
    place = FakeServices()
    hears(place)
    written = place.figures.written
    renewed = [event for event in LIFE.events if event["type"] == "invoice.paid"][-1]
    later = json.loads(json.dumps(renewed)) | {"id": "evt_later"}
    later["data"]["object"] |= {"id": "in_later"}
    (outcome,) = ingest([Message("later", json.dumps(later))], place.services)
    assert outcome.effect == "applied"
    assert place.figures.written == written


def test_late_news_changes_the_row_of_its_day() -> None:
    place = FakeServices()
    changes = [event for event in LIFE.events if event["type"] == "customer.subscription.updated"]
    upgrade = changes[0]
    place.stripe.reader.truth = LIFE.truth(len(LIFE.events))
    place.now.at = at(LIFE.events[-1]["created"]) + timedelta(hours=1)
    rest = [event for event in LIFE.events if event is not upgrade]
    for event in (*rest, upgrade):
        ingest([Message(event["id"], json.dumps(event))], place.services)
    day = day_of(upgrade["created"])
    ((_, report),) = revenue(place.services, day - timedelta(days=1), day).items()
    assert [(row.mrr, row.expansion) for row in report.days] == [(4900, 0), (19900, 15000)]
