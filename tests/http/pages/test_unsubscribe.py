"""Unsubscribing by a mail's link: opening it changes nothing, one click unsubscribes from
lifecycle mail only, and a link reveals nothing.
"""

import re
from dataclasses import dataclass
from email.message import Message as Headers

import pytest

from app import app
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.security.links import Link
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import (
    ACCOUNT,
    Office,
    later,
    office,  # noqa: F401 - the fixture
)

FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"


@dataclass
class Page:
    status: int
    text: str
    headers: dict[str, str]


def call(method: str, path: str, body: bytes = b"", content_type: str | None = None) -> Page:
    headers = Headers()
    if content_type:
        headers["Content-Type"] = content_type
    answer = ApiGateway(app)(Request(method, path, [], headers, body, "127.0.0.1"))
    return Page(answer.status, answer.body.decode(), dict(answer.headers))


def path(purpose: str = "unsubscribe", account: str = ACCOUNT, stream: str = "lifecycle") -> str:
    return f"/{purpose}/{wiring.links().token(Link(purpose, account, stream))}"


def unsubscribed() -> set[str]:
    account = wiring.accounts().load(ACCOUNT)
    assert account
    return set(account.unsubscribed)


@pytest.fixture
def trial(office: Office) -> Office:
    office.begin_trial()
    return office


def test_a_link_scanner_that_opens_the_link_changes_nothing(trial: Office) -> None:
    """40."""
    before = wiring.accounts().load(ACCOUNT)
    for _ in range(2):
        page = call("GET", path())
        assert page.status == 200
        assert '<form method="post"><button type="submit">Unsubscribe</button></form>' in page.text
    assert wiring.accounts().load(ACCOUNT) == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, FORM),
        (
            (
                b"--x\r\nContent-Disposition: form-data;"
                b' name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
            ),
            "multipart/form-data; boundary=x",
        ),
        (b"", FORM),
        (b"", None),
        (b"anything", "text/plain"),
        (b"\xff\xfe", "application/octet-stream"),
    ],
)
def test_one_post_unsubscribes_at_once_whatever_it_looks_like(
    trial: Office, body: bytes, content_type: str | None
) -> None:
    page = call("POST", path(), body, content_type)
    assert (page.status, "You are unsubscribed" in page.text) == (200, True)
    assert unsubscribed() == {"lifecycle"}
    assert "Set-Cookie" not in page.headers


def test_the_same_again_is_the_same_and_is_told_once(trial: Office) -> None:
    for _ in range(3):
        assert call("POST", path(), ONE_CLICK, FORM).status == 200
    entries = trial.stage.get(f"/accounts/{ACCOUNT}/timeline", trial.stage.key("read")).body[
        "entries"
    ]
    assert [entry["type"] for entry in entries if entry["kind"] == "mail"] == ["mail.unsubscribed"]
    assert "You are unsubscribed" in call("GET", path()).text


def test_who_unsubscribed_gets_no_lifecycle_mail_and_every_notice(
    trial: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """41."""
    call("POST", path(), ONE_CLICK, FORM)
    trial.tick()
    assert trial.posted == 0
    later(monkeypatch, days=15)
    trial.tick()
    account = wiring.accounts().load(ACCOUNT)
    assert account
    streams = {mail.step.stream for mail in due_messages(account, wiring.policy(), clock.now())} | {
        mailed.stream for mailed in account.mails.values()
    }
    assert streams == {"billing"}, "the trial's end is told, by and by or already"


def test_a_link_works_for_ever_and_after_its_key_was_rotated(
    trial: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = path()
    later(monkeypatch, days=4000)
    monkeypatch.setattr(
        type(wiring.secrets()), "link_keys", property(lambda _: ["a-newer-key", "new-link-key"])
    )
    assert call("POST", old, ONE_CLICK, FORM).status == 200
    assert unsubscribed() == {"lifecycle"}


def test_a_link_that_a_mail_program_wrote_in_its_own_way_still_works(trial: Office) -> None:
    assert call("GET", path().replace(".", "%2E").replace("-", "%2D")).status == 200


def test_a_link_does_what_it_is_for_and_nothing_else(trial: Office) -> None:
    unsubscribe, preferences = path().rpartition("/")[2], path("preferences").rpartition("/")[2]
    forged = re.sub("^.", lambda first: "A" if first[0] != "A" else "B", unsubscribe)
    billing = path(stream="billing").rpartition("/")[2]
    pages = [
        call(method, f"/{purpose}/{token}", b"lifecycle=no", FORM)
        for method in ("GET", "POST")
        for purpose, tokens in {
            "unsubscribe": (preferences, forged, billing, "x", "%00"),
            "preferences": (unsubscribe, forged, "x" * 3000),
        }.items()
        for token in tokens
    ]
    assert {(page.status, page.text) for page in pages} == {(404, pages[0].text)}
    assert "This link does not work" in pages[0].text
    assert unsubscribed() == set()


def test_a_link_of_an_account_that_is_gone_looks_like_one_that_did_its_work(trial: Office) -> None:
    assert "You are unsubscribed" in call("GET", path(account="acc_gone")).text
    page = call("POST", path(account="acc_gone"))
    assert (page.status, "You are unsubscribed" in page.text) == (200, True)


def test_preferences_are_shown_and_saved_both_ways(trial: Office) -> None:
    shown = call("GET", path("preferences"))
    assert (shown.status, checked(shown)) == (200, "yes")
    assert unsubscribed() == set()
    off = call("POST", path("preferences"), b"lifecycle=no", FORM)
    assert (off.status, checked(off), "Saved." in off.text, unsubscribed()) == (
        200,
        "no",
        True,
        {"lifecycle"},
    )
    assert checked(call("GET", path("preferences"))) == "no"
    on = call("POST", path("preferences"), b"lifecycle=yes", FORM)
    assert (checked(on), unsubscribed()) == ("yes", set())


def checked(page: Page) -> str:
    (choice,) = re.findall(r'value="(yes|no)" checked', page.text)
    return str(choice)


def test_preferences_without_a_choice_change_nothing(trial: Office) -> None:
    for body in (b"", b"lifecycle=", b"lifecycle=maybe", b"billing=no", b"\xff", b"a=1&" * 1000):
        page = call("POST", path("preferences"), body, FORM)
        assert (page.status, "Nothing was changed" in page.text) == (400, True), body[:20]
    assert unsubscribed() == set()


def test_the_page_after_leads_back_to_the_preferences(trial: Office) -> None:
    page = call("POST", path(), ONE_CLICK, FORM)
    (target,) = re.findall(r'href="\.\./(preferences/[^"]+)"', page.text)
    assert call("GET", f"/{target}").status == 200


def test_every_page_keeps_to_itself(trial: Office) -> None:
    for page in (
        call("GET", path()),
        call("POST", path()),
        call("GET", path("preferences")),
        call("GET", "/unsubscribe/x"),
    ):
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert "noindex" in page.headers["X-Robots-Tag"]
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "<script" not in page.text
        assert "ada@example.com" not in page.text
        assert 'name="viewport"' in page.text


def test_what_is_written_in_billing_toml_is_no_markup(
    trial: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    policy = wiring.policy()
    assert policy.mail
    odd = replace(policy, mail=replace(policy.mail, product="<b>Acme</b> & Co"))
    monkeypatch.setattr(wiring, "policy", lambda: odd)
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Co" in call("GET", path()).text


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Unavailable("DynamoDB gives no answer now."), 503), (RuntimeError("secret detail"), 500)],
)
def test_what_fails_is_a_page_and_no_log_holds_the_token(
    trial: Office, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int
) -> None:
    def fail(id: str) -> None:
        raise failure

    link = path()
    monkeypatch.setattr(wiring.accounts(), "load", fail)
    for method in ("GET", "POST"):
        page = call(method, link)
        assert (page.status, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert "secret detail" not in page.text
    assert link.rpartition("/")[2] not in trial.stage.everything_said()
    assert "A page" in trial.stage.everything_said()


def test_the_letter_s_own_header_leads_to_the_page(trial: Office) -> None:
    trial.tick()
    (mail,) = trial.inbox
    (link,) = set(
        re.findall(
            rf"{re.escape(wiring.policy().base_url)}(/unsubscribe/[A-Za-z0-9_.-]+)", str(mail.body)
        )
    )
    assert call("POST", link, ONE_CLICK, FORM).status == 200
    assert unsubscribed() == {"lifecycle"}
