"""The messages of one customer, and the page of one: what became of it, and its text built anew."""

import json
import re
from datetime import timedelta
from html import escape, unescape
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.past_messages import STATES
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.profile import change_profile
from chalicelib.usecases.messaging.rebuild import LEFT_OUT
from chalicelib.values import replace
from tests.http.pages.admin.conftest import Dashboard
from tests.http.pages.admin.test_actions import account
from tests.http.pages.admin.test_customers import HOSTILE, signed_up


@pytest.fixture
def posted(desk: Dashboard) -> list[Any]:
    """What SES is asked to send from now on."""
    found: list[Any] = []

    def take(request: Any, **_: Any) -> None:
        found.append(json.loads(request.body)["Content"]["Simple"])

    desk.front.office.ses.meta.events.register("before-send.sesv2.SendEmail", take)
    return found


@pytest.fixture
def ada(desk: Dashboard) -> str:
    """A customer who was sent the welcome."""
    id = signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    assert welcome(id)
    return id


def welcome(id: str) -> str:
    return next(key for key in account(id).mails if key.startswith("welcome"))


def path_of(id: str, key: str | None = None) -> str:
    return f"/admin/customers/{id}/mails/{quote(key or welcome(id), safe='')}"


def told(id: str, type: str, **data: Any) -> None:
    """SES reports something of the welcome."""
    key = welcome(id)
    at = clock.now()
    entry = Entry(id, at, "mail", f"0100-a.{type}", type, {"message": key, **data})
    wiring.timelines().put([entry])


def policy_of(page: Any) -> str:
    return str(page.headers["Content-Security-Policy"])


def test_the_customers_page_lists_each_message_with_its_state_and_a_link(
    desk: Dashboard, ada: str
) -> None:
    script = desk.with_key()
    text = script.opens(f"/admin/customers/{ada}").text
    part = text.partition('id="mails"')[2].partition("</section>")[0]
    assert ">sent</span>" in part
    (link,) = [unescape(one) for one in re.findall(r'href="([^"]+/mails/[^"]+)"', part)]
    assert script.opens(link).status == 200
    told(ada, "mail.delivered")
    assert ">delivered</span>" in script.opens(f"/admin/customers/{ada}").text
    told(ada, "mail.bounced", bounceType="Permanent")
    assert ">bounced</span>" in script.opens(f"/admin/customers/{ada}").text


def test_the_page_of_a_message_says_that_it_is_built_anew_and_what_became_of_it(
    desk: Dashboard, ada: str
) -> None:
    told(ada, "mail.bounced", bounceType="Permanent", bounceSubType="<i>General")
    page = desk.with_key().opens(path_of(ada))
    assert page.status == 200
    assert "<strong>built anew</strong>" in page.text
    assert "No mail is kept." in page.text
    assert "Permanent" in page.text
    assert "&lt;i&gt;General" in page.text
    assert STATES["bounced"].replace("'", "&#39;") in page.text
    assert "neither is known" in page.text, "nobody counts opens"
    assert len(page.text) < 100_000


@pytest.mark.parametrize(("code", "name"), [("en", "English"), ("de", "German")])
def test_the_language_of_a_message_is_told_in_words(
    desk: Dashboard, ada: str, code: str, name: str
) -> None:
    change_profile(ada, {"language": code}, wiring.services())
    page = desk.with_key().opens(path_of(ada))
    assert f"<dt>Language</dt><dd>{name}</dd>" in page.text


def test_the_message_is_what_the_customer_was_sent_but_for_the_links(
    desk: Dashboard, posted: list[Any], ada: str
) -> None:
    script = desk.with_key()
    page = script.opens(path_of(ada))
    assert f"<dd>{escape(posted[0]['Subject']['Data'])}</dd>" in page.text
    sent = posted[0]["Body"]["Html"]["Data"]
    body = script.opens(f"{path_of(ada)}/body")
    assert body.status == 200

    def words(html: str) -> list[str]:
        return re.sub(r'href="[^"]*"', "", html).split()

    assert words(body.text) == words(sent)
    assert "/unsubscribe/" in sent
    for secret in ("/unsubscribe/", "/welcome/", "/billing/", "/sign-in/", "/preferences/"):
        assert secret not in body.text
        assert secret not in page.text
    assert LEFT_OUT in body.text


def test_the_frame_may_do_nothing(desk: Dashboard, ada: str) -> None:
    script = desk.with_key()
    page, body = script.opens(path_of(ada)), script.opens(f"{path_of(ada)}/body")
    assert re.search(r"<iframe [^>]*\bsandbox\s", page.text)
    assert "frame-src 'self'" in policy_of(page)
    assert "frame-ancestors 'none'" in policy_of(page)
    rules = policy_of(body)
    assert rules.startswith("sandbox;")
    for rule in ("default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"):
        assert rule in rules
    assert "script" not in rules
    assert "allow-" not in rules
    assert body.headers["Cache-Control"] == "no-store"
    assert "frame-src" not in policy_of(script.opens("/admin/customers"))


def test_a_hostile_name_is_text_on_the_page_and_in_the_message(desk: Dashboard) -> None:
    name = f"{HOSTILE}\u202e"
    id = signed_up(desk, "ada@example.com", HOSTILE)
    desk.front.works()
    stored = account(id)
    wiring.accounts().save(
        stored,
        replace(
            stored,
            version=stored.version + 1,
            profile=replace(stored.profile, name=name),
            proved_at=clock.now(),
        ),
    )
    script = desk.with_key()
    for path in (path_of(id), f"{path_of(id)}/body", f"/admin/customers/{id}"):
        page = script.opens(path)
        assert page.status == 200
        assert "<script" not in page.text
        assert "\u202e" not in page.text
        assert "&amp;49" not in page.text, "no template runs in it"


def test_a_message_that_cannot_be_built_says_why(desk: Dashboard, ada: str) -> None:
    stored = account(ada)
    mails = {**stored.mails, "gone@1": MessageRecord("sent", clock.now(), "lifecycle")}
    wiring.accounts().save(stored, replace(stored, version=stored.version + 1, mails=mails))
    script = desk.with_key()
    page = script.opens(path_of(ada, "gone@1"))
    assert page.status == 200
    assert "It cannot be shown. billing.toml has the step no more" in page.text
    assert "<iframe" not in page.text
    assert script.opens(f"{path_of(ada, 'gone@1')}/body").status == 404


def test_a_message_of_which_only_the_timeline_knows_is_found_by_its_time(
    desk: Dashboard, ada: str
) -> None:
    at, key = clock.now() - timedelta(minutes=5), "trial_ending@1780000000"
    wiring.timelines().put([Entry(ada, at, "mail", key, "mail.sent", {"stream": "lifecycle"})])
    script = desk.with_key()
    listed = script.opens(f"/admin/customers/{ada}").text
    (link,) = re.findall(r'href="([^"]+trial_ending[^"]+)"', listed)
    assert script.opens(unescape(link)).status == 200
    assert script.opens(path_of(ada, key)).status == 404


def test_what_there_is_not_is_not_found(desk: Dashboard, ada: str) -> None:
    script = desk.with_key()
    for path in (
        path_of(ada, "never@1"),
        f"{path_of(ada, 'never@1')}?at=2026-03-02T09:00:00%2B00:00",
        f"{path_of(ada, 'never@1')}?at=%3Cscript%3E",
        f"{path_of(ada, 'never@1')}?at=0001-01-01T00:00:00%2B12:00",
        f"{path_of(ada, 'never@1')}?at=9999-12-31T23:59:59-12:00",
        f"{path_of(ada, '<script>')}/body",
        path_of("acc_none", "welcome@1"),
        path_of("x y", "welcome@1"),
    ):
        page = script.opens(path)
        assert page.status == 404, path
        assert "<script" not in page.text
    assert script.opens(f"{path_of(ada, 'never@1')}?at=2026-03-02").status == 400


def test_only_operators_see_a_message_and_both_roles_do(desk: Dashboard, ada: str) -> None:
    looks, acts = desk.signed_in("ben@acme.example"), desk.signed_in()
    for path in (path_of(ada), f"{path_of(ada)}/body"):
        assert desk.opens(path).path == "/admin/sign-in"
        assert desk.with_key("write").opens(path).status == 403
        assert looks.opens(path).status == 200
        assert acts.opens(path).status == 200


def test_no_word_of_json_is_wrong_for_a_report_without_details(desk: Dashboard, ada: str) -> None:
    told(ada, "mail.delayed")
    page = desk.with_key().opens(path_of(ada))
    assert "delayed" in page.text
    assert json.dumps(None) not in page.text
