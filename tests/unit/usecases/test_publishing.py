"""A worker publishes what it saved, with no second write, wherever it is interrupted and whoever
writes the account next.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.aws.items import account_item
from chalicelib.domain.account.facts import ConsentGiven, GrantGiven, MilestoneReached
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.domain.schedule.versions import failed, next_version
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.ingest import ingest
from chalicelib.usecases.publishing import publish_worker_outbox
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.memory.timeline import MemoryFeed, MemoryTimelines
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

TRIAL = RECORDINGS["trial_converts"]
BEGAN = ["access.granted", "account.created", "trial.started"]
ID = "acct_demo"


def learns(place: FakeServices, first: int, last: int, calls: OutsideCalls | None = None) -> None:
    """The worker gets these events of the trial."""
    place.stripe.reader.truth = TRIAL.truth(last)
    place.now.at = max(place.now.at, at(TRIAL.events[last - 1]["created"]))
    services = (calls or OutsideCalls()).watch(place.services)
    ingest(messages(TRIAL.events[first:last]), services)


def interrupted(place: FakeServices, first: int, last: int) -> None:
    """The worker ends between its save and what it publishes."""
    calls = OutsideCalls()
    learns(FakeServices(), first, last, calls)
    after_save = len(calls.made) - calls.made[::-1].index("accounts.save") + 1
    with pytest.raises(Crash):
        learns(place, first, last, crashing_after(after_save, reply_lost=False))
    assert told(place) == []
    assert place.accounts.only().worker_outbox


def told(place: FakeServices) -> list[str]:
    return sorted(
        entry.type for entry in place.timeline.entries.values() if entry.kind == "happening"
    )


def test_what_a_worker_published_takes_no_second_write(place: FakeServices) -> None:
    calls = OutsideCalls()
    learns(place, 0, 5, calls)
    assert told(place) == BEGAN
    assert [call for call in calls.made if not call.startswith("stripe")][-8:] == [
        "accounts.save",
        "figures.put",
        "timeline.put",  # Stripe's events
        "feed.last",
        "feed.append",
        *["timeline.put_event"] * 3,
    ]
    account = place.accounts.only()
    assert (account.outbox, len(account.worker_outbox)) == ((), 3)
    assert "publish the outbox" not in {one.what for one in due_work(account, POLICY, place.now.at)}
    assert "outbox" not in account_item(account), "the stream does not start its function"
    assert publish_outbox(ID, place.services) == ()
    assert place.accounts.only() == account


def test_a_repeat_of_the_message_publishes_nothing_again(place: FakeServices) -> None:
    learns(place, 0, 5)
    learns(place, 0, 5)
    assert len(place.published) == 3


def test_an_interrupted_worker_publishes_when_its_message_comes_again(place: FakeServices) -> None:
    interrupted(place, 0, 5)
    version = place.accounts.only().version
    learns(place, 0, 5)
    assert (told(place), place.accounts.only().version) == (BEGAN, version)
    assert len(place.published) == 3


def test_the_next_worker_takes_along_what_an_interrupted_one_left(place: FakeServices) -> None:
    interrupted(place, 0, 5)
    learns(place, 5, 12)
    whole = FakeServices()
    learns(whole, 0, 5)
    learns(whole, 5, 12)
    assert told(place) == told(whole) != BEGAN
    ids = [entry.id for entry in place.timeline.entries.values()]
    assert len(ids) == len(set(ids))
    assert place.accounts.only().worker_outbox != whole.accounts.only().worker_outbox


def test_a_call_takes_along_what_an_interrupted_worker_left_and_the_stream_publishes_it(
    place: FakeServices,
) -> None:
    interrupted(place, 0, 5)
    reached = MilestoneReached("invited", place.now.at)
    account = apply_facts(place.accounts.only(), [reached], place.services, None)
    assert (len(account.outbox), account.worker_outbox, told(place)) == (4, (), [])
    assert account.due_at == place.now.at + timedelta(minutes=1), "should the stream be down"
    publish_outbox(ID, place.services)
    assert told(place) == sorted([*BEGAN, "milestone.reached"])


def test_a_call_leaves_alone_what_a_worker_published(place: FakeServices) -> None:
    learns(place, 0, 5)
    left = ConsentGiven("lifecycle", False, place.now.at)
    account = apply_facts(place.accounts.only(), [left], place.services, None)
    assert (account.outbox, account.worker_outbox) == ((), ())
    assert account.due_at != place.now.at + timedelta(minutes=1)


def test_a_worker_takes_over_what_waits_for_the_stream(place: FakeServices) -> None:
    learns(place, 0, 1)
    account = place.accounts.only()
    waiting = next_version(account, account, POLICY, place.now.at)
    event = place.accounts.only().worker_outbox[0]
    place.accounts.save(account, replace(waiting, outbox=(event,)))
    place.timeline = MemoryTimelines()
    learns(place, 1, 5)
    assert told(place) == BEGAN
    assert place.accounts.only().outbox == ()


@pytest.mark.parametrize("reply_lost", [True, False])
def test_due_work_interrupted_after_each_of_its_calls_publishes_once(reply_lost: bool) -> None:
    def closes(calls: OutsideCalls) -> FakeServices:
        place = FakeServices()
        learns(place, 0, 5)
        account = place.accounts.only()
        assert account.standing
        assert account.standing.until
        place.now.at = account.standing.until + timedelta(days=3)
        place.stripe.reader.down = True
        try:
            process_due_account(ID, calls.watch(place.services))
        except Crash:
            process_due_account(ID, calls.watch(place.services))
        return place

    counted = OutsideCalls()
    whole = closes(counted)
    assert "access.revoked" in told(whole)
    for n in range(1, len(counted.made) + 1):
        place = closes(crashing_after(n, reply_lost=reply_lost))
        assert told(place) == told(whole), n


def test_an_account_that_rests_leaves_its_domain_events_to_the_stream(place: FakeServices) -> None:
    interrupted(place, 0, 5)
    account = place.accounts.only()
    rested = failed(account, place.now.at)
    assert (rested.outbox, rested.worker_outbox) == (account.worker_outbox, ())


def test_what_cannot_be_published_now_holds_the_message_back(place: FakeServices) -> None:
    class Down(type(place.timeline)):  # type: ignore[misc]
        def put(self, entries: list[Entry]) -> None:
            raise Unavailable("The table does not answer.")

    entries, place.timeline = place.timeline, Down()
    place.stripe.reader.truth = TRIAL.truth(5)
    outcomes = ingest(messages(TRIAL.events[:5]), place.services)
    assert {one.effect for one in outcomes} == {"retry"}
    place.timeline = entries
    learns(place, 0, 5)
    assert told(place) == BEGAN


def test_an_account_without_a_worker_outbox_costs_no_call(place: FakeServices) -> None:
    calls = OutsideCalls()
    publish_worker_outbox(Account("acc_1"), calls.watch(place.services))
    assert calls.made == []


def test_an_event_of_a_release_that_numbered_none_goes_onto_the_timeline_alone(
    place: FakeServices,
) -> None:
    learns(place, 0, 5)
    account = place.accounts.only()
    events = tuple(
        replace(one, sequence=None, standing=None, external_id=None)
        for one in account.worker_outbox
    )
    place.timeline, place.feed = MemoryTimelines(), MemoryFeed()
    publish_worker_outbox(replace(account, worker_outbox=events), place.services)
    assert told(place) == BEGAN
    assert place.feed.segments == {}


def test_events_that_nobody_publishes_are_published_by_who_writes_next_and_none_is_lost(
    place: FakeServices,
) -> None:
    learns(place, 0, 5)
    for number in range(70):
        place.now.at += timedelta(hours=1)
        grant = Grant(place.now.at + timedelta(minutes=30), note=str(number))
        apply_facts(place.accounts.only(), [GrantGiven(grant)], place.services, None)
    account = place.accounts.only()
    assert 0 < len(account.outbox) <= 51
    publish_outbox(ID, place.services)
    assert place.timeline.numbers == {ID: account.events}
    assert told(place).count("grant.given") == 70
