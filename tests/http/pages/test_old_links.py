"""Whoever finds an older mail sees the billing page by its link, and cannot make the customer pay
more: that takes a fresh sign-in.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.security.links import Link
from chalicelib.runtime.clock import clock
from tests.fakes.links import visit_of
from tests.fakes.visitors import Person
from tests.http.actions.test_actions import shop  # noqa: F401 - the fixture
from tests.http.pages.test_billing import ada  # noqa: F401 - the fixture

HOUR = timedelta(hours=1)
MORE = {"choice": "scale:month", "seats": 2}
LESS = {"choice": "pro:month", "seats": 1}


def by_link(person: Person, purpose: str, age: timedelta) -> Person:
    """The person with a session that a link of this age began just now."""
    issued = clock.now() - age
    mark = f"{purpose}@{issued.timestamp():.0f}"
    person.cookie = visit_of(person.account, about=mark)
    return person


@pytest.mark.parametrize("path", ["/billing/plan", "/billing/plan/confirm"])
def test_a_greater_plan_asks_for_a_sign_in_behind_an_older_link(ada: Person, path: str) -> None:
    form = ada.posts("/billing/plan", **MORE).form("confirm")
    by_link(ada, "billing", 25 * HOUR)
    page = ada.posts(path, **(form if path.endswith("confirm") else MORE))
    assert page.status == 200
    assert 'id="sign-in"' in page.text
    assert "ada@example.com" in page.text
    assert ada.subscription["items"]["data"][0]["quantity"] == 1


@pytest.mark.parametrize(
    ("purpose", "age"), [("billing", HOUR / 2), ("sign-in", timedelta(minutes=5))]
)
def test_behind_new_mail_and_after_a_sign_in_a_greater_plan_is_taken_at_once(
    ada: Person,
    purpose: str,
    age: timedelta,
) -> None:
    by_link(ada, purpose, age)
    form = ada.posts("/billing/plan", **MORE).form("confirm")
    assert ada.posts("/billing/plan/confirm", **form).leads_to == "/billing?notice=plan_changed"
    by_link(ada, "billing", 25 * HOUR)
    page = ada.posts("/billing/plan", **LESS)
    assert page.form("confirm"), "what costs less, any link may do"


def test_an_hour_later_a_sign_in_is_not_fresh_any_more(
    ada: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_link(ada, "sign-in", timedelta(0))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=16))
    assert 'id="sign-in"' in ada.posts("/billing/plan", **MORE).text


def test_paying_and_saving_a_card_need_no_fresh_sign_in(ada: Person) -> None:
    by_link(ada, "billing", 25 * HOUR)
    assert ada.posts("/billing/checkout").status == 303
    assert ada.posts("/billing/portal").status == 303


def test_a_session_of_an_older_release_goes_on(ada: Person) -> None:
    link = Link("billing-visit", ada.account.id)
    assert link.about == ""
    assert ada.posts("/billing/plan", **MORE).form("confirm")
