"""Access tokens, signed by ES256. Loads `cryptography` when it signs, and not before: a function
that is asked for anything else starts without it.
"""

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.security.access_token import base64url, claims, expiry, signing_input
from chalicelib.domain.security.signing_keys import (
    SigningKey,
    key_id,
    key_set,
    read_keys,
    signer,
)

_BYTES = 32
"""Of a number on the curve P-256. A signature is two of them (RFC 7518, 3.4)."""


class AccessTokens:
    """The tokens of one stage. `keys` gives the secret `signing-keys`."""

    def __init__(self, issuer: str, keys: Callable[[], str]) -> None:
        self._issuer, self._keys = issuer, keys

    def issue(
        self,
        access: Mapping[str, Any],
        external_id: str | None,
        until: datetime | None,
        now: datetime,
    ) -> tuple[str, int]:
        """A token that tells `access`, the answer of the access call, and when it ends in Unix
        seconds. `until` is when the access changes by the clock alone. Raises Unavailable.
        """
        key, expires = signer(read_keys(self._keys()), now), expiry(now, until)
        told = claims(self._issuer, access, external_id, now, expires, uuid.uuid4().hex)
        text = signing_input(key.kid, told)
        return f"{text}.{base64url(_sign(text.encode(), key))}", expires

    def key_set(self, now: datetime) -> dict[str, Any]:
        """The public keys that verify tokens of now and of the next hours. Raises Unavailable."""
        return key_set(read_keys(self._keys()), now)


def new_key(signs_from: datetime) -> SigningKey:
    """A random key that signs from a time on."""
    from cryptography.hazmat.primitives.asymmetric import ec

    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    point = numbers.public_numbers
    d, x, y = (_text(number) for number in (numbers.private_value, point.x, point.y))
    return SigningKey(key_id(x, y), int(signs_from.timestamp()), d, x, y)


def _sign(data: bytes, key: SigningKey) -> bytes:
    """The signature as r and s, each of 32 bytes: not the DER that `cryptography` gives."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    private = ec.derive_private_key(_number(key.d), ec.SECP256R1())
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_BYTES, "big") + s.to_bytes(_BYTES, "big")


def _text(number: int) -> str:
    return base64url(number.to_bytes(_BYTES, "big"))


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
