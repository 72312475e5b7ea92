"""Somebody has a link of Ada's: a forwarded mail, a shared screen, an old mailbox. Ada and the team
end every link and session that was handed out, and the finder cannot lock her out in turn.
"""

import json
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import LinkRefused
from chalicelib.runtime import wiring
from chalicelib.usecases.accounts.record import record_sign_in
from tests.fakes.links import token_to, visit_of
from tests.http.signups.test_signups import Front
from tests.http.triggers.test_mail_queue import later

Ends = Callable[[Front, str], None]


def by_the_customer(front: Front, account_id: str) -> None:
    (account,) = front.accounts()
    page = front.posts_form({}, "/billing/links/end", Cookie=visit_of(account))
    assert (page.status, "Max-Age=0" in page.headers["Set-Cookie"]) == (200, True)
    assert 'action="/sign-in"' in page.text


def by_the_product(front: Front, account_id: str) -> None:
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    path = f"/accounts/{account_id}/links/end"
    page = front.call("POST", path, b"{}", Content_Type="application/json", **key)
    assert (page.status, page.text) == (204, "")


EVERYBODY = [by_the_customer, by_the_product]


def signed_in(front: Front) -> tuple[Account, str, str]:
    """Ada's account, her billing link and her session, of a minute ago."""
    front.signs_up()
    front.works()
    cookie = front.enters().cookie
    return front.accounts()[0], front.link("billing"), cookie


@pytest.mark.parametrize("end", EVERYBODY)
def test_links_and_sessions_of_before_open_nothing_once_they_are_ended(
    front: Front, monkeypatch: pytest.MonkeyPatch, end: Ends
) -> None:
    account, link, cookie = signed_in(front)
    tokens = {
        purpose: token_to(account, purpose)
        for purpose in ("welcome", "return", "feedback", "leave")
    }
    end(front, account.id)
    assert front.call("GET", link).status == 404
    assert front.posts_form({}, link).status == 404
    assert front.call("GET", "/billing", Cookie=cookie).status == 404
    assert front.posts_form({}, "/billing/checkout", Cookie=cookie).status == 404
    for purpose, token in tokens.items():
        path = f"/{'billing/return' if purpose == 'return' else purpose}/{token}"
        assert front.call("GET", path).status == 404, purpose
    later(monkeypatch, days=20)
    assert front.call("GET", link).status == 404


@pytest.mark.parametrize("end", EVERYBODY)
def test_the_owner_gets_in_by_a_new_link_at_once(
    front: Front, monkeypatch: pytest.MonkeyPatch, end: Ends
) -> None:
    account, _, _ = signed_in(front)
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    old = front.link("sign-in")
    end(front, account.id)
    assert front.posts_form({}, old).status == 404
    later(monkeypatch, seconds=1)
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    assert front.link("sign-in") != old, "no quarter of an hour has to pass"
    entered = front.enters("sign-in")
    assert front.call("GET", "/billing", Cookie=entered.cookie).status == 200


def test_unsubscribing_goes_on_working(front: Front) -> None:
    account, _, _ = signed_in(front)
    token = token_to(account, "unsubscribe", "lifecycle")
    by_the_product(front, account.id)
    assert front.posts_form({}, f"/unsubscribe/{token}").status == 200


def test_the_finder_of_a_link_cannot_lock_the_owner_out(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finder signs out everywhere, and asks for sign-in links all the time."""
    account, link, _ = signed_in(front)
    finder = front.posts_form({}, link).cookie
    later(monkeypatch, seconds=1)
    assert front.posts_form({}, "/billing/links/end", Cookie=finder).status == 200
    assert front.call("GET", "/billing", Cookie=finder).status == 404, "theirs is ended too"
    later(monkeypatch, seconds=1)
    for _ in range(8):
        assert front.posts_form({"email": "ada@example.com"}, "/sign-in").status == 303
    front.works()
    entered = front.enters("sign-in")
    assert (entered.status, entered.path) == (303, "/billing")
    assert front.accounts()[0].id == account.id


def test_the_undoing_of_a_changed_address_outlives_the_end_of_links(front: Front) -> None:
    """Whoever took the address over would end the links next."""
    front.signs_up()
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    cookie = front.enters("sign-in").cookie
    front.posts_form({"email": "eve@example.com"}, "/billing/email", Cookie=cookie)
    front.works()
    front.posts_form({}, front.link("email-change"))
    front.works()
    (taken,) = wiring.accounts().with_email("eve@example.com")
    by_the_product(front, taken.id)
    assert front.posts_form({}, front.link("email-undo")).status == 200
    assert front.accounts()[0].email == "ada@example.com"


def test_no_other_site_and_no_smaller_key_ends_links(front: Front) -> None:
    account, link, cookie = signed_in(front)
    page = front.posts_form({}, "/billing/links/end", Cookie=cookie, Sec_Fetch_Site="cross-site")
    assert page.status == 403
    for scope in ("access", "read"):
        key = {"Authorization": f"Bearer {front.office.stage.key(scope)}"}
        path = f"/accounts/{account.id}/links/end"
        assert front.call("POST", path, b"", Content_Type="application/json", **key).status == 403
    assert front.call("GET", link).status == 200


def test_the_billing_page_offers_it_and_the_timeline_tells_it(front: Front) -> None:
    account, _, cookie = signed_in(front)
    assert 'id="end-links"' in front.call("GET", "/billing", Cookie=cookie).text
    by_the_customer(front, account.id)
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    entries = front.call("GET", f"/accounts/{account.id}/timeline", **key).json["entries"]
    assert [one["type"] for one in entries if one["type"] == "links.ended"] == ["links.ended"]


def test_of_two_presses_of_a_sign_in_link_at_once_one_signs_in(front: Front) -> None:
    front.signs_up()
    front.works()
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    token = front.link("sign-in").rpartition("/")[2]
    link = wiring.links().read(unquote(token), "sign-in", wiring.services().clock.now())
    (read_before,) = front.accounts()
    assert record_sign_in(read_before, link, 1, wiring.services()).signed_in_by
    with pytest.raises(LinkRefused):
        record_sign_in(read_before, link, 1, wiring.services())


def test_one_link_and_its_sessions_are_ended_and_the_others_go_on(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada sees on her page that an old link of hers was opened on a machine that is not hers."""
    _, link, finders = signed_in(front)
    later(monkeypatch, days=1)
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    own = front.enters("sign-in", User_Agent="Mozilla/5.0 (X11; Linux) Firefox/140.0").cookie
    theirs = front.posts_form({}, link, User_Agent="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    page = front.call("GET", "/billing", Cookie=own).text
    assert "Firefox, Linux" in page
    assert "Firefox, Windows" in page
    marks = {one.link for one in front.accounts()[0].openings}
    (found,) = (mark for mark in marks if mark.startswith("billing@"))
    ended = front.posts_form({"link": found}, "/billing/links/end", Cookie=own)
    assert (ended.status, ended.path) == (303, "/billing?notice=link_ended")
    for cookie in (finders, theirs.cookie):
        assert front.call("GET", "/billing", Cookie=cookie).status == 404
    assert front.posts_form({}, link).status == 404
    assert front.call("GET", "/billing", Cookie=own).status == 200


def test_the_product_ends_one_link_by_its_mark(front: Front) -> None:
    account, link, cookie = signed_in(front)
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    (opening,) = front.accounts()[0].openings

    def ends(mark: str) -> int:
        body = json.dumps({"link": mark}).encode()
        path = f"/accounts/{account.id}/links/end"
        return front.call("POST", path, body, Content_Type="application/json", **key).status

    assert ends("billing@1") == 400
    assert front.call("GET", "/billing", Cookie=cookie).status == 200
    assert ends(opening.link) == 204
    assert front.call("GET", "/billing", Cookie=cookie).status == 404
    assert front.posts_form({}, link).status == 404


def test_who_ends_the_link_of_their_own_session_is_signed_out(front: Front) -> None:
    _, _, cookie = signed_in(front)
    (opening,) = front.accounts()[0].openings
    page = front.posts_form({"link": opening.link}, "/billing/links/end", Cookie=cookie)
    assert (page.status, "Max-Age=0" in page.headers["Set-Cookie"]) == (200, True)
    assert front.call("GET", "/billing", Cookie=cookie).status == 404
