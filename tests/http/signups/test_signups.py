"""Signing up over HTTP, as JSON and by a form; and which link opens which page."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from app import app
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.security.links import PURPOSES, link_for, sign
from chalicelib.entry.http.signups.form import FIELDS, LARGEST_BODY
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.stripe_api.reader import StripeReader
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from tests.fakes.links import sent_as
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import SimStage
from tests.http.conftest import Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import Office, later, office  # noqa: F401 - the fixture

FORM = "application/x-www-form-urlencoded"
ADA = {"email": "ada@example.com", "name": "Ada Byron"}


@dataclass
class Page:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def path(self) -> str:
        parts = urlsplit(self.headers["Location"])
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def cookie(self) -> str:
        return self.headers["Set-Cookie"].partition(";")[0]


@dataclass
class Front:
    """The public side of Billhook, with the simulated Stripe behind it and SES's inbox at hand."""

    office: Office
    stripe: SimStage

    def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        address: str = "203.0.113.7",
        **headers: str,
    ) -> Page:
        parts, sent = urlsplit(target), Headers()
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        answer = ApiGateway(app)(
            Request(method, parts.path, parse_qsl(parts.query), sent, body, address)
        )
        return Page(answer.status, answer.body.decode(), dict(answer.headers))

    def signs_up(self, fields: Any = ADA, **more: Any) -> Page:
        return self.call(
            "POST", "/signups", json.dumps(fields).encode(), Content_Type="application/json", **more
        )

    def posts_form(self, fields: Any = ADA, path: str = "/signups", **more: Any) -> Page:
        return self.call("POST", path, urlencode(fields).encode(), Content_Type=FORM, **more)

    def enters(self, purpose: str = "billing", **more: Any) -> Page:
        """Presses the button behind the newest link of a purpose that was mailed."""
        return self.posts_form({}, self.link(purpose), **more)

    def accounts(self) -> list[Account]:
        return wiring.accounts().with_email("ada@example.com")

    def works(self) -> None:
        """The sweep, the queues and the mail."""
        for _ in range(3):
            self.office.tick()

    def link(self, purpose: str) -> str:
        """The path of the newest link of a purpose that was mailed."""
        found = re.findall(
            rf"https://billing\.example\.com(/{purpose}/[^\s\"<]+)",
            "\n".join(str(mail.body) for mail in self.office.inbox),
        )
        assert found, f"no {purpose} link was mailed"
        return str(found[-1])


@pytest.fixture
def front(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    stripe = SimStage(second=int(clock.now().timestamp()))
    monkeypatch.setattr(
        "chalicelib.stripe_api.transport.StripeTransport",
        lambda *given: SimTransport(stripe, *given[2:]),
    )
    monkeypatch.setattr("chalicelib.stripe_api.reader.StripeReader", StripeReader)
    wiring.services.cache_clear()
    yield Front(office, stripe)
    wiring.services.cache_clear()


def under(policy: SignupPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on with another policy for signups."""
    changed = replace(wiring.policy(), signup=policy)
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    wiring.services.cache_clear()
    wiring.signup_guard.cache_clear()


def refused(page: Page, status: int, field: str | None = None) -> str:
    error = page.json["error"]
    assert page.status == status, page.text
    assert set(error) <= {"code", "message", "field"}
    assert error.get("field") == field
    assert error["message"]
    return str(error["message"])


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({}, "de"),
        ({"language": "en-GB"}, "en"),
        ({"attributes": {"locale": "en"}}, "en"),
        ({"language": "fr"}, "fr"),
    ],
)
def test_the_language_is_that_of_the_fields_and_else_of_the_browser(
    fields: Any, language: str, front: Front
) -> None:
    front.signs_up({**ADA, **fields}, Accept_Language="fr, de-AT;q=0.9, en;q=0.8")
    assert [one.language for one in front.accounts()] == [language]


def test_a_visitor_is_told_the_account_the_trials_end_and_where_to_go(front: Front) -> None:
    page = front.signs_up(
        {**ADA, "timezone": "Europe/Vienna", "source": "front", "attributes": {"team": "Tide"}}
    )
    assert page.status == 201
    assert set(page.json) == {"account_id", "status", "trial_ends_at", "welcome_url"}
    assert page.json["status"] == "trialing"
    (account,) = front.accounts()
    assert account.id == page.json["account_id"]
    assert account.profile.timezone == "Europe/Vienna"
    assert dict(account.profile.attributes) == {"team": "Tide"}
    assert page.json["welcome_url"].startswith("https://billing.example.com/welcome/"), (
        "of base_url, never of the Host header"
    )


def test_a_plain_form_is_led_to_the_welcome_page_out_of_whose_address_the_token_goes(
    front: Front,
) -> None:
    page = front.posts_form({**ADA, "attributes[team]": "Tide", "name": ""})
    assert page.status == 303
    opened = front.call("GET", page.path)
    assert (opened.status, opened.path) == (303, "/welcome")
    assert all(
        word in opened.headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Lax", "Secure", "Max-Age=3600", "Path=/;")
    )
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    shown = front.call("GET", "/welcome", Cookie=opened.cookie)
    assert shown.status == 200
    assert "a…@example.com" in shown.text
    assert "ada@example.com" not in shown.text
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert shown.headers["Cache-Control"] == "no-store"


def test_only_the_sites_of_the_policy_may_read_the_answer(front: Front) -> None:
    allowed = front.call("OPTIONS", "/signups", Origin="https://acme.example")
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (
        204,
        "https://acme.example",
    )
    assert (
        front.call("OPTIONS", "/signups", Origin="https://www.acme.example").headers[
            "Access-Control-Allow-Origin"
        ]
        == "https://www.acme.example"
    )
    for origin in ("https://acme.example.evil.example", "http://acme.example", "null"):
        stranger = front.call("OPTIONS", "/signups", Origin=origin)
        assert "Access-Control-Allow-Origin" not in stranger.headers
        assert "Access-Control-Allow-Methods" not in stranger.headers
    assert (
        front.signs_up(Origin="https://acme.example").headers["Access-Control-Allow-Origin"]
        == "https://acme.example"
    )
    assert (
        front.signs_up({"email": "x"}, Origin="https://acme.example").headers[
            "Access-Control-Allow-Origin"
        ]
        == "https://acme.example"
    )
    assert (
        "Access-Control-Allow-Origin" not in front.signs_up(Origin="https://evil.example").headers
    )


def test_a_second_signup_gets_a_sign_in_link_by_mail_which_works_once(front: Front) -> None:
    front.signs_up()
    again = front.signs_up({"email": "ADA@example.com"})
    assert (again.status, again.json) == (202, {"status": "check_your_inbox"})
    assert len(front.accounts()) == 1
    front.works()
    link = front.link("sign-in")
    opened = front.posts_form({}, link)
    assert (opened.status, opened.path) == (303, "/billing")
    assert front.call("GET", "/billing", Cookie=opened.cookie).status == 200
    assert front.posts_form({}, link).status == 404
    assert front.call("GET", link).status == 404


def test_a_sign_in_link_is_worth_nothing_after_a_quarter_of_an_hour(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    front.signs_up()
    front.works()
    later(monkeypatch, minutes=16)
    assert front.enters("sign-in").status == 404


def test_who_signs_up_with_somebody_elses_address_is_left_with_nothing(front: Front) -> None:
    mine = front.signs_up().json
    welcome = urlsplit(mine["welcome_url"]).path
    opened = front.call("GET", welcome)
    front.works()
    theirs = front.enters()
    assert theirs.status == 303
    assert front.call("GET", welcome).status == 404
    assert front.call("GET", "/welcome", Cookie=opened.cookie).status == 404
    token = welcome.rpartition("/")[2]
    visit = opened.cookie.partition("=")[2]
    for path in (
        f"/billing/{token}",
        f"/sign-in/{token}",
        f"/billing/return/{token}",
        f"/billing/{visit}",
        f"/unsubscribe/{token}",
    ):
        assert front.call("GET", path).status == 404
    for cookie in (
        sent_as("billing-visit", token),
        sent_as("billing-visit", visit),
        opened.cookie.replace("welcome", "billing"),
    ):
        assert front.call("GET", "/billing", Cookie=cookie).status == 404
        assert front.posts_form({}, "/billing/portal", Cookie=cookie).status == 404
    assert front.call("GET", "/billing", Cookie=theirs.cookie).status == 200
    assert front.enters().status == 303, "the owner's own link goes on working"


def test_nobody_learns_from_a_refusal_what_was_wrong(front: Front) -> None:
    front.signs_up()
    (account,) = front.accounts()
    good = wiring.links().token(link_for("billing", account.id, 0, clock.now()))
    bad = [
        good[:-2] + "AA",
        good.replace(".", "x"),
        wiring.links().token(link_for("welcome", account.id, 0, clock.now())),
        wiring.links().token(
            replace(link_for("billing", account.id, 0, clock.now()), expires_at=clock.now())
        ),
        wiring.links().token(link_for("billing", "acc_nobody", 0, clock.now())),
        "x" * 3000,
        "%00",
        "",
    ]
    pages = {front.call("GET", f"/billing/{token}").text for token in bad[:-1]}
    assert len(pages) == 1
    assert front.call("GET", f"/billing/{good}").status == 200


def test_a_key_that_was_rotated_out_opens_nothing_and_one_that_is_still_there_does(
    front: Front,
) -> None:
    front.signs_up()
    (account,) = front.accounts()
    link = link_for("billing", account.id, 0, clock.now())
    assert front.call("GET", f"/billing/{sign(link, ['old-link-key'])}").status == 200
    assert front.call("GET", f"/billing/{sign(link, ['a key of another system'])}").status == 404


def test_the_billing_page_leads_to_checkout_and_back(front: Front) -> None:
    front.signs_up()
    front.works()
    cookie = front.enters().cookie
    page = front.call("GET", "/billing", Cookie=cookie)
    assert "none on file" in page.text
    assert "https://checkout.stripe.com" in page.headers["Content-Security-Policy"]
    gone = front.posts_form({}, "/billing/checkout", Cookie=cookie)
    assert gone.status == 303
    session = gone.headers["Location"].rpartition("/")[2]
    back = urlsplit(
        front.stripe.get(f"/v1/checkout/sessions/{session}")["success_url"].replace(
            "{CHECKOUT_SESSION_ID}", session
        )
    )
    assert (
        front.call("GET", f"{back.path}?{back.query}", Cookie=cookie).path
        == "/billing?notice=canceled"
    ), "it was not completed"
    front.stripe.completes(session)
    assert (
        front.call("GET", f"{back.path}?{back.query}", Cookie=cookie).path
        == "/billing?notice=card_saved"
    )
    without = front.call("GET", f"{back.path}?{back.query}")
    assert (without.status, "Your card is saved" in without.text) == (200, True)
    saved = front.call("GET", "/billing?notice=card_saved", Cookie=cookie).text
    assert "Visa ending 4242, expires 12/34" in saved
    assert front.posts_form({}, "/billing/portal", Cookie=cookie).status == 303


def test_behind_api_gateways_own_address_pages_stay_below_its_stage(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a custom domain every path begins with /api."""
    front.signs_up()
    front.works()
    changed = replace(
        wiring.policy(), base_url="https://abc.execute-api.eu-west-1.amazonaws.com/api"
    )
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    opened = front.enters()
    assert opened.path == "/api/billing"
    assert "; Path=/;" in opened.headers["Set-Cookie"], "the prefix of its name asks for that"
    actions = re.findall(
        r'action="([^"]+)"', front.call("GET", "/billing", Cookie=opened.cookie).text
    )
    assert actions
    assert all(action.startswith("/api/billing/") for action in actions)


def test_a_session_of_another_account_is_refused(front: Front) -> None:
    first, second = (
        front.signs_up().json["account_id"],
        front.signs_up({"email": "eve@example.com"}).json["account_id"],
    )
    write = {
        "Authorization": f"Bearer {front.office.stage.key('write')}",
        "Content_Type": "application/json",
    }
    url = front.call("POST", f"/accounts/{first}/checkout", b"{}", **write).json["url"]
    session = url.rpartition("/")[2]
    token = wiring.links().token(link_for("return", second, 0, clock.now()))
    for id in (session, "cs_test_none", "", "../../v1/customers", "%2e%2e", "x" * 400):
        assert front.call("GET", f"/billing/return/{token}?session_id={id}").status == 404


def test_the_product_asks_for_checkout_and_portal_with_its_key(front: Front) -> None:
    account = front.signs_up().json["account_id"]
    read, write = (
        {
            "Authorization": f"Bearer {front.office.stage.key(scope)}",
            "Content_Type": "application/json",
        }
        for scope in ("read", "write")
    )
    for path in (f"/accounts/{account}/checkout", f"/accounts/{account}/portal"):
        assert front.call("POST", path, b"{}").status == 401
        assert front.call("POST", path, b"{}", **read).status == 403
        assert front.call("POST", path, b"{}", **write).json["url"].startswith("http")
        assert front.call("POST", path, b"", **write).status == 200
        refused(front.call("POST", path, b'{"foo": 1}', **write), 400, "foo")
        refused(
            front.call("POST", path.replace(account, "acc_nobody"), b"{}", **write),
            404,
            "account_id",
        )
    for body, field in (
        ({"quantity": 0}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"plan": 7}, "plan"),
        ({"interval": ""}, "interval"),
    ):
        refused(
            front.call("POST", f"/accounts/{account}/checkout", json.dumps(body).encode(), **write),
            400,
            field,
        )


MISTAKES: list[tuple[Any, str | None]] = [
    ({}, "email"),
    ({"email": 7}, "email"),
    ({"email": "no address"}, "email"),
    ({"email": "ada@localhost"}, "email"),
    ({"email": "ada@example.com\r\nBcc: x@example.com"}, "email"),
    ({"email": f"{'a' * 300}@example.com"}, "email"),
    ({"email": "ada@mailinator.com"}, "email"),
    ({"email": "ada@sub.mailinator.com"}, "email"),
    ({"email": "ädä@example.com"}, "email"),
    ({**ADA, "name": ["Ada"]}, "name"),
    ({**ADA, "name": "Ada\nBcc: x@example.com"}, "name"),
    ({**ADA, "name": "x" * 101}, "name"),
    ({**ADA, "name": "  "}, "name"),
    ({**ADA, "plan": "gold"}, "plan"),
    ({**ADA, "interval": "week"}, "interval"),
    ({**ADA, "external_id": "x" * 129}, "external_id"),
    ({**ADA, "timezone": "Mars/Phobos"}, "timezone"),
    ({**ADA, "language": "german"}, "language"),
    ({**ADA, "source": "a b"}, "source"),
    ({**ADA, "attributes": "x"}, "attributes"),
    ({**ADA, "attributes": {"a": 1}}, "attributes"),
    ({**ADA, "attributes": {str(n): "x" for n in range(51)}}, "attributes"),
    ({**ADA, "attributes": {"a": "x" * 501}}, "attributes"),
    ({**ADA, "trial_days": 900}, "trial_days"),
    ([], None),
    ("ada", None),
]


@pytest.mark.parametrize(("fields", "field"), MISTAKES, ids=range(len(MISTAKES)))
def test_every_mistake_is_named_and_nothing_is_made(
    front: Front, fields: Any, field: str | None
) -> None:
    refused(front.signs_up(fields), 400, field)
    assert front.accounts() == []
    assert front.stripe.engine.store.all("customer") == []


def test_bodies_that_are_no_signup_are_refused_in_our_shape(front: Front) -> None:
    json_type = {"Content_Type": "application/json"}
    refused(front.call("POST", "/signups", b"{", **json_type), 400)
    refused(front.call("POST", "/signups", b"", **json_type), 400)
    refused(front.call("POST", "/signups", b"[" * 5000, **json_type), 400)
    refused(
        front.call(
            "POST", "/signups", json.dumps({"email": "x" * LARGEST_BODY}).encode(), **json_type
        ),
        413,
    )
    refused(front.call("POST", "/signups", b"<x/>", Content_Type="text/xml"), 415)


def test_a_form_without_fields_or_with_one_twice_is_answered_with_a_page(front: Front) -> None:
    for body in (
        b"",
        b"email=",
        b"email=a%40example.com&email=b%40example.com",
        b"email=a%40example.com&foo=1",
        b"\xff\xfe=1",
    ):
        page = front.call("POST", "/signups", body, Content_Type=FORM)
        assert page.status == 400
        assert "That did not work" in page.text
    assert front.accounts() == []


def test_html_in_a_name_is_text_on_the_pages(front: Front) -> None:
    front.signs_up({**ADA, "name": '<script>alert("x")</script>'})
    front.works()
    cookie = front.enters().cookie
    assert "<script" not in front.call("GET", "/billing", Cookie=cookie).text
    assert all("<script" not in str(mail.body) for mail in front.office.inbox)


def test_a_program_that_fills_in_the_hidden_field_thinks_that_it_was_let_in(front: Front) -> None:
    assert front.signs_up({**ADA, "website": "https://spam.example"}).json == {
        "status": "check_your_inbox"
    }
    assert front.posts_form({**ADA, "website": "x"}).status == 303
    assert front.accounts() == []
    assert front.office.stage.metrics()["SignupsTrapped"] == 2


def test_signups_from_one_address_are_stopped_at_its_limit_and_others_are_not(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", an_hour=10), monkeypatch)
    answers = [front.signs_up({"email": f"a{number}@example.com"}).status for number in range(30)]
    assert answers == [201] * 10 + [429] * 20
    refused(front.signs_up({"email": "b@example.com"}), 429)
    assert front.signs_up({"email": "b@example.com"}, address="198.51.100.9").status == 201
    later(monkeypatch, hours=1)
    assert front.signs_up({"email": "c@example.com"}).status == 201


def test_one_address_is_not_signed_up_again_and_again_from_one_place(front: Front) -> None:
    answers = [front.signs_up().status for _ in range(8)]
    assert answers == [201, 202, 202, 202, 202, 429, 429, 429]
    assert front.signs_up(address="198.51.100.9").status == 202, "its owner may be there"


def test_one_address_that_is_signed_up_from_many_places_gets_one_mail(front: Front) -> None:
    answers = [front.signs_up(address=f"198.51.100.{number}").status for number in range(8)]
    assert answers == [201] + [202] * 7
    front.works()
    assert sum("sign-in link" in mail.subject for mail in front.office.inbox) == 1


def test_above_the_days_ceiling_everybody_confirms_first(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", a_day=1), monkeypatch)
    assert front.signs_up({"email": "first@example.com"}).status == 201
    assert front.signs_up().json == {"status": "check_your_inbox"}
    (account,) = front.accounts()
    assert account.signup
    assert account.signup.confirm
    front.works()
    assert len(front.stripe.engine.store.all("customer")) == 1
    opened = front.enters()
    assert opened.status == 303
    (account,) = front.accounts()
    assert account.standing
    assert account.standing.reason == "trial_starting"


def test_with_the_same_answer_for_all_nobody_learns_who_is_a_customer(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", answer="same"), monkeypatch)
    first, second = front.signs_up(), front.signs_up()
    assert (
        (first.status, first.text)
        == (second.status, second.text)
        == (202, json.dumps({"status": "check_your_inbox"}, separators=(",", ":")))
    )
    assert (
        front.posts_form().path
        == front.posts_form({"email": "new@example.com"}).path
        == "/check-your-inbox"
    )


class Captcha:
    """Accepts one token."""

    def solved(self, token: str, address: str) -> bool:
        if token == "down":
            raise Unavailable("The CAPTCHA could not be checked. Please try again.")
        return token == "solved"


def test_a_captcha_that_is_not_solved_keeps_out(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = replace(wiring.signup_guard(), captcha=Captcha())
    monkeypatch.setattr(wiring, "signup_guard", lambda: door)
    refused(front.signs_up(), 403, "captcha")
    refused(front.signs_up({**ADA, "cf-turnstile-response": "forged"}), 403, "captcha")
    refused(front.signs_up({**ADA, "cf-turnstile-response": "down"}), 503)
    assert front.accounts() == []
    assert front.signs_up({**ADA, "cf-turnstile-response": "solved"}).status == 201


def test_with_the_table_out_of_reach_nobody_is_told_that_it_worked(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> None:
        raise Unavailable("DynamoDB gives no answer.")

    monkeypatch.setattr(wiring.accounts(), "save", down)
    refused(front.signs_up(), 503)
    assert front.posts_form().status == 503


def test_a_link_to_sign_in_is_mailed_to_who_is_known_and_the_answer_tells_nothing(
    front: Front,
) -> None:
    front.signs_up()
    known, unknown = (
        front.posts_form({"email": "ada@example.com"}, "/sign-in"),
        front.posts_form({"email": "eve@example.com"}, "/sign-in"),
    )
    assert (
        (known.status, known.path) == (unknown.status, unknown.path) == (303, "/check-your-inbox")
    )
    front.works()
    assert [
        mail.destinations["ToAddresses"]
        for mail in front.office.inbox
        if "sign-in link" in mail.subject
    ] == [["ada@example.com"]]


def test_no_log_holds_an_address_a_name_or_a_token(front: Front) -> None:
    page = front.signs_up({**ADA, "name": "Zebulon"})
    token = page.json["welcome_url"].rpartition("/")[2]
    front.call("GET", f"/welcome/{token}")
    front.call("GET", f"/billing/{token}")
    front.signs_up({"email": "not an address at all"})
    front.works()
    said = front.office.stage.everything_said()
    assert not [
        word for word in ("ada@example.com", "Zebulon", token, "not an address") if word in said
    ]


def test_the_fields_are_those_of_the_contract() -> None:
    assert set(FIELDS) == {
        "email",
        "name",
        "plan",
        "interval",
        "currency",
        "external_id",
        "claim",
        "timezone",
        "language",
        "source",
        "attributes",
    }


def test_only_links_to_unsubscribe_work_for_ever() -> None:
    assert {purpose for purpose, (lasts, _) in PURPOSES.items() if lasts is None} == {
        "unsubscribe",
        "preferences",
    }
    assert link_for("billing", "acc_1", 0, clock.now()).expires_at


def test_who_has_no_link_at_hand_asks_for_one_on_the_sign_in_page(front: Front) -> None:
    front.signs_up()
    page = front.call("GET", "/sign-in")
    assert (page.status, 'action="/sign-in"' in page.text) == (200, True)
    assert "This link does not work" not in page.text
    front.posts_form({"email": "ada@example.com"}, "/sign-in")
    front.works()
    entered = front.enters("sign-in")
    led = front.call("GET", "/sign-in", Cookie=entered.cookie)
    assert (led.status, led.path) == (303, "/billing")


def test_without_signups_nobody_signs_in_by_the_page(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(wiring.policy(), signup=None)
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    page = front.call("GET", "/sign-in")
    assert (page.status, "<form" in page.text) == (404, False)
