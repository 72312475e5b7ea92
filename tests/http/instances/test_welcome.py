"""The welcome page, which leads to the customer's instance once that is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.runtime import wiring
from chalicelib.values import replace
from tests.http.instances.test_reports import INSTANCES, URL, puts
from tests.http.signups.test_signups import Front, Page, front  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import later, office  # noqa: F401 - the fixture


@pytest.fixture
def use(front: Front, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs with `[instance]`, some of its settings changed."""

    def use(**settings: Any) -> None:
        policy = replace(shipped, instance=replace(INSTANCES, **settings))
        monkeypatch.setattr(wiring, "policy", lambda: policy)
        wiring.services.cache_clear()

    shipped = wiring.policy()
    return use


@dataclass
class Visitor:
    """Who has just signed up, in their browser."""

    front: Front
    account: str
    cookie: str

    def welcome(self, query: str = "") -> Page:
        return self.front.call("GET", f"/welcome{query}", Cookie=self.cookie)

    def has_instance(self) -> None:
        assert puts(self.front, self.account, status="ready", url=URL).status == 204


@pytest.fixture
def visitor(front: Front, use: Callable[..., None]) -> Visitor:
    use()
    signed_up = front.signs_up().json
    opened = front.call("GET", urlsplit(signed_up["welcome_url"]).path)
    return Visitor(front, signed_up["account_id"], opened.cookie)


def test_a_new_customer_sees_that_the_workspace_is_being_made(visitor: Visitor) -> None:
    page = visitor.welcome()
    assert page.status == 200
    assert "Your workspace is being made" in page.text
    assert '<meta http-equiv="refresh" content="2">' in page.text
    assert "ada@example.com" not in page.text


def test_a_page_that_was_stopped_looks_again_when_asked_and_leads_on_all_the_same(
    visitor: Visitor,
) -> None:
    page = visitor.welcome("?looks=stopped")
    assert page.status == 200
    assert "http-equiv" not in page.text
    assert "http-equiv" in visitor.welcome("?looks=x").text
    visitor.has_instance()
    page = visitor.welcome("?looks=stopped")
    assert (page.status, page.headers["Location"]) == (303, URL)


def test_once_it_is_ready_the_customer_is_led_there(visitor: Visitor) -> None:
    visitor.has_instance()
    page = visitor.welcome()
    assert (page.status, page.headers["Location"]) == (303, URL)


def test_the_hosts_are_those_of_now_at_the_redirect(
    visitor: Visitor, use: Callable[..., None]
) -> None:
    visitor.has_instance()
    use(hosts=("acme.example",))
    page = visitor.welcome()
    assert page.status == 200
    assert URL not in page.text


def test_the_portal_leads_back_to_the_instance(visitor: Visitor) -> None:
    visitor.has_instance()
    key = {"Authorization": f"Bearer {visitor.front.office.stage.key('write')}"}
    path = f"/accounts/{visitor.account}/portal"
    answer = visitor.front.call("POST", path, b"{}", Content_Type="application/json", **key)
    assert answer.status == 200
    (session,) = visitor.front.stripe.engine.store.all("billing_portal.session")
    assert session["return_url"] == URL


def test_who_confirms_the_address_waits_for_the_workspace_and_is_led_there(
    front: Front, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    policy = wiring.policy()
    assert policy.signup
    asking = replace(policy, signup=replace(policy.signup, confirm=True))
    monkeypatch.setattr(wiring, "policy", lambda: asking)
    assert front.signs_up().status == 202
    front.works()
    pressed = front.enters()
    assert (pressed.status, pressed.path) == (303, "/welcome")
    waiting = Visitor(front, front.accounts()[0].id, pressed.cookie)
    assert "Your workspace is being made" in waiting.welcome().text
    waiting.has_instance()
    assert waiting.welcome().headers["Location"] == URL
    again = front.enters()
    assert again.path == "/billing", "the trial has begun before"


def test_without_instances_who_confirms_the_address_gets_to_the_billing_page(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = wiring.policy()
    assert policy.signup
    asking = replace(policy, signup=replace(policy.signup, confirm=True))
    monkeypatch.setattr(wiring, "policy", lambda: asking)
    wiring.services.cache_clear()
    assert front.signs_up().status == 202
    front.works()
    assert front.enters().path == "/billing"


def test_the_welcome_mail_waits_some_minutes_and_leads_to_the_page_that_waits(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = visitor.front
    front.works()
    assert front.office.inbox == []
    later(monkeypatch, minutes=5)
    front.works()
    (mail,) = front.office.inbox
    assert wiring.policy().mail.app_url not in str(mail.body)
    pressed = front.enters()
    assert pressed.path == "/welcome"
    waiting = Visitor(front, visitor.account, pressed.cookie)
    assert "Your workspace is being made" in waiting.welcome().text
    waiting.has_instance()
    assert waiting.welcome().headers["Location"] == URL
    assert front.enters().path == "/billing", "nothing is waited for any more"


def test_the_welcome_mail_of_who_does_not_wait_leads_to_the_instance(visitor: Visitor) -> None:
    visitor.has_instance()
    visitor.front.works()
    (mail,) = visitor.front.office.inbox
    assert URL in str(mail.body)


def test_the_page_goes_on_for_who_opens_the_mailed_link_meanwhile(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, minutes=5)
    visitor.front.works()
    proved = visitor.front.enters()
    assert visitor.welcome().status == 404, "what was handed out before the proof has ended"
    both = Visitor(visitor.front, visitor.account, f"{visitor.cookie}; {proved.cookie}")
    assert "Your workspace is being made" in both.welcome().text
    visitor.has_instance()
    assert both.welcome().headers["Location"] == URL
