"""The keys that sign access tokens: which one signs now, which are published, and how the next one
takes over.

Verifiers keep the key set for an hour and longer. So a key is published a day before it signs, and
stays for some hours after the last token that it signed has ended.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.values import frozen

ALGORITHM, CURVE = "ES256", "P-256"

TOKEN_LASTS = timedelta(minutes=15)
"""How long an access token holds at most."""

PUBLISHED_BEFORE = timedelta(hours=24)
"""How long before its first signature a key is published."""

KEPT_AFTER = TOKEN_LASTS + timedelta(hours=6)
"""How long a key is published after another one signs: its last token ends, and hours more."""


@frozen
class SigningKey:
    """A key on the curve P-256 that signs from `signs_from` on (Unix seconds) until a later one
    does. `d`, the secret, and `x` and `y`, the point, are base64url as JWK has them.
    """

    kid: str
    signs_from: int
    d: str
    x: str
    y: str


def key_id(x: str, y: str) -> str:
    """The id of a public key: its thumbprint by RFC 7638."""
    members = {"crv": CURVE, "kty": "EC", "x": x, "y": y}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def write_keys(keys: Sequence[SigningKey]) -> str:
    """The keys as the secret `signing-keys` holds them."""
    return json.dumps([asdict(key) for key in keys], separators=(",", ":"))


def read_keys(text: str) -> tuple[SigningKey, ...]:
    """The keys in the secret `signing-keys`, the first to sign first; at least one. Raises
    Unavailable.
    """
    try:
        keys = sorted((SigningKey(**one) for one in json.loads(text)), key=_begins)
    except (TypeError, ValueError) as error:
        raise _unreadable() from error
    if not keys:
        raise _unreadable()
    return tuple(keys)


def signer(keys: Sequence[SigningKey], now: datetime) -> SigningKey:
    """The key that signs at `now`: of those whose time has come, the last. Raises Unavailable if
    none has.
    """
    begun = [key for key in keys if key.signs_from <= now.timestamp()]
    if not begun:
        raise Unavailable(
            "No key of the secret signing-keys may sign yet. python -m ops keys rotate-signing"
            " --leaked makes one that does."
        )
    return max(begun, key=_begins)


def published(keys: Sequence[SigningKey], now: datetime) -> list[SigningKey]:
    """The keys that a verifier may meet at `now` or soon, the oldest first."""
    ordered = sorted(keys, key=_begins)
    ends = [after.signs_from + KEPT_AFTER.total_seconds() for after in ordered[1:]]
    return [
        key
        for key, end in zip(ordered, [*ends, float("inf")], strict=False)
        if now.timestamp() < end
    ]


def key_set(keys: Sequence[SigningKey], now: datetime) -> dict[str, Any]:
    """The JSON Web Key Set of `published`, without secrets."""
    return {"keys": [_public(key) for key in published(keys, now)]}


def waiting(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The key that is published and does not sign yet; None if there is none."""
    return next((key for key in keys if key.signs_from > now.timestamp()), None)


def with_next(
    keys: Sequence[SigningKey], following: SigningKey, now: datetime
) -> tuple[SigningKey, ...]:
    """The keys with the one that follows, without those that nobody meets any more."""
    return (*published(keys, now), following)


def _public(key: SigningKey) -> dict[str, str]:
    return {
        "kty": "EC",
        "crv": CURVE,
        "use": "sig",
        "alg": ALGORITHM,
        "kid": key.kid,
        "x": key.x,
        "y": key.y,
    }


def _begins(key: SigningKey) -> int:
    return key.signs_from


def _unreadable() -> Unavailable:
    return Unavailable(
        "The secret signing-keys holds no keys that can be read. python -m ops keys rotate-signing"
        " --leaked makes it anew."
    )
