"""Requests that are odd without being forged: cookies of other applications, a field twice. And the
headers that every answer has.
"""

import pytest

from tests.fakes.links import sent_as, visit_of
from tests.http.signups.test_signups import Front

JSON = "application/json"


@pytest.mark.parametrize("others", ['theme={"a":1}', "a b=c", "=", "ü=ä", "x=" + "y" * 9000])
def test_a_cookie_of_another_application_locks_no_customer_out(front: Front, others: str) -> None:
    front.signs_up()
    (account,) = front.accounts()
    for header in (f"{others}; {visit_of(account)}", f"{visit_of(account)}; {others}"):
        assert front.call("GET", "/billing", Cookie=header).status == 200
        assert front.posts_form({}, "/billing/checkout", Cookie=header).status == 303


def test_an_old_session_beside_the_present_one_does_not_hide_it(front: Front) -> None:
    front.signs_up()
    (account,) = front.accounts()
    for old in (sent_as("billing-visit", "x.y"), "billhook_billing=x.y"):
        for header in (f"{old}; {visit_of(account)}", f"{visit_of(account)}; {old}"):
            assert front.call("GET", "/billing", Cookie=header).status == 200


@pytest.mark.parametrize("cookies", ["x" * 9000, ";" * 5000, "\x7f=\x00", "=;=;==", "é" * 100])
def test_no_cookie_is_an_error_of_ours(front: Front, cookies: str) -> None:
    for path in ("/billing", "/welcome", "/billing/x.y", "/check-your-inbox"):
        assert front.call("GET", path, Cookie=cookies).status in {200, 404}
    assert front.signs_up(Cookie=cookies).status == 201


def test_a_field_that_is_there_twice_is_refused_by_name_and_nothing_is_made(front: Front) -> None:
    twice = {
        b'{"email": "eve@example.com", "email": "ada@example.com"}': "email",
        b'{"email": "ada@example.com", "attributes": {"team": "1", "team": "2"}}': "team",
    }
    for body, field in twice.items():
        page = front.call("POST", "/signups", body, Content_Type=JSON)
        assert (page.status, page.json["error"]["field"]) == (400, field)
    assert front.accounts() == []
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}", "Content_Type": JSON}
    page = front.call("POST", "/accounts/acc_1/grants", b'{"note": "a", "note": "b"}', **key)
    assert (page.status, page.json["error"]["field"]) == (400, "note")


def test_the_same_name_in_two_objects_is_taken(front: Front) -> None:
    fields = {"email": "ada@example.com", "name": "Ada", "attributes": {"name": "Ada", "a": "1"}}
    assert front.signs_up(fields).status == 201
