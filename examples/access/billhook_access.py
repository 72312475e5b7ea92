"""May this account use the product? Answered from a signed token, without a call; where there is no
valid token, by asking Billhook.

Copy this file into your product. It needs Python 3.11 and the package `cryptography`. FastAPI and
Django are served by the files beside it; anything else calls `AccessChecker.check`. Make one
AccessChecker and keep it, since it keeps Billhook's keys. Threads may share it.
"""

import base64
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

COOKIE = "billhook_access"
"""Where the examples keep a customer's token."""

CALL_SECONDS = 3
KEYS_KEPT_SECONDS = 3600
KEYS_AGAIN_SECONDS = 300
"""How long to wait at least before the keys are fetched again, whatever `kid` a token names:
anybody can send tokens with invented ones.
"""
FIRST_KEYS_AGAIN_SECONDS = 5
"""The same while no keys have been fetched at all."""

CLOCKS_DIFFER_SECONDS = 60
"""How far in the future `iat` may be. `exp` is not stretched."""

LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Access:
    """What an account may use: `level` is `full`, `limited` (billing pages and the customer's own
    data) or `none`. `until` is when that changes by the clock, in ISO 8601.
    """

    account_id: str
    level: str
    reason: str
    plan: str | None
    features: tuple[str, ...]
    quantity: int | None
    until: str | None


@dataclass(frozen=True)
class Checked:
    """The access, and a new token if one was fetched: keep it for the next requests, for so many
    seconds.
    """

    access: Access
    new_token: str | None = None
    seconds: int = 0


class TokenRefused(Exception):
    """The token is not one of Billhook's, or has ended."""


class AccessUnknown(Exception):
    """There is no valid token, and Billhook does not answer. Nobody knows what the account may use:
    say that it is being looked at, and let the customer try again.
    """


class AccessChecker:
    """Checks the access of accounts. `billhook` is `base_url` of billing.toml, `key` an API key of
    scope `access`.
    """

    def __init__(self, billhook: str, key: str, clock: Callable[[], float] = time.time) -> None:
        self._billhook, self._key, self._clock = billhook.rstrip("/"), key, clock
        self._keys = _Keys(f"{self._billhook}/.well-known/jwks.json", clock)

    def check(self, token: str | None, account_id: str) -> Checked:
        """The access of an account that your own session names. Without a valid token of that
        account, a new one is fetched; where none can be had, the access call is made. Raises
        AccessUnknown.
        """
        try:
            return Checked(self.verified(token or "", account_id))
        except TokenRefused:
            pass
        try:
            new = str(self._call("POST", account_id, "/access/token")["token"])
            access = self.verified(new, account_id)
            return Checked(access, new, int(_part(new.split(".")[1])["exp"] - self._clock()))
        except (urllib.error.HTTPError, TokenRefused):
            return Checked(self.asked(account_id))
        except OSError as error:
            raise AccessUnknown("Billhook cannot be reached.") from error

    def verified(self, token: str, account_id: str) -> Access:
        """What a token tells, without a call to Billhook but for its keys. Raises TokenRefused."""
        claims = self._claims(token)
        if claims.get("sub") != account_id:
            raise TokenRefused("It is of another account.")
        return _access(claims, account_id)

    def asked(self, account_id: str) -> Access:
        """What Billhook answers. Raises AccessUnknown."""
        try:
            return _access(self._call("GET", account_id, "/access"), account_id)
        except (OSError, KeyError, TypeError) as error:
            raise AccessUnknown("Billhook gives no answer about this account.") from error

    def _claims(self, token: str) -> dict[str, Any]:
        parts = token.split(".")
        if len(token) > LONGEST_TOKEN or len(parts) != 3:
            raise TokenRefused("It is no token.")
        header = _part(parts[0])
        # The algorithm is ours to choose, never the token's: `none` needs no key, and HS256 would
        # take the public key for a secret.
        if header.get("alg") != "ES256" or "crit" in header:
            raise TokenRefused("It is not signed by ES256.")
        key, signature = self._keys.of(header.get("kid")), _bytes(parts[2])
        if key is None or len(signature) != 64:
            raise TokenRefused("No key of Billhook's signed it.")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            signed = f"{parts[0]}.{parts[1]}".encode()
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise TokenRefused("It was changed.") from error
        return self._held(_part(parts[1]))

    def _held(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims, if they are Billhook's and hold now."""
        now = self._clock()
        if claims.get("iss") != self._billhook or claims.get("aud") != "billhook-access":
            raise TokenRefused("It is from, or for, somebody else.")
        if type(claims.get("exp")) is not int or claims["exp"] <= now:
            raise TokenRefused("It has ended.")
        if type(claims.get("iat")) is not int or claims["iat"] > now + CLOCKS_DIFFER_SECONDS:
            raise TokenRefused("It is not valid yet.")
        return claims

    def _call(self, method: str, account_id: str, what: str) -> dict[str, Any]:
        url = f"{self._billhook}/accounts/{quote(account_id, safe='')}{what}"
        headers = {"Authorization": f"Bearer {self._key}"}
        return _fetched(urllib.request.Request(url, headers=headers, method=method))


class _Keys:
    """Billhook's public keys. They outlive Billhook's answers: while it cannot be reached, those
    that were fetched last verify on.
    """

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url, self._clock = url, clock
        self._lock = threading.Lock()
        self._known: dict[str, ec.EllipticCurvePublicKey] = {}
        self._tried_at = self._fetched_at = float("-inf")

    def of(self, kid: object) -> ec.EllipticCurvePublicKey | None:
        """The key of that id, None if Billhook has none."""
        if not isinstance(kid, str):
            return None
        with self._lock:
            is_old = self._clock() - self._fetched_at > KEYS_KEPT_SECONDS
            if (kid not in self._known or is_old) and self._may_try():
                self._fetch()
            return self._known.get(kid)

    def _may_try(self) -> bool:
        pause = KEYS_AGAIN_SECONDS if self._known else FIRST_KEYS_AGAIN_SECONDS
        return self._clock() - self._tried_at >= pause

    def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            found = _fetched(urllib.request.Request(self._url))["keys"]
            self._known = {one["kid"]: _public_key(one) for one in found if one["kty"] == "EC"}
            self._fetched_at = self._tried_at
        except (OSError, ValueError, KeyError, TypeError, TokenRefused):
            # Those of before go on. Log it: a product that never gets keys asks for each request.
            return


def _public_key(key: dict[str, str]) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(_bytes(key[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _fetched(request: urllib.request.Request) -> dict[str, Any]:
    """The JSON object of an answer. Raises OSError, of which HTTPError is one, for all else."""
    with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
        try:
            told = json.loads(answer.read(64 * 1024))
        except ValueError as error:
            raise OSError("The answer is no JSON.") from error
    if not isinstance(told, dict):
        raise OSError("The answer is no JSON object.")
    return told


def _access(told: dict[str, Any], account_id: str) -> Access:
    return Access(
        account_id,
        str(told["access"]),
        str(told["reason"]),
        told["plan"],
        tuple(told["features"]),
        told["quantity"],
        told["until"],
    )


def _part(text: str) -> dict[str, Any]:
    try:
        part = json.loads(_bytes(text))
    except ValueError as error:
        raise TokenRefused("It is no token.") from error
    if not isinstance(part, dict):
        raise TokenRefused("It is no token.")
    return part


def _bytes(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise TokenRefused("It is no token.")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
