"""Who may call what: every route that there is, tried without what opens it. A new route that asks
for nothing fails here.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.security.api_keys import SCOPES
from chalicelib.domain.security.cookies import cookie_name
from chalicelib.entry.pages.session import COOKIES
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.fakes.links import token_to
from tests.fakes.routes import (
    COOKIE,
    GUARDS,
    LINK,
    PRODUCT,
    ROUTES,
    SIGNATURE,
    content_type,
    guarded_by,
    target,
)
from tests.http.signups.test_signups import Front, Page


def knock(front: Front, method: str, path: str, template: str, **headers: str) -> Page:
    headers = {"Content_Type": content_type(method, template)} | headers
    return front.call(method, path, b"{}" if method != "GET" else b"", **headers)


def needed(method: str, template: str) -> str:
    if template.endswith(("/access", "/access/token")):
        return "access"
    if (method, template) in {("DELETE", "/accounts/{account_id}"), ("GET", "/audit")}:
        return "admin"
    if "/instance/" in template:  # orders of an operator
        return "admin"
    return "read" if method == "GET" else "write"


def test_no_guard_is_listed_for_a_route_that_is_not_there() -> None:
    assert set(GUARDS) - set(ROUTES) == set()
    assert len(PRODUCT) >= 7


def test_every_call_of_the_product_refuses_whoever_has_no_key_that_lives_and_looks_at_no_account(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = front.office.stage.key("write")
    revoked = front.office.stage.key("write")
    wiring.api_keys().revoke(revoked.split("_")[1], clock.now() - timedelta(hours=1))
    other = "bh_000000000000_" + good[len("bh_000000000000_") :]
    strangers = [
        None,
        "",
        "Bearer",
        "Bearer x",
        f"Bearer {good[:-1]}",
        f"Bearer {good[:-1]}!",
        f"Bearer {other}",
        f"Bearer {revoked}",
    ]
    strangers += [f"Basic {good}", good, f"Bearer {good}x", "Bearer " + "x" * 5000]
    monkeypatch.setattr(wiring, "accounts", lambda: 1 / 0)
    for method, template in PRODUCT:
        answers = {
            (page.status, page.text)
            for header in strangers
            for page in [
                knock(
                    front,
                    method,
                    target(template),
                    template,
                    **({"Authorization": header} if header is not None else {}),
                )
            ]
        }
        assert {status for status, _ in answers} == {401}, (method, template)
        assert len(answers) == 1, "no refusal tells what was wrong with the key"


def test_a_key_of_too_small_a_scope_opens_nothing_and_learns_of_no_account(front: Front) -> None:
    account = front.signs_up().json["account_id"]
    keys = {scope: {"Authorization": f"Bearer {front.office.stage.key(scope)}"} for scope in SCOPES}
    order = list(SCOPES)
    for method, template in PRODUCT:
        for scope in order:
            there = knock(front, method, target(template, account), template, **keys[scope])
            not_there = knock(
                front, method, target(template, "acc_nobody"), template, **keys[scope]
            )
            if order.index(scope) < order.index(needed(method, template)):
                assert (there.status, there.text) == (not_there.status, not_there.text), (
                    method,
                    template,
                    scope,
                )
                assert there.status == 403
            else:
                assert there.status not in (401, 403), (method, template, scope)
                assert there.status < 500


def test_every_page_behind_a_cookie_refuses_whoever_has_none_of_its_own(front: Front) -> None:
    front.signs_up()
    (account,) = front.accounts()
    visits = {
        purpose: token_to(account, purpose)
        for purpose in ("welcome-visit", "billing-visit", "billing", "unsubscribe")
    }
    for method, template in guarded_by(COOKIE):
        own = "welcome-visit" if template == "/welcome" else "billing-visit"
        name = cookie_name(COOKIES[own], is_https=True)
        cookies = [
            "",
            "x",
            f"{name}=",
            f"{name}=x.y",
            *(f"{name}={token}" for purpose, token in visits.items() if purpose != own),
        ]
        assert {
            knock(front, method, template, template, Cookie=cookie).status for cookie in cookies
        } == {404}, (method, template)
        page = knock(front, method, template, template, Cookie=f"{name}={visits[own]}")
        assert page.status < 500, (method, template)
        assert "This link does not work" not in page.text, (method, template)


def test_every_page_behind_a_link_refuses_an_invented_one_and_every_webhook_an_unsigned_one(
    front: Front,
) -> None:
    for method, template in guarded_by(LINK):
        tokens = ("invented.token", "x", ".", "eyJhbGciOiJub25lIn0.e30.", "%00", "x" * 3000)
        answers = {
            (page.status, page.text)
            for token in tokens
            for page in [knock(front, method, target(template, token=token), template)]
        }
        assert {status for status, _ in answers} == {404}, (method, template)
        assert len(answers) == 1
    for method, template in guarded_by(SIGNATURE):
        # Without a people system there is nothing behind the addresses of its webhooks.
        refused = 400 if template == "/webhooks/stripe" else 404
        assert knock(front, method, template, template).status == refused
