"""Tokens of links and cookies, forged in every way that has a name;
tests/unit/domain/security/test_links.py has those that have none.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.security.links import PURPOSES, Link, LinkRefused, link_for, sign, verify
from chalicelib.entry.pages.session import COOKIES
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.fakes.links import sent_as, visit_of
from tests.http.signups.test_signups import Front

KEYS = ["new-link-key", "old-link-key"]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GOOD = sign(link_for("billing", "acc_1", 3, NOW), KEYS)
PAYLOAD, SIGNATURE = GOOD.split(".")


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def claims(**changes: Any) -> str:
    """The payload with other claims, as somebody without the key would write it."""
    named = dict(
        zip(
            ("purpose", "account", "about", "expires", "epoch"),
            json.loads(base64.urlsafe_b64decode(PAYLOAD + "==")),
            strict=True,
        )
    )
    return text(json.dumps([*(named | changes).values()], separators=(",", ":")).encode())


FORGED: dict[str, str] = {
    "another account": f"{claims(account='acc_2')}.{SIGNATURE}",
    "another purpose": f"{claims(purpose='sign-in')}.{SIGNATURE}",
    "another epoch": f"{claims(epoch=99)}.{SIGNATURE}",
    "for ever": f"{claims(expires=0)}.{SIGNATURE}",
    "no signature": f"{PAYLOAD}.",
    "no signature and no point": PAYLOAD,
    "half a signature": f"{PAYLOAD}.{SIGNATURE[:20]}",
    "a letter less": GOOD[:-1],
    "a letter more": GOOD + "A",
    "padding": GOOD + "=",
    "the signature first": f"{SIGNATURE}.{PAYLOAD}",
    "two signatures": f"{GOOD}.{SIGNATURE}",
    "algorithm none": f"{text(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{PAYLOAD}.",
    "algorithm none, in our form": f"{PAYLOAD}.none",
    "an empty key": f"{PAYLOAD}.{text(hmac.new(b'', PAYLOAD.encode(), hashlib.sha256).digest())}",
    "a plain hash": f"{PAYLOAD}.{text(hashlib.sha256(PAYLOAD.encode()).digest())}",
    "a hash with the key before it": (
        f"{PAYLOAD}.{text(hashlib.sha256(KEYS[0].encode() + PAYLOAD.encode()).digest())}"
    ),
    "a weaker algorithm": (
        f"{PAYLOAD}.{text(hmac.new(KEYS[0].encode(), PAYLOAD.encode(), hashlib.sha1).digest())}"
    ),
    "hex for base64": (
        f"{PAYLOAD}.{hmac.new(KEYS[0].encode(), PAYLOAD.encode(), hashlib.sha256).hexdigest()}"
    ),
    "another key": sign(link_for("billing", "acc_1", 3, NOW), ["a-key-of-another-system"]),
    "capitals": GOOD.swapcase(),
    "another alphabet": GOOD.replace("-", "+").replace("_", "/") + "/",
    "half a character": f"{PAYLOAD}.\udcff{SIGNATURE}",
}


@pytest.mark.parametrize("how", FORGED)
def test_no_forged_token_opens_anything(how: str) -> None:
    for purpose in PURPOSES:
        with pytest.raises(LinkRefused):
            verify(FORGED[how], purpose, KEYS, NOW)
    assert verify(GOOD, "billing", KEYS, NOW).account_id == "acc_1", (
        "the one that is not forged does"
    )


def test_a_key_that_is_rotated_out_takes_its_links_along() -> None:
    old = sign(link_for("billing", "acc_1", 3, NOW), ["old-link-key"])
    assert verify(old, "billing", KEYS, NOW)
    with pytest.raises(LinkRefused):
        verify(old, "billing", ["newest-link-key", "new-link-key"], NOW)


def test_a_cookie_lives_for_an_hour_whatever_the_browser_keeps(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.signs_up()
    (account,) = front.accounts()
    cookie = visit_of(account)
    assert front.call("GET", "/billing", Cookie=cookie).status == 200
    monkeypatch.setattr(clock, "_ahead", clock._ahead + timedelta(minutes=61))
    assert front.call("GET", "/billing", Cookie=cookie).status == 404


def test_a_link_of_before_the_address_was_proved_or_of_another_account_opens_nothing(
    front: Front,
) -> None:
    front.signs_up()
    front.signs_up({"email": "eve@example.com"})
    front.works()
    (account,) = front.accounts()

    token = wiring.links().token

    def before(purpose: str) -> Link:
        return link_for(purpose, account.id, 0, clock.now())

    proved = token(link_for("billing", account.id, 0, clock.now()))
    assert front.posts_form({}, f"/billing/{proved}").status == 303
    for purpose, path in (("welcome", "/welcome/{}"), ("return", "/billing/return/{}")):
        assert front.call("GET", path.format(token(before(purpose)))).status == 404, purpose
    for purpose in COOKIES:
        path = f"/{purpose.removesuffix('-visit')}"
        page = front.call("GET", path, Cookie=sent_as(purpose, token(before(purpose))))
        assert page.status == 404, purpose
    nobody = replace(before("billing-visit"), account_id="acc_nobody", epoch=9)
    page = front.call("GET", "/billing", Cookie=sent_as("billing-visit", token(nobody)))
    assert page.status == 404
