"""The moments of an instance that mails refer to: ready after a wait, and soon to be deleted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.messaging.occasions import Occasion, occasions
from chalicelib.domain.policy.sequences import Step
from tests.fakes.services import SHIPPED
from tests.unit.usecases.instances.owner import DAY, DOWN, HOUR, Owner


def step(id: str, anchor: str, offset: timedelta) -> Step:
    return Step(id, "instances", anchor, offset, "trial_ended", "billing", 2 * DAY, True, True)


STEPS = (
    step("deletes_soon", "instance_deletes", -7 * DAY),
    step("deletes_tomorrow", "instance_deletes", -DAY),
    step("is_ready", "instance_ready", 0 * DAY),
)


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.place.policy = replace(made.place.policy, steps=STEPS)
    return made


def of_instances(owner: Owner) -> Sequence[Occasion]:
    found = occasions(owner.account, owner.place.policy)
    return [one for one in found if one.anchor.startswith("instance_")]


def planned(owner: Owner) -> dict[str, timedelta]:
    """When each message is due, from now on."""
    now = owner.place.now.at
    mails = due_messages(owner.account, owner.place.policy, now)
    return {mail.step.id: mail.at - now for mail in mails}


def test_a_deletion_is_announced_by_two_messages_while_access_is_gone(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.settle()
    assert of_instances(owner) == []
    owner.passes(4 * DAY)
    (deletes,) = of_instances(owner)
    assert deletes.moment == owner.instance.deletes_at
    left = deletes.moment - owner.place.now.at
    assert planned(owner) == {"deletes_soon": left - 7 * DAY, "deletes_tomorrow": left - DAY}
    owner.grant(HOUR)
    assert (of_instances(owner), planned(owner)) == ([], {})


def test_both_messages_go_out_before_the_deletion(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(2 * DAY + 30 * DAY - HOUR)
    sent = [work["key"].partition("@")[0] for work in owner.place.mail_queue.waiting]
    assert list(dict.fromkeys(sent)) == ["deletes_soon", "deletes_tomorrow"]
    assert owner.instance.status == "suspended"
    owner.passes(2 * HOUR)
    assert (owner.instance.status, of_instances(owner)) == ("deleted", [])


def test_only_who_was_told_to_wait_is_told_that_it_is_ready(owner: Owner) -> None:
    owner.grant(90 * DAY)
    owner.passes(DAY)
    assert of_instances(owner) == []
    slow = Owner()
    slow.place.policy = owner.place.policy
    slow.provisioner.answer = lambda told: DOWN
    slow.grant(90 * DAY)
    slow.passes(2 * HOUR)
    assert (slow.instance.status, of_instances(slow)) == ("stalled", [])
    slow.reports("ready")
    assert [one.anchor for one in of_instances(slow)] == ["instance_ready"]
    assert list(planned(slow)) == ["is_ready"]


def test_who_has_not_proved_the_address_yet_is_told_too() -> None:
    """The welcome page promises a mail to who has just signed up."""
    assert SHIPPED.mail
    told = {step.id for step in SHIPPED.steps if step.anchor.startswith("instance_")}
    assert told == {"instance_ready", "instance_deletes_7", "instance_deletes_1"}
    assert told <= set(SHIPPED.mail.unproved)
