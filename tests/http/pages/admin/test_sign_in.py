"""Who gets into the dashboard: by key, by a mailed link, and who is out again."""

import re
from typing import Any

import pytest

from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.operators.sessions import SIGN_INS_AN_HOUR
from chalicelib.values import replace
from tests.http.pages.admin.conftest import OWN, TEAM, Dashboard, with_team
from tests.http.signups.test_signups import Front
from tests.http.triggers.test_mail_queue import later

SIGN_IN = "/admin/sign-in"


def test_an_admin_key_in_a_header_opens_every_page_for_scripts(desk: Dashboard) -> None:
    assert desk.with_key().opens("/admin").status == 200
    assert desk.with_key("write").opens("/admin").status == 403
    assert desk.opens("/admin", Authorization="Bearer bh_x").status == 401


def test_a_key_begins_a_session_that_ends_with_the_key(desk: Dashboard) -> None:
    key = desk.front.office.stage.key("admin")
    answer = desk.posts(SIGN_IN, {"key": key})
    assert (answer.status, answer.path) == (303, "/admin")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-billhook_operator=")
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    session = Dashboard(desk.front, {"Cookie": answer.cookie})
    assert session.opens("/admin").status == 200
    wiring.api_keys().revoke(key.split("_")[1], clock.now())
    assert session.opens("/admin").status == 303, "led to the sign-in"


def test_a_wrong_key_and_one_of_a_smaller_scope_begin_no_session(desk: Dashboard) -> None:
    write = desk.front.office.stage.key("write")
    for key, status in (("nonsense", 401), (write, 403), (write[:-1] + "x", 401)):
        answer = desk.posts(SIGN_IN, {"key": key})
        assert answer.status == status
        assert "Set-Cookie" not in answer.headers


def test_whoever_has_no_session_is_led_to_the_sign_in_and_posts_nothing(desk: Dashboard) -> None:
    assert desk.opens("/admin").path == SIGN_IN
    assert desk.opens("/admin/customers/acc_1").path == SIGN_IN
    assert desk.posts("/admin/customers/acc_1/grants", {}).status == 401
    assert desk.opens("/admin", Cookie="__Host-billhook_operator=invented").status == 303


def test_a_mailed_link_shows_a_button_and_signs_in_once(desk: Dashboard) -> None:
    asked = desk.posts(SIGN_IN, {"email": " ADA@acme.example "})
    desk.front.works()
    (mail,) = desk.front.office.inbox
    assert "It works once, for 15 minutes" in str(mail.body)
    link = desk.front.link("admin/sign-in")
    for _ in range(2):
        assert "Sign in" in desk.opens(link).text
    session = desk.posts(link, {})
    assert (asked.path, session.path) == (f"{SIGN_IN}?notice=mailed", "/admin")
    assert (
        "ada@acme.example" in Dashboard(desk.front, {"Cookie": session.cookie}).opens("/admin").text
    )
    assert desk.posts(link, {}).status == 404, "a second time"


def test_a_link_ends_after_a_quarter_of_an_hour(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.posts(SIGN_IN, {"email": "ada@acme.example"})
    desk.front.works()
    link = desk.front.link("admin/sign-in")
    later(monkeypatch, minutes=15)
    assert desk.posts(link, {}).status == 404


def test_every_other_address_gets_the_same_answer_the_same_work_and_no_mail(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.front.signs_up()
    sent: list[str] = []
    queue = wiring.services().queues.act
    monkeypatch.setattr(type(queue), "send", lambda _, work: sent.append(next(iter(work))))
    answers = {
        (page.status, page.text, page.path)
        for email in ("ada@acme.example", "ada@example.com", "nobody@example.com")
        for page in [desk.posts(SIGN_IN, {"email": email})]
    }
    assert len(answers) == 1
    assert sent == ["operator_sign_in"] * 3


def test_an_operator_who_is_removed_is_out_at_the_next_request(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = desk.signed_in("ben@acme.example")
    assert ben.opens("/admin").status == 200
    with_team(None, monkeypatch)
    assert ben.opens("/admin").status == 404
    with_team(TEAM, monkeypatch)
    assert ben.opens("/admin").status == 200


def test_a_session_lasts_twelve_hours(desk: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.signed_in_by_key()
    later(monkeypatch, hours=11, minutes=59)
    assert ada.opens("/admin").status == 200
    later(monkeypatch, minutes=1)
    assert ada.opens("/admin").status == 303


def test_signing_out_ends_the_session_and_with_all_every_one_of_the_operator(
    desk: Dashboard,
) -> None:
    first = desk.signed_in_by_key()
    second = desk.signed_in_by_key()
    assert first.sends("/admin/sign-out", {}).path == f"{SIGN_IN}?notice=signed_out"
    assert (first.opens("/admin").status, second.opens("/admin").status) == (303, 200)
    third = desk.signed_in_by_key()
    third.sends("/admin/sign-out", {"all": "yes"})
    assert second.opens("/admin").status == 303


def test_only_hashes_of_sessions_are_stored(desk: Dashboard) -> None:
    session = desk.signed_in_by_key()
    secret = session.headers["Cookie"].partition("=")[2]
    (stored,) = wiring.operator_sessions().all(clock.now())
    assert secret not in str(stored)
    assert stored.actor == "key:test"


def test_without_operators_only_an_admin_key_finds_a_dashboard(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_team(None, monkeypatch)
    for path in ("/admin", "/admin/customers", SIGN_IN, "/admin/style.css"):
        assert desk.opens(path).status == 404, path
    assert desk.posts(SIGN_IN, {"email": "ada@acme.example"}).status == 404
    assert desk.posts(SIGN_IN, {"key": "wrong"}).status == 404
    assert desk.with_key().opens("/admin").status == 200
    session = desk.signed_in_by_key()
    assert session.opens("/admin").status == 200
    assert session.opens("/admin/style.css").status == 200


@pytest.mark.parametrize("path", ["/admin", "/admin/customers", "/admin/sign-out", SIGN_IN])
def test_without_operators_no_method_and_no_body_shows_a_stranger_that_there_are_pages(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with_team(None, monkeypatch)
    json, wrong = {"Content_Type": "application/json"}, {"Authorization": "Bearer wrong"}
    stage = desk.front.office.stage
    reader = {"Authorization": f"Bearer {stage.key('read')}"}
    for method in ("OPTIONS", "PUT", "DELETE"):
        for headers in ({}, wrong, reader):
            answer = desk.front.call(method, path, **headers)
            assert (answer.status, answer.headers.get("Allow")) == (404, None), (method, headers)
    for headers in (json, json | wrong, json | reader):
        assert desk.front.call("POST", path, b"{}", **headers).status == 404
    admin = {"Authorization": f"Bearer {stage.key('admin')}"}
    assert desk.front.call("OPTIONS", path, **admin).status == 204
    assert desk.front.call("PUT", path, **admin).status == 405


def test_without_operators_a_wrong_key_and_a_wrong_link_find_nothing(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_team(None, monkeypatch)
    nothing = desk.opens("/admin")
    wrong = desk.front.call("GET", "/admin", Authorization="Bearer wrong")
    assert (nothing.status, wrong.status) == (404, 404)
    link = desk.opens(f"{SIGN_IN}/wrong")
    assert (link.status, link.text) == (404, nothing.text)


def test_the_local_system_without_operators_leads_to_the_sign_in_by_key(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_team(None, monkeypatch)
    local = replace(settings(), stage="local")
    monkeypatch.setattr("chalicelib.entry.admin.session.settings", lambda: local)
    assert desk.opens("/admin").path == SIGN_IN
    assert desk.opens("/admin/customers/acc_1").path == SIGN_IN
    assert desk.posts("/admin/customers/acc_1/grants", {}).status == 401
    form = desk.opens(SIGN_IN)
    assert form.status == 200
    assert 'name="email"' not in form.text
    assert desk.posts(SIGN_IN, {"key": "wrong"}).status == 401
    asked = desk.posts(SIGN_IN, {"email": "ada@acme.example"})
    assert asked.status == 400
    assert "Please enter an admin key." in asked.text
    assert desk.signed_in_by_key().opens("/admin").status == 200


def test_forms_of_other_sites_sign_nobody_in(desk: Dashboard) -> None:
    key = desk.front.office.stage.key("admin")
    assert desk.posts(SIGN_IN, {"key": key}, Origin="https://evil.example").status == 403
    assert desk.posts(SIGN_IN, {"key": key}, Sec_Fetch_Site="cross-site").status == 403
    assert desk.posts(SIGN_IN, {"key": key}, Origin=OWN).status == 303


def test_attempts_of_one_network_are_bounded_and_shut_out_no_other(
    desk: Dashboard, front: Front
) -> None:
    for _ in range(SIGN_INS_AN_HOUR):
        desk.posts(SIGN_IN, {"key": "x"})
    assert desk.posts(SIGN_IN, {"key": front.office.stage.key("admin")}).status == 429
    elsewhere = front.posts_form(
        {"key": front.office.stage.key("admin")}, SIGN_IN, address="198.51.100.9"
    )
    assert elsewhere.status == 303


def test_who_signed_in_by_a_link_gets_the_next_one_at_once(desk: Dashboard) -> None:
    sessions = [desk.signed_in() for _ in range(8)]
    assert all(ada.opens("/admin").status == 200 for ada in sessions)
    assert len(desk.front.office.inbox) == 8


def test_a_request_that_comes_twice_out_of_the_queue_is_one_mail(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, sent = wiring.services().queues.act, list[Any]()
    send = type(queue).send

    def twice(to: Any, work: Any) -> None:
        sent.append(work)
        send(to, work)

    monkeypatch.setattr(type(queue), "send", twice)
    desk.signed_in()
    send(queue, sent[0])
    desk.front.works()
    assert len(desk.front.office.inbox) == 1


def floods(desk: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger asks for links to an operator's address for two hours."""
    for minutes in range(0, 120, 6):
        later(monkeypatch, minutes=6 if minutes else 0)
        desk.posts(SIGN_IN, {"email": "ada@acme.example"})
        desk.front.works()


def test_a_stranger_has_six_links_a_day_mailed_to_an_operator(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    floods(desk, monkeypatch)
    assert len(desk.front.office.inbox) == 6
    later(monkeypatch, hours=24)
    desk.posts(SIGN_IN, {"email": "ada@acme.example"})
    desk.front.works()
    assert len(desk.front.office.inbox) == 7


def test_the_last_link_of_a_flood_lets_the_operator_in_until_the_next_may_be_mailed(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    floods(desk, monkeypatch)
    link = desk.front.link("admin/sign-in")
    assert "no other one is mailed before then" in str(desk.front.office.inbox[-1].body)
    later(monkeypatch, hours=21)
    assert desk.posts(link, {}).path == "/admin"
    assert desk.posts(link, {}).status == 404, "a second time"
    assert desk.signed_in(), "from then on links are mailed again"


def test_a_flood_of_links_keeps_no_key_and_no_session_out(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.signed_in_by_key()
    floods(desk, monkeypatch)
    assert ada.opens("/admin").status == 200
    assert desk.signed_in_by_key().opens("/admin").status == 200


def test_mail_to_a_customer_account_of_an_operator_counts_apart(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.front.signs_up({"email": "ada@acme.example"})
    for _ in range(6):
        desk.front.posts_form({"email": "ada@acme.example"}, "/sign-in")
        desk.front.works()
        later(monkeypatch, minutes=16)
    assert len(desk.front.office.inbox) == 3, "no more for an address that nobody has proved"
    assert desk.signed_in().opens("/admin").status == 200


def test_every_page_forbids_scripts_frames_caches_and_referrers(desk: Dashboard) -> None:
    page = desk.signed_in_by_key().opens("/admin")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:;")
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
