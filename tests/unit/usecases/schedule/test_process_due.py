"""The clockwork: what is due is done, one bad account holds up nobody, and a stream that is dead
loses nothing.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import BACKOFF
from chalicelib.usecases.schedule.process_due import DueOutcome, process_due_account
from chalicelib.usecases.schedule.sweep import QUEUE_IS_SHORT, sweep
from tests.fakes.lifecycles import ACCOUNT, DAY, START, Life
from tests.fakes.services import FakeServices, at
from tests.unit.usecases.ingestion.test_ingest import CREATED, SUBSCRIBED, TRIAL, altered, arrive


def test_what_is_not_due_is_left_alone() -> None:
    life = Life().begins().days(1)
    before = life.account
    assert process_due_account(ACCOUNT, life.place.services) == DueOutcome("nothing")
    assert process_due_account("acc_none", life.place.services) == DueOutcome("nothing")
    assert life.account == before


def test_with_the_stream_dead_every_happening_still_comes_out_each_once() -> None:
    """Nothing here carries out an outbox but the agenda."""
    life = Life().begins().days(20)
    ids = [entry.id for entry in life.place.timeline.entries.values() if entry.kind == "happening"]
    types = sorted(
        entry.type for entry in life.place.timeline.entries.values() if entry.kind == "happening"
    )
    assert len(ids) == len(set(ids))
    assert types == [
        "access.granted",
        "access.revoked",
        "account.created",
        "trial.expired",
        "trial.started",
    ]
    assert life.account.outbox == ()


def test_one_bad_account_rests_ever_longer_and_goes_on_once_it_is_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = Life().begins()
    put = life.place.timeline.put

    def fail(entries: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(life.place.timeline, "put", fail)
    results = []
    for _ in range(len(BACKOFF)):
        due_at = life.account.due_at
        assert due_at
        life.now.at = max(life.now.at, due_at)
        results.append(process_due_account(ACCOUNT, life.place.services))
    assert [(one.effect, type(one.failure)) for one in results] == [
        ("failed", ZeroDivisionError)
    ] * len(BACKOFF)
    monkeypatch.setattr(life.place.timeline, "put", put)
    life.advance(life.now.at + DAY)
    assert life.account.failures == 0, "mended in time, it goes on"


def test_a_dead_account_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life().begins()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("chalicelib.domain.schedule.processing.dispatch", fail)
    while life.account.due_at:
        life.now.at = max(life.now.at, life.account.due_at)
        result = process_due_account(ACCOUNT, life.place.services)
    assert (result.effect, type(result.failure)) == ("dead", ZeroDivisionError)
    (entry,) = [entry for entry in life.place.timeline.entries.values() if entry.kind == "dead"]
    assert entry.data == {"failure": "ZeroDivisionError"}
    assert life.place.metrics["AccountsDead"] == 1
    assert process_due_account(ACCOUNT, life.place.services) == DueOutcome("nothing")


def test_a_question_that_stripe_could_not_answer_is_asked_again_ever_more_slowly(
    place: FakeServices,
) -> None:
    arrive(place, CREATED, SUBSCRIBED, truth=TRIAL.truth(5))
    place.now.at = at(SUBSCRIBED["created"]) + timedelta(minutes=1)
    place.stripe.reader.down = True
    arrive(
        place,
        altered(
            {**SUBSCRIBED, "type": "customer.subscription.updated", "id": "evt_tie"},
            status="past_due",
        ),
    )
    gaps = []
    for _ in range(4):
        due_at = place.accounts.only().due_at
        assert due_at
        gaps.append(due_at - place.now.at)
        place.now.at = due_at
        assert process_due_account("acct_demo", place.services) == DueOutcome("acted")
    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]
    assert place.accounts.only().asks == (
        FetchRequest("subscription", SUBSCRIBED["data"]["object"]["id"]),
    )
    place.stripe.reader.down = False
    place.now.at = place.accounts.only().due_at or place.now.at
    process_due_account("acct_demo", place.services)
    assert place.accounts.only().asks == ()


def test_a_sweep_hands_out_what_is_due_the_oldest_first_and_no_more_than_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = Life().begins()
    for number in range(5):
        one = Account(f"acc_old_{number}", 1, due_at=START - timedelta(hours=number + 1))
        life.place.accounts.save(Account(one.id), one)
    life.now.at = START + DAY
    monkeypatch.setattr("chalicelib.usecases.schedule.sweep.A_RUN", 3)
    assert sweep(life.place.services).queued == 3
    assert [work["account_id"] for work in life.place.act_queue.waiting] == [
        "acc_old_4",
        "acc_old_3",
        "acc_old_2",
    ]


def test_a_sweep_holds_while_the_queue_is_long() -> None:
    life = Life().begins()
    life.place.act_queue.waiting = [{"account_id": "x"}] * (QUEUE_IS_SHORT + 1)
    assert sweep(life.place.services).queued == 0
    assert life.place.metrics["SweepsHeld"] == 1
