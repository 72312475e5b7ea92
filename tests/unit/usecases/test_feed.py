"""The feed loses no event and tells none twice, however its publishers' calls interleave, wherever
they are killed and however often they repeat.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from threading import Condition, Thread
from typing import Any

import pytest

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.changes.event_document import document
from chalicelib.domain.changes.event_feed import FEED_KEPT, UNDECIDED_FOR, Query
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.errors import CursorExpired, InvalidInput
from chalicelib.usecases.feed import FeedPage, put_events, read_feed
from chalicelib.usecases.services import Services
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.memory.timeline import MemoryTimelines
from tests.fakes.services import FakeServices

ALL = Query()
STANDING = Standing("trialing", "full", "trialing", "pro")


def somewhere() -> FakeServices:
    """Services whose publishers are not held to the order that accounts are written in."""
    return FakeServices(timeline=MemoryTimelines(in_order=False))


def event(place: FakeServices, number: int, account: str = "acc_1", type: str = "") -> EventEntry:
    """The event of that number of an account."""
    of = type or "trial.started"
    at = place.now.at
    told = DomainEvent(
        f"{account}.0.{number}.{of}",
        of,
        at,
        {"trial_end": "2026-03-16T09:00:00Z"},
        number,
        STANDING,
    )
    entry = Entry(account, at, "happening", told.id, told.type, told.data)
    return EventEntry(entry, document(told, livemode=False))


def page(
    place: FakeServices, cursor: str | None = None, query: Query = ALL, limit: int = 100
) -> FeedPage:
    return read_feed(cursor, query, limit, place.feed, place.timeline, place.now.at)


def ids(found: FeedPage) -> list[str]:
    return [json.loads(one)["id"] for one in found.documents]


@dataclass
class Reader:
    """Reads on from where it stopped, as long as the cursor changes."""

    place: FakeServices
    query: Query = ALL
    limit: int = 100
    cursor: str | None = None
    seen: list[str] = field(default_factory=list)

    def reads(self) -> "Reader":
        before: str | None = "never"
        while before != self.cursor:
            before = self.cursor
            found = page(self.place, self.cursor, self.query, self.limit)
            assert len(found.documents) <= self.limit
            self.seen += ids(found)
            self.cursor = found.cursor
        return self


@dataclass
class Steps:
    """Publishers in threads of which one at a time makes one call, in a given order. A killed one
    makes none any more.
    """

    order: Random
    waiting: dict[int, bool] = field(default_factory=dict)
    turn: int | None = None
    changed: Condition = field(default_factory=Condition)
    killed: set[int] = field(default_factory=set)

    def before_call(self, number: int) -> None:
        with self.changed:
            self.waiting[number] = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.turn == number or number in self.killed)
            if number in self.killed:
                raise Crash
            self.waiting[number] = False
            self.turn = None

    def ends(self, number: int) -> None:
        with self.changed:
            self.waiting.pop(number, None)
            self.changed.notify_all()

    def play(
        self, works: list[Callable[[int], None]], kills: float, look: Callable[[], Any]
    ) -> None:
        """Let them work to their ends, looking before each call."""
        self.waiting = dict.fromkeys(range(len(works)), False)
        threads = [Thread(target=work, args=(n,)) for n, work in enumerate(works)]
        for thread in threads:
            thread.start()
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.turn is None and all(self.waiting.values()))
                if not self.waiting:
                    break
                look()
                chosen = self.order.choice(sorted(self.waiting))
                if self.order.random() < kills:
                    self.killed.add(chosen)
                    self.waiting[chosen] = False
                else:
                    self.turn = chosen
                self.changed.notify_all()
        for thread in threads:
            thread.join()


class Stepped:
    """A store whose every call waits for its turn."""

    def __init__(self, store: Any, steps: Steps, number: int) -> None:
        self._store, self._steps, self._number = store, steps, number

    def __getattr__(self, verb: str) -> Any:
        def call(*args: Any) -> Any:
            self._steps.before_call(self._number)
            return getattr(self._store, verb)(*args)

        return call


def stepped(services: Services, steps: Steps, number: int) -> Services:
    stores = services.stores
    return replace(
        services,
        stores=replace(
            stores,
            feed=Stepped(stores.feed, steps, number),
            timeline=Stepped(stores.timeline, steps, number),
        ),
    )


def publisher(
    place: FakeServices, steps: Steps, batches: list[list[EventEntry]]
) -> Callable[[int], None]:
    """Publishes batch after batch, until it is killed."""

    def work(number: int) -> None:
        services = stepped(place.services, steps, number)
        try:
            for batch in batches:
                put_events(batch, services)
        except Crash:
            pass
        finally:
            steps.ends(number)

    return work


def histories(seed: int) -> Iterator[tuple[FakeServices, list[EventEntry], Reader, Reader]]:
    """Publishers who publish the events of two accounts, some of them by two publishers at once;
    some are killed. Then the queue delivers again what was killed.
    """
    order, place = Random(seed), somewhere()
    events = [event(place, n, f"acc_{a}") for a in (1, 2) for n in range(1, 4)]
    batches = [events[:3], events[3:], events[1:2], [events[0], events[4]]]
    order.shuffle(batches)
    early, late = Reader(place, limit=order.choice([1, 2, 100])), Reader(place)
    steps = Steps(order)
    kills = order.choice([0, 0, 0.1, 0.3])
    looks = order.random()

    def look() -> None:
        if order.random() < looks:
            early.reads()

    works = [publisher(place, steps, batches[n::3]) for n in range(3)]
    steps.play(works, kills, look)
    for batch in (events[:3], events[3:]):
        put_events([one for one in batch if place.timeline.missing([one.entry])], place.services)
        look()
    yield place, events, early, late


@pytest.mark.parametrize("part", range(10))
def test_however_publishers_interleave_each_event_is_read_once(part: int) -> None:
    for seed in range(part * 30, part * 30 + 30):
        for place, events, early, late in histories(seed):
            early.reads()
            wanted = sorted(one.entry.id for one in events)
            assert sorted(early.seen) == wanted, seed
            assert late.reads().seen == early.seen, "every reader sees the same order"
            kept = {one.id for one in place.timeline.entries.values()}
            assert kept == set(wanted)


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_publisher_killed_at_any_call_leaves_all_to_its_repeat(reply_lost: bool) -> None:
    counted = OutsideCalls()
    whole = somewhere()
    put_events([event(whole, n) for n in (1, 2, 3)], counted.watch(whole.services))
    for n in range(1, len(counted.made) + 1):
        place = somewhere()
        reader = Reader(place)
        events = [event(place, n) for n in (1, 2, 3)]
        with pytest.raises(Crash):
            put_events(events, crashing_after(n, reply_lost=reply_lost).watch(place.services))
        reader.reads()
        put_events(events, place.services)
        assert reader.reads().seen == [one.entry.id for one in events]


def test_the_events_of_an_account_are_read_in_the_order_of_their_numbers() -> None:
    place = somewhere()
    for first in (1, 3, 5):
        put_events([event(place, first), event(place, first + 1)], place.services)
        put_events([event(place, first, "acc_2")], place.services)
    reader = Reader(place, Query(account_id="acc_1"), limit=2).reads()
    assert [id.split(".")[2] for id in reader.seen] == ["1", "2", "3", "4", "5", "6"]


def test_a_reader_waits_for_an_event_that_somebody_is_putting() -> None:
    place = somewhere()
    with pytest.raises(Crash):
        put_events([event(place, 1)], crashing_after(2, reply_lost=True).watch(place.services))
    put_events([event(place, 1, "acc_2")], place.services)
    reader = Reader(place).reads()
    assert reader.seen == []
    assert Reader(place, Query(account_id="acc_2")).reads().seen == ["acc_2.0.1.trial.started"]
    place.now.at += UNDECIDED_FOR
    assert reader.reads().seen == ["acc_2.0.1.trial.started"], "nobody will put it any more"
    put_events([event(place, 1)], place.services)
    assert reader.reads().seen[1:] == ["acc_1.0.1.trial.started"]


def test_a_publisher_that_was_held_up_begins_with_a_new_row() -> None:
    place = somewhere()
    events = [event(place, 1), event(place, 2)]
    slow = place.timeline.put_event

    def hangs(one: EventEntry, at: Any) -> bool:
        is_new = slow(one, at)
        place.now.at += timedelta(minutes=5)
        return is_new

    place.timeline.put_event = hangs
    put_events(events, place.services)
    assert [len(row.pointers) for row in place.feed.segments["2026-03-02"]] == [2, 1]
    assert Reader(place).reads().seen == [one.entry.id for one in events]


def test_two_publishers_of_the_same_events_keep_their_order() -> None:
    place = somewhere()
    events = [event(place, number) for number in (1, 2, 3, 4)]
    put = place.timeline.put_event
    others = iter([events[:2]])

    def overtaken(one: EventEntry, at: Any) -> bool:
        is_new = put(one, at)
        for some in others:
            put_events(some, place.services)
        return is_new

    place.timeline.put_event = overtaken
    put_events(events, place.services)
    assert Reader(place).reads().seen == [one.entry.id for one in events]


def test_a_reader_goes_on_from_week_to_week_and_a_slow_clock_joins_the_newest() -> None:
    place = somewhere()
    put_events([event(place, 1)], place.services)
    reader = Reader(place).reads()
    began = place.now.at
    place.now.at = began + timedelta(days=15)
    assert reader.reads().seen == ["acc_1.0.1.trial.started"]
    place.now.at = began
    put_events([event(place, 2)], place.services)
    place.now.at = began + timedelta(days=15)
    assert reader.reads().seen[1:] == ["acc_1.0.2.trial.started"]
    assert Reader(place).reads().seen == reader.seen


def test_an_event_is_kept_thirty_days() -> None:
    place = somewhere()
    put_events([event(place, 1)], place.services)
    began = place.now.at
    place.now.at = began + timedelta(days=2)
    put_events([event(place, 2)], place.services)
    place.now.at = began + FEED_KEPT
    assert len(Reader(place).reads().seen) == 2
    place.now.at += timedelta(seconds=1)
    assert Reader(place).reads().seen == ["acc_1.0.2.trial.started"]


def test_a_cursor_of_more_than_thirty_days_is_told_the_oldest_there_is() -> None:
    place = somewhere()
    put_events([event(place, 1), event(place, 2)], place.services)
    cursor = page(place, limit=1).cursor
    place.now.at += timedelta(days=20)
    put_events([event(place, 3)], place.services)
    place.now.at += timedelta(days=11)
    with pytest.raises(CursorExpired) as refused:
        page(place, cursor)
    assert Reader(place, cursor=refused.value.oldest).reads().seen == ["acc_1.0.3.trial.started"]


def test_a_reader_whose_next_event_is_kept_no_more_is_told_so() -> None:
    place = somewhere()
    put_events([event(place, 1)], place.services)
    cursor = page(place).cursor
    put_events([event(place, 2)], place.services)
    place.now.at += timedelta(days=20)
    waits = Reader(place, Query(types=("plan.changed",)), limit=1)
    assert waits.reads().seen == []
    place.now.at += timedelta(days=10, hours=2)
    with pytest.raises(CursorExpired):
        page(place, cursor)
    assert waits.reads().seen == []


def test_a_reader_who_asks_every_day_is_never_too_late() -> None:
    place = somewhere()
    reader = Reader(place).reads()
    for _ in range(100):
        place.now.at += timedelta(days=1)
        reader.reads()
    put_events([event(place, 1)], place.services)
    assert reader.reads().seen == ["acc_1.0.1.trial.started"]


def test_types_and_account_are_filters_within_a_page() -> None:
    place = somewhere()
    for n in range(1, 4):
        put_events([event(place, n), event(place, n, "acc_2")], place.services)
    assert len(Reader(place, Query(("trial.started",), "acc_2")).reads().seen) == 3
    found = page(place, query=Query(types=("plan.changed",)))
    assert found.documents == []
    assert found.cursor != page(somewhere(), query=Query(types=("plan.changed",))).cursor


@pytest.mark.parametrize("text", ["nonsense", "e30", "W10", "WzEsMl0", "\x00", "ü", "====", "MTI"])
def test_a_cursor_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        page(somewhere(), text)
    assert refused.value.field == "cursor"


def test_a_cursor_of_another_query_is_refused() -> None:
    place = somewhere()
    cursor = page(place, query=Query(account_id="acc_1")).cursor
    for other in (ALL, Query(account_id="acc_2"), Query(("trial.started",), "acc_1")):
        with pytest.raises(InvalidInput):
            page(place, cursor, other)
    assert page(place, cursor, Query(account_id="acc_1"), 3).documents == []


def test_what_was_erased_is_passed_over() -> None:
    place = somewhere()
    put_events([event(place, 1), event(place, 1, "acc_2")], place.services)
    place.services.stores.partitions.clear("acc_1")
    place.now.at += UNDECIDED_FOR
    assert Reader(place).reads().seen == ["acc_2.0.1.trial.started"]
