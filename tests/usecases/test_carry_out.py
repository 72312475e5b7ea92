"""The outbox: out once, in order, and never forgotten."""

from datetime import timedelta

import pytest

from chalicelib.domain.errors import LostRace, Unavailable
from chalicelib.usecases.carry_out import carry_out
from chalicelib.usecases.take_in import take_in
from tests.usecases.test_take_in_recordings import messages
from tests.worlds import RECORDINGS, Place

TRIAL = RECORDINGS["trial_converts"]


@pytest.fixture
def begun(place: Place) -> Place:
    place.stripe.reader.truth = TRIAL.truth(5)
    take_in(messages(TRIAL.events[:5]), place.world)
    return place


def test_what_happened_goes_to_the_timeline_and_leaves_the_outbox(begun: Place) -> None:
    before = begun.accounts.only()
    carried = carry_out("acct_demo", begun.world)
    after = begun.accounts.only()
    assert [happening.type for happening in carried] == [
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
    assert carry_out("acct_demo", begun.world) == ()
    assert begun.accounts.only() == after, "nothing to carry out is nothing to write"


def test_an_account_that_is_gone_has_nothing_to_carry_out(place: Place) -> None:
    assert carry_out("acc_none", place.world) == ()


def test_an_outbox_not_carried_out_is_due_a_minute_later(begun: Place) -> None:
    assert begun.accounts.only().due_at == begun.now.at + timedelta(minutes=1)


def test_a_race_lost_is_run_again_and_what_came_meanwhile_goes_out_too(
    begun: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, raced = begun.accounts.save, []

    def racing(old: object, new: object) -> None:
        if not raced:
            raced.append(True)
            raise LostRace("Another writer was faster.")
        save(old, new)  # type: ignore[arg-type]

    monkeypatch.setattr(begun.accounts, "save", racing)
    assert len(carry_out("acct_demo", begun.world)) == 3
    assert begun.accounts.only().outbox == ()


def test_races_lost_for_ever_are_told(begun: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LostRace("Another writer was faster.")

    monkeypatch.setattr(begun.accounts, "save", fail)
    with pytest.raises(Unavailable):
        carry_out("acct_demo", begun.world)
