"""What mails say of the customer's instance: where it is, and when it will be deleted."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.occasions import Occasion
from chalicelib.domain.policy.sequences import MailPolicy
from chalicelib.outreach.rendering import render
from chalicelib.outreach.variables import variables
from tests.fakes.services import SHIPPED
from tests.unit.domain.messaging.test_due_messages import LINKS
from tests.unit.usecases.instances.owner import DAY, DOWN, HOUR, INSTANCES, URL, Owner

POLICY = replace(SHIPPED, instance=INSTANCES)
STEPS = tuple(step for step in SHIPPED.steps if step.message.startswith("instance_"))


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.place.policy = replace(
        POLICY, steps=STEPS, mail=replace(mail_policy(), app_url="https://www.acme.example")
    )
    return made


def mail_policy() -> MailPolicy:
    assert SHIPPED.mail
    return SHIPPED.mail


def told(owner: Owner, message: str = "welcome", language: str = "en") -> dict[str, Any]:
    """The variables of a message of now."""
    now = owner.place.now.at
    step = next(step for step in SHIPPED.steps if step.message == message)
    due = DueMessage(step, Occasion(step.anchor, "1", now), now, now + DAY)
    return variables(owner.account, due, owner.place.policy, now, LINKS, language)


def sent(owner: Owner) -> list[str]:
    keys = (work["key"].partition("@")[0] for work in owner.place.mail_queue.waiting)
    return list(dict.fromkeys(keys))


def test_mails_lead_to_the_instance_once_it_is_ready_and_to_the_page_that_waits_before(
    owner: Owner,
) -> None:
    owner.grant(10 * DAY)
    assert told(owner)["app_url"] == LINKS["billing_url"]
    owner.settle()
    assert told(owner)["app_url"] == URL
    owner.passes(12 * DAY)
    assert told(owner)["app_url"] == "https://www.acme.example", "it is suspended"


def test_a_mail_leads_to_no_host_that_billing_toml_does_not_name(owner: Owner) -> None:
    owner.grant(10 * DAY)
    owner.settle()
    moved = replace(INSTANCES, hosts=("acme.example",))
    owner.place.policy = replace(owner.place.policy, instance=moved)
    assert told(owner)["app_url"] == "https://www.acme.example"


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_announcement_names_the_day_of_the_deletion(owner: Owner, language: str) -> None:
    owner.grant(10 * DAY)
    owner.settle()
    owner.passes(12 * DAY)
    deletes_at = owner.instance.deletes_at
    assert isinstance(deletes_at, datetime)
    values = told(owner, "instance_deletes", language)
    mail = render("instance_deletes", values, language)
    assert str(deletes_at.year) in values["deletes_on"]
    assert values["deletes_on"] in mail.subject
    assert values["billing_url"] in mail.html


def test_a_deletion_is_announced_a_week_and_a_day_before_to_who_has_no_access(
    owner: Owner,
) -> None:
    owner.grant(2 * DAY)
    owner.passes(2 * DAY + 30 * DAY - 8 * DAY)
    assert sent(owner) == []
    owner.passes(2 * DAY)
    assert sent(owner) == ["instance_deletes_7"]
    owner.passes(6 * DAY - HOUR)
    assert sent(owner) == ["instance_deletes_7", "instance_deletes_1"]
    assert owner.instance.status == "suspended"
    owner.passes(2 * HOUR)
    assert owner.instance.status == "deleted"


def test_who_waited_is_told_once_that_it_is_ready(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(10 * DAY)
    owner.passes(5 * HOUR)
    assert sent(owner) == []
    owner.reports("ready")
    owner.sweep()
    assert sent(owner) == ["instance_ready"]
    assert URL in render("instance_ready", told(owner, "instance_ready"), "en").text


def test_who_waited_and_has_no_access_by_then_is_not_told(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(4 * HOUR)
    owner.passes(5 * HOUR)
    owner.reports("ready")
    owner.sweep()
    assert sent(owner) == []
