"""The outbox of what nobody repeats: out once, in order, and never forgotten."""

from datetime import timedelta

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.stripe_api.events import read_event
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.schedule.outbox import publish_outbox
from tests.fakes.services import RECORDINGS, FakeServices
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

TRIAL = RECORDINGS["trial_converts"]


@pytest.fixture
def begun(place: FakeServices) -> FakeServices:
    """A trial that was learnt by a call, and not by a worker."""
    events = [read_event(one.body, place.now.at) for one in messages(TRIAL.events[:5])]
    facts = [event.fact for event in events if event.fact]
    apply_facts(Account("acct_demo"), facts, place.services, None)
    return place


def test_what_happened_goes_to_the_timeline_and_leaves_the_outbox(begun: FakeServices) -> None:
    before = begun.accounts.only()
    carried = publish_outbox("acct_demo", begun.services)
    after = begun.accounts.only()
    assert [domain_event.type for domain_event in carried] == [
        "account.created",
        "access.granted",
        "trial.started",
    ]
    assert carried == before.outbox
    assert (after.outbox, after.due_at, after.standing) == (
        (),
        after.standing.until if after.standing else None,
        before.standing,
    )
    assert publish_outbox("acct_demo", begun.services) == ()
    assert begun.accounts.only() == after, "nothing to carry out is nothing to write"


def test_an_account_that_is_gone_has_nothing_to_carry_out(place: FakeServices) -> None:
    assert publish_outbox("acc_none", place.services) == ()


def test_an_outbox_not_carried_out_is_due_a_minute_later(begun: FakeServices) -> None:
    assert begun.accounts.only().due_at == begun.now.at + timedelta(minutes=1)


def test_a_race_lost_is_run_again_and_what_came_meanwhile_goes_out_too(
    begun: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, raced = begun.accounts.save, []

    def racing(old: object, new: object) -> None:
        if not raced:
            raced.append(True)
            raise ConcurrentUpdate("Another writer was faster.")
        save(old, new)  # type: ignore[arg-type]

    monkeypatch.setattr(begun.accounts, "save", racing)
    assert len(publish_outbox("acct_demo", begun.services)) == 3
    assert begun.accounts.only().outbox == ()


def test_races_lost_for_ever_are_told(begun: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConcurrentUpdate("Another writer was faster.")

    monkeypatch.setattr(begun.accounts, "save", fail)
    with pytest.raises(Unavailable):
        publish_outbox("acct_demo", begun.services)
