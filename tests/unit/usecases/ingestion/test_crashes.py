"""A process that ends after any outside call, and the same work done again: the same account, each
happening carried out once.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.usecases.ingestion.ingest import ingest
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.services import Services
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.grids import examples, grid
from tests.fakes.services import RECORDINGS, FakeServices, at
from tests.unit.usecases.ingestion.test_ingest_recordings import messages


def work(place: FakeServices, name: str, batch: int) -> list[Any]:
    """The steps in which a history is taken in and its happenings carried out; each may be done
    again.
    """
    recording = RECORDINGS[name]
    steps: list[Any] = []
    for start in range(0, len(recording.events), batch):
        events = recording.events[start : start + batch]
        done = start + len(events)

        def arrive(
            services: Services, events: list[dict[str, Any]] = events, done: int = done
        ) -> None:
            place.stripe.reader.truth, place.now.at = (
                recording.truth(done),
                at(events[-1]["created"]),
            )
            ingest(messages(events), services)

        steps += [arrive, lambda services: publish_outbox("acct_demo", services)]
    return steps


def lived(name: str, batch: int, calls: OutsideCalls) -> FakeServices:
    place = FakeServices()
    for step in work(place, name, batch):
        try:
            step(calls.watch(place.services))
        except Crash:
            step(calls.watch(place.services))
    return place


def assert_the_same(place: FakeServices, whole: FakeServices) -> None:
    assert place.accounts.only() == whole.accounts.only()
    assert place.timeline.entries == whole.timeline.entries
    assert place.dead_letters.messages == whole.dead_letters.messages


@pytest.mark.parametrize(
    ("reply_lost", "name"),
    grid([True, False], ["trial_pauses_then_resumes", "renewal_fails_then_recovers"]),
)
def test_a_life_interrupted_after_each_of_its_calls(name: str, reply_lost: bool) -> None:
    counted = OutsideCalls()
    whole = lived(name, 4, counted)
    assert len(counted.made) > 30
    for n in range(1, len(counted.made) + 1):
        calls = crashing_after(n, reply_lost=reply_lost)
        assert_the_same(lived(name, 4, calls), whole)
        assert len(calls.made) > n, "it was taken up again"


@examples(80)
@given(
    st.sampled_from(sorted(RECORDINGS)),
    st.sampled_from([1, 7, 100]),
    st.integers(1, 60),
    st.booleans(),
)
def test_any_life_interrupted_anywhere(name: str, batch: int, n: int, reply_lost: bool) -> None:
    assert_the_same(
        lived(name, batch, crashing_after(n, reply_lost=reply_lost)),
        lived(name, batch, OutsideCalls()),
    )


def test_each_happening_is_carried_out_once_for_its_id() -> None:
    whole = lived("trial_converts", 3, OutsideCalls())
    carried = [entry.id for entry in whole.timeline.entries.values() if entry.kind == "happening"]
    assert len(carried) == len(set(carried))
    types = [entry.type for entry in whole.timeline.entries.values() if entry.kind == "happening"]
    assert (
        types.count("trial.started")
        == types.count("trial.converted")
        == types.count("account.created")
        == 1
    )
    assert whole.accounts.only().outbox == ()
