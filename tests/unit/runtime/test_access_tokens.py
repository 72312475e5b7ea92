"""Signed access tokens, verified as RFC 7515 and RFC 7518 say, apart from the code that signs."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from chalicelib.domain.security.signing_keys import with_next, write_keys
from chalicelib.runtime.access_tokens import AccessTokens, new_key

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCESS = {"account_id": "acc_1", "access": "none", "reason": "trial_expired", "plan": None}
ALWAYS = datetime.fromtimestamp(0, UTC)


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(token: str, key_set: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, if the key that the header names made the signature."""
    header, claims, signature = token.split(".")
    head = json.loads(raw(header))
    (key,) = [one for one in key_set["keys"] if one["kid"] == head["kid"]]
    x, y = (int.from_bytes(raw(key[name]), "big") for name in "xy")
    assert len(raw(signature)) == 64, "r and s, not DER"
    r, s = (int.from_bytes(half, "big") for half in (raw(signature)[:32], raw(signature)[32:]))
    ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(
        encode_dss_signature(r, s), f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256())
    )
    return head, json.loads(raw(claims))


def test_a_token_is_verified_by_the_key_set() -> None:
    kept = write_keys([new_key(ALWAYS)])
    tokens = AccessTokens("https://b.example", lambda: kept)
    token, expires = tokens.issue(ACCESS, None, None, NOW)
    header, claims = opened(token, tokens.key_set(NOW))
    assert (header["alg"], header["typ"]) == ("ES256", "JWT")
    assert (claims["sub"], claims["access"], claims["exp"]) == ("acc_1", "none", expires)
    _, others = opened(tokens.issue(ACCESS, None, None, NOW)[0], tokens.key_set(NOW))
    assert claims["jti"] != others["jti"], "each token has an id of its own"


def test_a_changed_claim_is_refused() -> None:
    kept = write_keys([new_key(ALWAYS)])
    tokens = AccessTokens("https://b.example", lambda: kept)
    header, claims, signature = tokens.issue(ACCESS, None, None, NOW)[0].split(".")
    better = json.dumps(json.loads(raw(claims)) | {"access": "full"}).encode()
    changed = base64.urlsafe_b64encode(better).decode().rstrip("=")
    with pytest.raises(InvalidSignature):
        opened(f"{header}.{changed}.{signature}", tokens.key_set(NOW))


def test_signatures_with_leading_zeros_keep_their_64_bytes() -> None:
    """One in 128 has a number that is shorter than 32 bytes."""
    kept = write_keys([new_key(ALWAYS)])
    tokens = AccessTokens("https://b.example", lambda: kept)
    for _ in range(600):
        opened(tokens.issue(ACCESS, None, None, NOW)[0], tokens.key_set(NOW))


def test_tokens_of_both_keys_are_verified_during_a_rotation() -> None:
    first, signs = new_key(ALWAYS), NOW + timedelta(hours=24)
    following = new_key(signs)
    kept = write_keys(with_next([first], following, NOW))
    tokens = AccessTokens("https://b.example", lambda: kept)
    last_of_the_first, _ = tokens.issue(ACCESS, None, None, signs - timedelta(seconds=1))
    first_of_the_next, _ = tokens.issue(ACCESS, None, None, signs)
    known_a_day_before = tokens.key_set(NOW)
    for token, key in ((last_of_the_first, first), (first_of_the_next, following)):
        for key_set in (known_a_day_before, tokens.key_set(signs + timedelta(minutes=15))):
            assert opened(token, key_set)[0]["kid"] == key.kid
