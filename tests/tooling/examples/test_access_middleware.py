"""The examples that check access tokens: what they accept without a call, what they refuse, and
what they do while Billhook is stopped.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.domain.security.access_token import base64url
from chalicelib.runtime.access_tokens import new_key
from tests.tooling.examples.conftest import ACCESS, START, Billhook, Get
from tests.unit.runtime.test_access_tokens import raw

OPEN = {"level": "full", "plan": "pro"}
KEYS = "GET /.well-known/jwks.json"


def test_a_valid_token_needs_no_call(get: Get, billhook: Billhook) -> None:
    token = billhook.token()
    for _ in range(3):
        page = get("acc_1", token)
        assert (page.status, page.told, page.cookie) == (200, OPEN, None)
    assert billhook.calls == [KEYS], "the keys, once"


def test_without_a_token_one_is_fetched_and_kept(get: Get, billhook: Billhook) -> None:
    first = get("acc_1", None)
    assert (first.status, first.told) == (200, OPEN)
    assert billhook.calls == ["POST /accounts/acc_1/access/token", KEYS]
    assert get("acc_1", first.cookie).cookie is None
    assert len(billhook.calls) == 2


def test_the_product_goes_on_while_billhook_is_stopped_until_the_token_ends(
    get: Get, billhook: Billhook
) -> None:
    token = get("acc_1", None).cookie
    billhook.stop()
    for passed in (0, 600, 299):
        billhook.passes(passed)
        page = get("acc_1", token)
        assert (page.status, page.told) == (200, OPEN)
    billhook.passes(1)
    assert (get("acc_1", token).status, billhook.now) == (503, START + timedelta(minutes=15))


def test_keys_that_were_fetched_once_verify_on_while_billhook_is_stopped(
    get: Get, billhook: Billhook
) -> None:
    assert get("acc_1", billhook.token()).status == 200
    billhook.passes(5 * 3600)
    token = billhook.token()
    billhook.stop()
    assert get("acc_1", token).status == 200


def test_a_token_that_ended_is_replaced(get: Get, billhook: Billhook) -> None:
    token = get("acc_1", None).cookie
    billhook.passes(15 * 60)
    page = get("acc_1", token)
    assert page.status == 200
    assert page.cookie not in (None, token)


def test_who_has_no_access_is_told_why(get: Get, billhook: Billhook) -> None:
    billhook.accounts["acc_1"] = ACCESS | {"access": "none", "reason": "trial_expired"}
    for token in (None, billhook.token()):
        page = get("acc_1", token)
        assert (page.status, page.told) == (402, {"error": "no_access", "reason": "trial_expired"})


def test_without_a_token_of_billhooks_the_access_call_answers(get: Get, billhook: Billhook) -> None:
    billhook.signs = False
    page = get("acc_1", None)
    assert (page.status, page.told, page.cookie) == (200, OPEN, None)
    assert billhook.calls[-1] == "GET /accounts/acc_1/access"


def test_nobody_gets_in_where_nobody_knows(get: Get, billhook: Billhook) -> None:
    page = get("acc_nobody", None)
    assert (page.status, page.told) == (503, {"error": "access_unknown"})
    billhook.stop()
    assert get("acc_1", None).status == 503


def test_who_is_not_signed_in_is_not_looked_at(get: Get, billhook: Billhook) -> None:
    page = get(None, billhook.token())
    assert (page.status, page.told, billhook.calls) == (200, None, [])


def changed(token: str, part: int, **fields: Any) -> list[str]:
    """The parts of a token, one of them with other fields."""
    parts = token.split(".")
    parts[part] = base64url(json.dumps(json.loads(raw(parts[part])) | fields))
    return parts


def hs256(billhook: Billhook) -> str:
    """Signed with the public key as the secret, which a careless verifier takes."""
    parts = changed(billhook.token(), 0, alg="HS256")
    secret = raw(billhook.keys[0].x) + raw(billhook.keys[0].y)
    signed = hmac.new(secret, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    return f"{parts[0]}.{parts[1]}.{base64url(signed)}"


def in_der(billhook: Billhook) -> str:
    header, claims, _ = billhook.token().split(".")
    key = ec.derive_private_key(int.from_bytes(raw(billhook.keys[0].d), "big"), ec.SECP256R1())
    signature = key.sign(f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    return f"{header}.{claims}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def at(billhook: Billhook, seconds: float) -> str:
    """A token that is signed at another time."""
    return replace_now(billhook, seconds).token(issuer=billhook.base)


def replace_now(billhook: Billhook, seconds: float) -> Billhook:
    other = object.__new__(Billhook)
    other.__dict__ |= billhook.__dict__ | {"now": billhook.now + timedelta(seconds=seconds)}
    return other


def of_a_stranger(billhook: Billhook) -> str:
    """Signed by a key of the stranger's, under an id of Billhook's."""
    stranger = replace_now(billhook, 0)
    stranger.keys = [replace(new_key(START), kid=billhook.keys[0].kid)]
    return stranger.token(issuer=billhook.base)


REFUSED: dict[str, Callable[[Billhook], str]] = {
    "no algorithm": lambda b: ".".join(changed(b.token(), 0, alg="none")[:2]) + ".",
    "HS256 with the public key": hs256,
    "another algorithm's name": lambda b: ".".join(changed(b.token(), 0, alg="ES384")),
    "a critical header": lambda b: ".".join(changed(b.token(), 0, crit=["exp"])),
    "an unknown key": lambda b: ".".join(changed(b.token(), 0, kid="another")),
    "a stranger's key": of_a_stranger,
    "a changed claim": lambda b: ".".join(changed(b.token(), 1, access="full", plan="scale")),
    "a signature in DER": in_der,
    "no signature": lambda b: b.token().rpartition(".")[0] + ".",
    "another issuer": lambda b: b.token(issuer="https://evil.example"),
    "another account": lambda b: b.token("acc_2"),
    "one that has ended": lambda b: at(b, -15 * 60),
    "one of a minute and a second ahead": lambda b: at(b, 61),
    "no token": lambda b: "hunter2",
    "no base64": lambda b: "a.b.c!",
    "no object": lambda b: f"{base64url('[]')}.{base64url('5')}.{base64url('x')}",
    "a long one": lambda b: b.token() + "A" * 9000,
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_token_is_refused(what: str, get: Get, billhook: Billhook) -> None:
    assert get("acc_1", billhook.token()).status == 200, "the keys are known"
    token = REFUSED[what](billhook)
    billhook.stop()
    assert get("acc_1", token).status == 503


def test_clocks_may_differ_by_a_minute_when_a_token_begins_and_not_when_it_ends(
    get: Get, billhook: Billhook
) -> None:
    ahead, ending = at(billhook, 60), at(billhook, -15 * 60 + 1)
    assert get("acc_1", ahead).cookie is None
    assert get("acc_1", ending).cookie is None
    assert billhook.calls == [KEYS]


def test_invented_keys_have_the_key_set_fetched_once_in_five_minutes(
    get: Get, billhook: Billhook
) -> None:
    assert get("acc_1", billhook.token()).status == 200
    billhook.passes(300)
    for number in range(5):
        get("acc_1", ".".join(changed(billhook.token(), 0, kid=f"invented-{number}")))
    assert billhook.calls.count(KEYS) == 2


def test_a_key_that_was_published_later_is_fetched_when_a_token_names_it(
    get: Get, billhook: Billhook
) -> None:
    assert get("acc_1", billhook.token()).status == 200
    billhook.passes(400)
    billhook.keys.append(new_key(billhook.now))
    token = billhook.token()
    assert get("acc_1", token).cookie is None
    assert billhook.calls == [KEYS, KEYS]
