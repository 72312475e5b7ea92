"""What operators order, and what an erasure leaves to the provisioner first."""

import pytest

from chalicelib.domain.errors import AccountNotFound, NotPossible
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.instances.order import order_instance
from tests.unit.usecases.instances.owner import (
    ACCOUNT,
    DAY,
    DOWN,
    HOUR,
    Owner,
)


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.grant(10 * DAY)
    made.settle()
    return made


def orders(owner: Owner, order: str) -> None:
    order_instance(ACCOUNT, order, owner.services)
    owner.settle()


def test_a_suspended_one_stays_so_whatever_the_access_until_it_is_resumed(owner: Owner) -> None:
    orders(owner, "suspend")
    assert owner.instance.status == "suspended"
    owner.grant(90 * DAY)
    owner.passes(5 * DAY)
    assert owner.instance.status == "suspended"
    orders(owner, "resume")
    assert (owner.instance.status, owner.instance.order) == ("ready", None)
    assert owner.provisioner.actions() == ["create", "suspend", "resume"]


def test_what_has_access_is_not_deleted_by_order(owner: Owner) -> None:
    with pytest.raises(NotPossible):
        orders(owner, "delete")
    owner.passes(10 * DAY + HOUR)
    orders(owner, "delete")
    assert (owner.instance.status, owner.access) == ("deleted", "none")


def test_access_that_comes_back_ends_the_order_to_delete(owner: Owner) -> None:
    owner.passes(10 * DAY + HOUR)
    owner.provisioner.answer = lambda told: CallAnswer(500)
    orders(owner, "delete")
    assert owner.instance.status == "deleting"
    owner.provisioner.answer = None
    owner.grant(DAY)
    owner.passes(HOUR)
    assert (owner.instance.status, owner.instance.order) == ("ready", None)


def test_what_stalled_is_tried_once_more_with_the_same_request() -> None:
    owner = Owner()
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(10 * DAY)
    owner.passes(2 * HOUR)
    assert owner.instance.status == "stalled"
    owner.provisioner.answer = None
    orders(owner, "retry")
    assert owner.instance.status == "ready"
    assert len({one.request_id for one in owner.provisioner.asked}) == 1
    with pytest.raises(NotPossible):
        orders(owner, "retry")


def test_a_retry_has_a_whole_deadline_and_stalls_anew() -> None:
    owner = Owner()
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(10 * DAY)
    owner.passes(2 * HOUR)
    before = len(owner.provisioner.asked)
    orders(owner, "retry")
    owner.passes(2 * HOUR)
    assert len(owner.provisioner.asked) == 2 * before
    assert owner.events() == ["instance.stalled", "instance.stalled"]


def test_nothing_is_ordered_where_there_is_nothing(owner: Owner) -> None:
    with pytest.raises(AccountNotFound):
        order_instance("acc_nobody", "suspend", owner.services)
    owner.grant(-DAY, "acc_2")
    with pytest.raises(NotPossible):
        order_instance("acc_2", "suspend", owner.services)


def test_an_erasure_waits_for_the_instance_to_be_deleted(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: CallAnswer(202)
    erase_now(ACCOUNT, True, owner.services)
    owner.settle()
    assert owner.provisioner.actions() == ["create", "delete"]
    assert (owner.access, owner.instance.status) == ("full", "deleting"), "a grant is no reason"
    owner.reports("deleted", None)
    owner.passes(HOUR)
    assert owner.place.accounts.load(ACCOUNT) is None


def test_an_erasure_is_done_at_once_where_the_deletion_is(owner: Owner) -> None:
    erase_now(ACCOUNT, True, owner.services)
    owner.settle()
    owner.sweep()
    assert owner.place.accounts.load(ACCOUNT) is None
    assert owner.provisioner.has == {}
    erase_now(ACCOUNT, True, owner.services)


def test_an_erasure_waits_three_days_at_most_and_operators_are_told(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    erase_now(ACCOUNT, True, owner.services)
    owner.passes(3 * DAY + HOUR)
    assert owner.instance.status == "stalled"
    owner.passes(2 * HOUR)
    assert owner.place.accounts.load(ACCOUNT) is None
    assert owner.place.metrics["InstancesStalled"] == 1


def test_an_account_without_an_instance_is_erased_at_once(owner: Owner) -> None:
    owner.grant(-DAY, "acc_2")
    erase_now("acc_2", True, owner.services)
    assert owner.place.accounts.load("acc_2") is None


def test_who_is_suspended_by_hand_when_it_was_deleted_already_gets_a_new_one_with_a_resume(
    owner: Owner,
) -> None:
    owner.passes(12 * DAY)
    owner.provisioner.answer = lambda told: owner.provisioner.does(told) and DOWN
    owner.passes(28 * DAY + HOUR)
    assert (owner.instance.state, owner.instance.doubt) == ("suspended", "delete")
    order_instance(ACCOUNT, "suspend", owner.services)
    owner.provisioner.answer = None
    owner.grant(90 * DAY)
    owner.passes(4 * DAY)
    assert (owner.instance.status, owner.provisioner.has) == ("deleted", {})
    order_instance(ACCOUNT, "resume", owner.services)
    owner.passes(HOUR)
    assert (owner.instance.status, owner.provisioner.has) == ("ready", {ACCOUNT: "ready"})
