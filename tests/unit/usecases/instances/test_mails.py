"""The moments of an instance that mails refer to: ready after a wait, and soon to be deleted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import SignedUp
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.messaging.occasions import Occasion, occasions
from chalicelib.domain.policy.sequences import Step
from chalicelib.outreach.variables import variables
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from tests.fakes.services import SHIPPED, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import SimStage
from tests.unit.usecases.instances.owner import (
    ACCEPTED,
    ACCOUNT,
    ADA,
    DAY,
    DOWN,
    HOUR,
    INSTANCES,
    URL,
    Owner,
)

assert SHIPPED.mail
SHIPPED_MAIL, MINUTE = SHIPPED.mail, timedelta(minutes=1)


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


WELCOME = Step(
    "welcome", "onboarding", "trial_started", 0 * DAY, "welcome", "lifecycle", DAY, at_any_hour=True
)


def with_welcome(waits: timedelta = 5 * MINUTE, tolerance: timedelta = DAY) -> Owner:
    """An owner with a new trial, which is welcomed; the provisioner says that it is at it."""
    owner = Owner()
    owner.place.policy = replace(
        owner.place.policy,
        mail=replace(SHIPPED_MAIL, unproved=("welcome",)),
        steps=(replace(WELCOME, tolerance=tolerance),),
        instance=replace(INSTANCES, mail_waits=waits),
    )
    owner.provisioner.answer = lambda told: ACCEPTED
    stage = SimStage()
    owner.place.stripe = stripe_over(SimTransport(stage))
    owner.place.now.at = at(stage.second)
    now = owner.place.now.at
    signed_up = SignedUp(Signup("pro", now + 14 * DAY, now), ADA)
    apply_facts(Account(ACCOUNT), [signed_up], owner.services, None)
    return owner


def test_the_welcome_waits_for_the_instance_up_to_a_bound() -> None:
    owner = with_welcome()
    assert planned(owner) == {"welcome": 5 * MINUTE}
    owner.settle()
    owner.passes(MINUTE)
    assert planned(owner) == {"welcome": 4 * MINUTE}
    owner.reports("ready")
    assert planned(owner) == {"welcome": 0 * DAY}, "at once"


def test_the_welcome_goes_out_though_the_provisioner_is_down() -> None:
    owner = with_welcome()
    owner.provisioner.answer = lambda told: DOWN
    owner.passes(4 * MINUTE)
    assert owner.place.mail_queue.waiting == []
    owner.passes(MINUTE)
    (queued,) = owner.place.mail_queue.waiting
    assert queued["key"].startswith("welcome@")


def test_the_welcome_waits_no_longer_for_an_instance_that_has_stalled() -> None:
    owner = with_welcome(waits=DAY)
    owner.passes(HOUR)
    assert owner.instance.status == "stalled"
    assert len(owner.place.mail_queue.waiting) == 1


def test_the_welcome_waits_no_longer_than_it_may_be_sent() -> None:
    assert planned(with_welcome(waits=3 * HOUR, tolerance=HOUR)) == {"welcome": HOUR}


def test_without_a_bound_or_without_instances_the_welcome_does_not_wait() -> None:
    assert planned(with_welcome(waits=0 * DAY)) == {"welcome": 0 * DAY}
    owner = with_welcome()
    owner.place.policy = replace(owner.place.policy, instance=None)
    assert planned(owner) == {"welcome": 0 * DAY}


def test_mail_leads_to_the_instance_and_before_to_the_page_that_waits_for_it() -> None:
    owner = with_welcome()
    assert _app_url(owner) == "https://b.example/billing/token"
    owner.place.policy = replace(
        owner.place.policy, mail=replace(SHIPPED_MAIL, billing_url="https://app.example/billing")
    )
    assert _app_url(owner) == SHIPPED_MAIL.app_url, "where billing is the product's own page"
    owner.settle()
    owner.reports("ready")
    assert _app_url(owner) == URL


def _app_url(owner: Owner) -> object:
    (mail,) = due_messages(owner.account, owner.place.policy, owner.place.now.at)
    links = {"billing_url": "https://b.example/billing/token"}
    now = owner.place.now.at
    return variables(owner.account, mail, owner.place.policy, now, links)["app_url"]
