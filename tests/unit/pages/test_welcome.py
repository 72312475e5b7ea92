"""What the welcome page says of the customer's instance, and where it leads."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.external.instance import STATUSES, Instance
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account, Profile, Signup
from chalicelib.domain.instances.links import MET_AGAIN, known_link, ready_link
from chalicelib.pages.customer import billing_view
from chalicelib.pages.rendering import page
from chalicelib.pages.welcome import LEADS_TO_BILLING, SHOWN_AS, looks_again_in, welcome_view
from tests.fakes.customer_pages import DAY, INSTANCES, NOW, OPEN, instance_that_is
from tests.fakes.services import POLICY

WITH = replace(POLICY, instance=INSTANCES)
SIGNUP = Signup("pro", NOW + 13 * DAY, NOW)
GONE = Standing("paused", "none", "trial_expired")
URL = "https://a-1.acme.app/start"


def holder(instance: Instance | None, standing: Standing = OPEN) -> Account:
    profile = Profile("ada@example.com", "Ada")
    return Account("acc_1", profile=profile, signup=SIGNUP, instance=instance, standing=standing)


def told(instance: Instance, standing: Standing = OPEN, language: str = "en") -> dict[str, Any]:
    view: dict[str, Any] = welcome_view(holder(instance, standing), WITH, NOW, language)["instance"]
    return view


def html(account: Account, language: str = "en") -> str:
    view = welcome_view(account, WITH, NOW, language)
    return page("welcome", language=language, root="", product="Acme", **view)


def test_each_status_but_ready_is_told() -> None:
    assert {*SHOWN_AS, "ready"} == set(STATUSES)


def test_a_new_instance_shows_how_far_it_is() -> None:
    waits = instance_that_is("creating")
    assert waits.request
    done = {one["name"]: one["done"] for one in told(waits)["steps"]}
    assert done == {"account": True, "trial": False, "asked": True, "made": False}
    planned = replace(waits, request=replace(waits.request, calls=0))
    (current, *_) = [one["name"] for one in told(planned)["steps"] if one["current"]]
    assert current == "trial"
    assert not [one for one in told(planned)["steps"] if one["name"] == "asked" and one["done"]]


@pytest.mark.parametrize(
    ("waited", "seconds"), [(0, 2), (19, 2), (20, 5), (119, 5), (120, 15), (599, 15), (600, 60)]
)
def test_the_page_looks_again_ever_more_seldom(waited: int, seconds: int) -> None:
    assert looks_again_in(timedelta(seconds=waited)) == seconds


@pytest.mark.parametrize("status", [one for one in SHOWN_AS if one not in LEADS_TO_BILLING])
def test_the_page_looks_again_without_scripts_while_it_waits(status: str) -> None:
    shown = html(holder(instance_that_is(status)))
    if SHOWN_AS[status] in LEADS_TO_BILLING:
        assert "http-equiv" not in shown
        assert 'href="/sign-in"' in shown
    else:
        assert '<meta http-equiv="refresh" content="5">' in shown
        assert 'href="/sign-in"' not in shown
    assert "<script" not in shown


def test_who_waits_in_vain_is_told_that_the_team_knows() -> None:
    assert "Our team knows" in html(holder(instance_that_is("stalled")))
    assert "Unser Team weiß davon" in html(holder(instance_that_is("stalled")), "de")
    assert "we are trying again" in html(holder(instance_that_is("failed")))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_suspended_instance_says_why_and_leads_to_the_billing_page(language: str) -> None:
    shown = html(holder(instance_that_is("suspended"), GONE), language)
    assert {"en": "has ended", "de": "ist zu Ende"}[language] in shown
    assert 'href="/sign-in"' in shown


def test_a_suspension_that_failed_is_no_new_workspace_that_is_late() -> None:
    stalled = replace(instance_that_is("stalled"), state="suspended")
    assert told(stalled, GONE)["leads_to_billing"]


def test_the_billing_page_says_until_when_the_data_is_kept() -> None:
    suspended = instance_that_is("suspended")
    view = billing_view(holder(suspended, GONE), WITH, NOW, None, "en")
    assert view["instance"].startswith("Your workspace is suspended.")
    dated = replace(suspended, deletes_at=NOW + 90 * DAY)
    view = billing_view(holder(dated, GONE), WITH, NOW, None, "en")
    assert "On Monday, 1 June 2026 it is deleted" in view["instance"]
    assert (
        billing_view(holder(instance_that_is("creating")), WITH, NOW, None, "en")["instance"] == ""
    )


def test_a_link_leads_to_an_instance_that_is_ready_and_on_a_host_of_the_policy() -> None:
    ready = holder(instance_that_is("ready", url=URL))
    assert ready_link(ready, WITH) == URL
    assert billing_view(ready, WITH, NOW, None, "en")["app_url"] == URL
    elsewhere = replace(WITH, instance=replace(INSTANCES, hosts=("acme.example",)))
    assert ready_link(ready, elsewhere) is None, "the policy has changed since"
    assert ready_link(ready, POLICY) is None
    assert welcome_view(ready, WITH, NOW, "en")["instance"] is None


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://notacme.app/", "https://acme.app@evil.example/", "//acme.app"],
)
def test_no_link_is_made_of_a_url_that_should_not_be_there(url: str) -> None:
    kept = holder(instance_that_is("ready", url=url))
    assert ready_link(kept, WITH) is None
    assert known_link(kept, WITH) is None


@pytest.mark.parametrize("status", SHOWN_AS)
def test_mails_and_the_welcome_lead_only_to_what_is_ready(status: str) -> None:
    account = holder(instance_that_is(status, url=URL))
    assert ready_link(account, WITH) is None
    assert known_link(account, WITH) == (URL if status in MET_AGAIN else None)
