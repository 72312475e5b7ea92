"""Saving an account while others write it: nothing is lost, nothing is overwritten, and nobody
tries for ever.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import TRIES, retry_on_lost_race, update
from tests.fakes.faults import OutsideCalls
from tests.fakes.services import FakeServices

ID = "acc_1"


def saved(place: FakeServices, **changes: object) -> Account:
    """The account in the table, written by somebody else."""
    before = place.accounts.load(ID) or Account(ID)
    after = replace(before, version=before.version + 1, **changes)
    place.accounts.save(before, after)
    return after


def counting(account: Account) -> Account:
    return replace(account, version=account.version + 1, failures=account.failures + 1)


def while_others_write(place: FakeServices, times: int) -> Callable[[Account], Account]:
    """A change during which another writer is faster, so many times."""
    left = iter(range(times))

    def change(account: Account) -> Account:
        if next(left, None) is not None:
            saved(place, failures=account.failures + 10)
        return counting(account)

    return change


def pausing(place: FakeServices) -> tuple[Services, list[float]]:
    pauses: list[float] = []
    services = place.services
    return replace(services, clock=replace(services.clock, pause=pauses.append)), pauses


def test_a_change_is_saved_and_returned(place: FakeServices) -> None:
    saved(place)
    after = update(ID, counting, place.services)
    assert after == place.accounts.load(ID)
    assert after is not None
    assert (after.version, after.failures) == (2, 1)


def test_nothing_to_save_is_not_written_and_gives_the_account_as_it_is(place: FakeServices) -> None:
    before, calls = saved(place), OutsideCalls()
    assert update(ID, lambda account: None, calls.watch(place.services)) == before
    assert calls.made == ["accounts.load"]


def test_an_account_that_is_not_there_is_not_changed(place: FakeServices) -> None:
    def never(account: Account) -> Account:
        raise AssertionError("there is none to change")

    assert update(ID, never, place.services) is None


def test_an_account_that_was_just_read_is_not_read_again(place: FakeServices) -> None:
    known, calls = saved(place), OutsideCalls()
    update(ID, counting, calls.watch(place.services), known=known)
    assert calls.made == ["accounts.save"]


def test_after_a_lost_race_the_change_is_made_to_what_the_other_wrote(place: FakeServices) -> None:
    known = saved(place)
    services, pauses = pausing(place)
    after = update(ID, while_others_write(place, 3), services, known=known)
    assert after is not None
    assert after.failures == 31
    assert len(pauses) == 3
    assert all(0 <= pause <= 2 for pause in pauses)


def test_a_new_account_is_written_though_the_table_has_none(place: FakeServices) -> None:
    assert update(ID, counting, place.services, known=Account(ID)) == place.accounts.only()


def test_a_new_account_that_another_wrote_first_is_changed_as_that_one_wrote_it(
    place: FakeServices,
) -> None:
    after = update(ID, while_others_write(place, 1), place.services, known=Account(ID))
    assert after is not None
    assert (after.version, after.failures) == (2, 11)


def test_an_account_that_was_erased_meanwhile_is_not_written_again(place: FakeServices) -> None:
    known = saved(place)
    place.accounts.erase(known, place.now())
    assert update(ID, counting, place.services, known=known) is None
    assert place.accounts.load(ID) is None


def test_who_loses_every_race_gives_up_without_a_pause_after_the_last(place: FakeServices) -> None:
    known = saved(place)
    services, pauses = pausing(place)
    with pytest.raises(Unavailable, match=f"{ID} were faster {TRIES} times"):
        update(ID, while_others_write(place, TRIES), services, known=known)
    assert len(pauses) == TRIES - 1


def test_an_attempt_that_says_that_it_lost_runs_again(place: FakeServices) -> None:
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConcurrentUpdate("what it read has changed since")
        return "done"

    assert retry_on_lost_race(ID, attempt, place.services) == "done"
    assert len(tries) == 3


def test_any_other_failure_is_not_retried(place: FakeServices) -> None:
    tries: list[int] = []

    def attempt() -> None:
        tries.append(1)
        raise Unavailable("The table does not answer.")

    with pytest.raises(Unavailable, match="does not answer"):
        retry_on_lost_race(ID, attempt, place.services)
    assert len(tries) == 1
