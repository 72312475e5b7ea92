"""Mail services open every link before its reader does, by GET and by HEAD, and some keep opening
them. No link is used up by that, and no address is proved.
"""

import pytest

from chalicelib.runtime import wiring
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import LINK, ROUTES, guarded_by, target
from tests.http.signups.test_signups import Front
from tests.http.triggers.test_mail_queue import later

METHODS = ("GET", "HEAD")
OPENERS = ("billing", "sign-in")


def asked(front: Front) -> Front:
    """Ada has signed up, and asked for a link to sign in."""
    front.signs_up()
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    return front


@pytest.mark.parametrize("purpose", OPENERS)
def test_a_scanner_neither_uses_a_link_up_nor_proves_an_address(front: Front, purpose: str) -> None:
    link = asked(front).link(purpose)
    before = front.accounts()
    for method in METHODS * 3:
        page = front.call(method, link)
        assert (page.status, "Set-Cookie" in page.headers) == (200, False)
    assert front.accounts() == before
    assert before[0].proved_at is None
    entered = front.enters(purpose)
    assert (entered.status, entered.path) == (303, "/billing")
    assert front.call("GET", "/billing", Cookie=entered.cookie).status == 200


def test_a_scanner_that_follows_every_link_of_every_mail_changes_nothing(front: Front) -> None:
    asked(front)
    (account,) = front.accounts()
    links = [template for method, template in guarded_by(LINK) if method == "GET"]
    assert {"/billing/{token}", "/leave/{token}", "/email-change/{token}"} <= set(links)
    for template in links:
        purpose = template.split("/")[1].replace("admin", "operator")
        about = "lifecycle" if purpose in {"unsubscribe", "preferences"} else ""
        for method in METHODS:
            front.call(method, target(template, token=token_to(account, purpose, about)))
    assert front.accounts() == [account]


def test_the_button_says_whose_page_it_opens_and_no_more(front: Front) -> None:
    page = front.call("GET", asked(front).link("billing"))
    assert "Open the billing page of a…@example.com" in page.text
    assert "ada@example.com" not in page.text
    german = front.call("GET", front.link("billing"), Accept_Language="de")
    assert "Abrechnungsseite von a…@example.com öffnen" in german.text
    assert front.accounts()[0].proved_at is None


@pytest.mark.parametrize("purpose", OPENERS)
def test_no_other_site_presses_the_button(front: Front, purpose: str) -> None:
    link = asked(front).link(purpose)
    for sent in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        page = front.posts_form({}, link, **sent)
        assert (page.status, "Set-Cookie" in page.headers) == (403, False)
    assert front.accounts()[0].proved_at is None
    assert front.posts_form({}, link, Sec_Fetch_Site="same-origin").status == 303


def test_a_browser_with_a_session_of_the_account_is_led_on_at_once(front: Front) -> None:
    cookie = asked(front).enters().cookie
    page = front.call("GET", front.link("billing"), Cookie=cookie)
    assert (page.status, page.path) == (303, "/billing")
    assert front.call("GET", front.link("sign-in"), Cookie=cookie).status == 200, (
        "a sign-in gives more than a link in older mail does"
    )
    signed_in = front.enters("sign-in").cookie
    again = front.call("GET", front.link("sign-in"), Cookie=signed_in)
    assert (again.status, again.path) == (303, "/billing"), "a second click on the same link"
    assert front.call("GET", front.link("sign-in")).status == 404, "another browser is not led on"


def test_a_session_of_another_account_is_not_led_on_and_sees_whose_page_it_would_open(
    front: Front,
) -> None:
    link = asked(front).link("billing")
    front.signs_up({"email": "eve@example.com"})
    (eve,) = wiring.accounts().with_email("eve@example.com")
    page = front.call("GET", link, Cookie=visit_of(eve))
    assert (page.status, "a…@example.com" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("purpose", "after"), [("sign-in", {"minutes": 16}), ("billing", {"days": 31})]
)
def test_an_expired_link_leads_to_the_form_for_a_new_one(
    front: Front, monkeypatch: pytest.MonkeyPatch, purpose: str, after: dict[str, float]
) -> None:
    link = asked(front).link(purpose)
    later(monkeypatch, **after)
    for page in (front.call("GET", link), front.posts_form({}, link)):
        assert page.status == 404
        assert 'action="/sign-in"' in page.text
    assert front.posts_form({"email": "ada@example.com"}, "/sign-in").status == 303


def test_every_link_that_opens_something_has_a_button() -> None:
    for purpose in OPENERS:
        path = f"/{purpose}/{{token}}"
        assert {("GET", path), ("POST", path)} <= set(ROUTES)
