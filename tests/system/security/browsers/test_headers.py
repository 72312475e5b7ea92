"""What every answer tells a browser: pages, JSON, ways on, and each kind of refusal."""

import json
from collections.abc import Iterator

import pytest

from app import app
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.entry.http.access_tokens import KEPT_BY_VERIFIERS
from chalicelib.entry.http.responses import LARGEST_BODY
from chalicelib.entry.pages.session import COOKIES
from chalicelib.runtime.settings import settings
from local.aws.api_gateway import ApiGateway
from local.http_server import error_answer
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import ROUTES, content_type, target
from tests.http.signups.test_signups import FORM, Front, Page, under

OF_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
NOTHING = ("default-src", "base-uri", "frame-ancestors")
JSON = "application/json"
PUBLIC_KEYS = " /.well-known/jwks.json"
Answers = Iterator[tuple[str, Page]]


def of_all_routes(front: Front) -> Answers:
    """Each route as a customer and as a stranger calls it, with HEAD too, or with a method that
    it does not have.
    """
    front.signs_up()
    (account,) = front.accounts()
    visitors: list[dict[str, str]] = [
        {
            "Cookie": "; ".join(visit_of(account, purpose) for purpose in COOKIES),
            "Authorization": f"Bearer {front.office.stage.key('write')}",
        },
        {},
    ]
    for method, template in ROUTES:
        path = target(template, account.id, token_to(account, "preferences", "lifecycle"))
        kind = content_type(method, template)
        more = ["HEAD"] if method == "GET" else ["PUT"]
        for one in (method, *more):
            for headers in visitors:
                yield (
                    f"{one} {template}",
                    front.call(one, path, b"", Content_Type=kind, **headers),
                )


def refusals(front: Front, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Each kind of refusal, as JSON and as a page."""
    write = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    ada = {"email": "ada@example.com"}
    yield "400 JSON", front.call("POST", "/signups", b"{", Content_Type=JSON)
    yield "400 page", front.posts_form({"email": "x"})
    yield "401", front.call("GET", "/accounts/acc_1")
    yield "403 JSON", front.signs_up(ada, Origin="https://evil.example")
    yield "403 page", front.posts_form(ada, Origin="https://evil.example")
    yield "404 JSON", front.call("GET", "/accounts/acc_nobody", **write)
    yield "404 page", front.call("GET", "/billing/invented.token")
    large = b"x" * (LARGEST_BODY + 1)
    yield "413 JSON", front.call("POST", "/signups", large, Content_Type=JSON)
    yield "413 form", front.call("POST", "/sign-in", large, Content_Type=FORM)
    yield "415", front.call("POST", "/signups", b"x", Content_Type="text/plain")
    yield "405", front.call("DELETE", "/signups")
    under(SignupPolicy("pro", "month", an_hour=1), monkeypatch)
    for number in range(2):
        mailbox = {"email": f"a{number}@example.com"}
        json_page, form_page = front.signs_up(mailbox), front.posts_form(mailbox, "/sign-in")
    yield "429 JSON", json_page
    yield "429 page", form_page
    monkeypatch.setattr("chalicelib.runtime.wiring.accounts", lambda: 1 / 0)
    yield "500 JSON", front.call("GET", "/accounts/acc_1", **write)


def policy_of(page: Page) -> dict[str, str]:
    """The directives of the Content-Security-Policy."""
    parts = page.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


def check(what: str, page: Page) -> None:
    expected = OF_EVERY_ANSWER | OVER_HTTPS
    if what.endswith(PUBLIC_KEYS):  # verifiers keep them
        expected = expected | {"Cache-Control": KEPT_BY_VERIFIERS}
    assert page.headers.items() >= expected.items(), what
    policy = policy_of(page)
    assert {name: policy[name] for name in NOTHING} == dict.fromkeys(NOTHING, "'none'"), what
    assert "script-src" not in policy, what
    assert "unsafe" not in page.headers["Content-Security-Policy"], what


def test_every_route_tells_a_browser_to_run_keep_frame_and_pass_on_nothing(front: Front) -> None:
    seen = set()
    for what, page in of_all_routes(front):
        check(what, page)
        seen.add((page.status, page.headers.get("Content-Type", "").partition(";")[0]))
    assert seen >= {(200, JSON), (200, "text/html"), (404, "text/html"), (401, JSON), (405, JSON)}


def test_every_refusal_tells_it_too(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    for what, page in refusals(front, monkeypatch):
        check(what, page)
        assert str(page.status) == what.partition(" ")[0]
        is_page = page.headers["Content-Type"].startswith("text/html")
        assert is_page == what.endswith("page"), what


def test_the_errors_of_the_gateway_tell_it_too() -> None:
    gateway = ApiGateway(app, ("https://acme.example",))
    answer = gateway.own_error(error_answer(404, "not_found", "There is nothing here."))
    assert dict(answer.headers).items() >= OF_EVERY_ANSWER.items()
    policy = policy_of(Page(404, "", dict(answer.headers)))
    assert policy == dict.fromkeys(NOTHING, ""), "without a value nothing matches"


def test_the_local_system_asks_no_browser_for_https(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "local")
    settings.cache_clear()
    page = front.call("GET", "/healthz")
    assert page.headers.keys().isdisjoint(OVER_HTTPS)
    assert page.headers.items() >= OF_EVERY_ANSWER.items()
    assert json.loads(front.call("GET", "/openapi.json").text)["openapi"]
