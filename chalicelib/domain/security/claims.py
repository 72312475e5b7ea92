"""Claims: the owner's product says, signed, which of its users is signing up. What a browser sends
proves nothing by itself.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.security.constant_time import same_secret
from chalicelib.values import frozen

LASTS = timedelta(hours=1)
"""How far ahead a claim may expire."""

LONGEST_CLAIM = 2000


@frozen
class SignedClaim:
    """Whose signup it is: the product's id of the user, and the one address for which the product
    says so; None if it leaves the address to the user.
    """

    external_id: str
    email: str | None


def read_claim(token: str, keys: Sequence[str], now: datetime) -> SignedClaim:
    """The claim in a token, if one of `keys` signed it and it expires within the next hour.

    A token is `payload.signature`. The payload is the base64url of the JSON {external_id, email?,
    exp}, `exp` in Unix seconds; the signature is the base64url of the payload's HMAC-SHA256, as it
    stands in the token. Raises InvalidInput.
    """
    payload, _, signature = token.partition(".")
    signed = signature.rstrip("=")
    if len(token) > LONGEST_CLAIM or not any(
        same_secret(_signature(payload, key), signed) for key in keys if key
    ):
        raise InvalidInput(
            "claim is not signed with a key in the secret claim-keys. docs/snippet.md shows how"
            " your product makes one.",
            "claim",
        )
    try:
        fields = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error
    if not isinstance(fields, dict) or not fields.keys() <= {"external_id", "email", "exp"}:
        raise _malformed()
    external_id, email, expires = fields.get("external_id"), fields.get("email"), fields.get("exp")
    if not isinstance(external_id, str) or not isinstance(email, str | None):
        raise _malformed()
    if type(expires) is not int:
        raise _malformed()
    if expires <= now.timestamp():
        raise InvalidInput("claim has expired: have your product make a new one.", "claim")
    if expires > (now + LASTS).timestamp():
        raise InvalidInput("claim may expire in an hour at most: choose an earlier exp.", "claim")
    return SignedClaim(external_id, email)


def _malformed() -> InvalidInput:
    return InvalidInput(
        "claim must have the texts external_id and, if you like, email, and exp in whole Unix"
        " seconds.",
        "claim",
    )


def _signature(payload: str, key: str) -> str:
    digest = hmac.new(key.encode(), payload.encode(errors="replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
