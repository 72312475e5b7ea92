"""What the welcome page and the billing page say of the customer's instance."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.pages.customer import billing_view
from chalicelib.pages.rendering import page
from chalicelib.pages.welcome import welcome_view
from tests.fakes.customer_pages import DAY, INSTANCES, NOW, instance_that_is
from tests.fakes.services import POLICY

WITH = replace(POLICY, instance=INSTANCES)
SIGNUP = Signup("pro", NOW + 13 * DAY, NOW)
OVER = NOW + 15 * DAY
URL = "https://a-1.acme.app/start"


def holder(instance: Instance | None) -> Account:
    profile = Profile("ada@example.com", "Ada")
    return Account("acc_1", profile=profile, signup=SIGNUP, instance=instance)


def told(instance: Instance) -> dict[str, Any]:
    view: dict[str, Any] = welcome_view(holder(instance), WITH, NOW, "en")["instance"]
    return view


def html(
    instance: Instance, at: datetime = NOW, language: str = "en", is_stopped: bool = False
) -> str:
    view = welcome_view(holder(instance), WITH, at, language, is_stopped)
    return page("welcome", language=language, root="", product="Acme", **view)


def test_a_new_instance_shows_how_far_it_is() -> None:
    done = {one["name"]: one["done"] for one in told(instance_that_is("creating"))["steps"]}
    assert done == {"account": True, "trial": False, "asked": True, "made": False}
    steps = told(instance_that_is("creating", calls=0))["steps"]
    assert [one["name"] for one in steps if one["current"]] == ["trial"]
    assert [one["name"] for one in steps if one["done"]] == ["account"]


@pytest.mark.parametrize("status", ["creating", "resuming"])
def test_the_page_looks_again_without_scripts_while_it_waits(status: str) -> None:
    shown = html(instance_that_is(status))
    assert '<meta http-equiv="refresh" content="5">' in shown
    assert "<script" not in shown


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_reader_can_stop_the_page_from_looking_again_and_let_it_go_on(language: str) -> None:
    assert 'href="/welcome?looks=stopped"' in html(instance_that_is("creating"), language=language)
    still = html(instance_that_is("creating"), language=language, is_stopped=True)
    assert "http-equiv" not in still
    assert 'id="go-on" href="/welcome"' in still
    assert '<li id="step-account" class="done">' in still, "how far it is stays"


def test_a_page_that_does_not_look_again_has_nothing_to_stop() -> None:
    stalled = html(instance_that_is("stalled"), is_stopped=True)
    assert "Our team knows" in stalled
    assert "looks=stopped" not in stalled
    assert 'id="go-on"' not in stalled


def test_who_waits_too_long_is_told_kindly() -> None:
    stalled = instance_that_is("stalled")
    assert "Our team knows" in html(stalled)
    assert "Unser Team weiß davon" in html(stalled, language="de")
    assert "http-equiv" not in html(stalled), "a mail comes instead"
    assert "we are trying again" in html(instance_that_is("creating", error="The answer was 500."))


@pytest.mark.parametrize(("language", "why"), [("en", "has ended"), ("de", "ist zu Ende")])
def test_a_suspended_instance_says_why_and_leads_to_the_billing_page(
    language: str, why: str
) -> None:
    shown = html(Instance(NOW, "suspended", URL), OVER, language)
    assert why in shown
    assert 'href="/sign-in"' in shown
    assert "http-equiv" not in shown


def test_the_billing_page_says_until_when_the_data_is_kept() -> None:
    def said(instance: Instance, at: datetime) -> str:
        return str(billing_view(holder(instance), WITH, at, None, "en")["instance"])

    suspended = Instance(NOW, "suspended", URL)
    assert said(suspended, OVER).startswith("Your workspace is suspended. Your data is kept")
    dated = replace(suspended, deletes_at=NOW + 90 * DAY)
    assert "On Monday, 1 June 2026 it is deleted" in said(dated, OVER)
    assert said(instance_that_is("creating"), NOW) == ""


def test_the_billing_page_leads_back_to_an_instance_that_is_there() -> None:
    def back(instance: Instance | None, at: datetime, hosts: tuple[str, ...]) -> object:
        policy = replace(WITH, instance=replace(INSTANCES, hosts=hosts))
        return billing_view(holder(instance), policy, at, None, "en")["app_url"]

    assert POLICY.mail
    own, elsewhere = ("acme.app",), ("acme.example",)
    assert back(Instance(NOW, "ready", URL), NOW, own) == URL
    assert back(Instance(NOW, "suspended", URL), OVER, own) == URL, "it says why it is closed"
    assert back(Instance(NOW, "ready", URL), NOW, elsewhere) == POLICY.mail.app_url
    assert back(Instance(NOW, "deleted", URL), OVER, own) == POLICY.mail.app_url
    assert back(None, NOW, own) == POLICY.mail.app_url


def test_an_instance_that_may_not_be_linked_to_is_not_mentioned() -> None:
    ready = holder(Instance(NOW, "ready", URL))
    policy = replace(WITH, instance=replace(INSTANCES, hosts=("acme.example",)))
    view = welcome_view(ready, policy, NOW, "en")
    assert POLICY.mail
    assert (view["instance"], view["app_url"]) == (None, POLICY.mail.app_url)


@pytest.mark.parametrize("days", [1, 30])
def test_who_has_not_confirmed_reads_the_days_that_were_promised_at_the_signup(days: int) -> None:
    waits = replace(SIGNUP, confirm=True, trial_ends_at=NOW + days * DAY)
    account = Account("acc_1", profile=Profile("ada@example.com"), signup=waits)
    assert POLICY.trial.days != days, "billing.toml has another number by now"
    assert welcome_view(account, POLICY, NOW, "en")["trial_days"] == days
