"""Signatures of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, version 1).

The form of a secret is the same as Stripe's, `whsec_…`, and the key is not: there it is the text,
here what its base64 stands for.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"


def as_secret(key: bytes) -> str:
    """The secret that a receiver is given, for a key of 24 to 64 bytes."""
    return PREFIX + b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret. Raises ValueError if it is none."""
    return b64decode(secret.removeprefix(PREFIX), validate=True)


def signed_headers(id: str, body: bytes, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """The headers of a request with these very bytes as its body, sent at a time: one signature for
    each key, so that a receiver may know the old one or the new one.

    The signed text is `id.timestamp.body`. An id may hold dots, because no receiver chooses it.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = (
        "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys
    )
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
