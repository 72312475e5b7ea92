"""Checks that a webhook comes from Stripe and is recent. Imports no library, because it runs before
anything else is loaded.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.errors import SignatureRefused
from chalicelib.domain.security.constant_time import same_secret

TOLERANCE_SECONDS = 300
LONGEST_HEADER = 4096


def check_signature(
    payload: bytes, header: str | None, secrets: Sequence[str], now: datetime
) -> None:
    """Return if one of `secrets` signed these exact bytes within 300 seconds of `now`, before or
    after; else raise SignatureRefused.

    The header is `t=<Unix seconds>,v1=<hex HMAC-SHA256 of "t.payload">`, with a `v1` for each
    secret that is valid at Stripe. The key is the whole `whsec_…` text. Unlike Stripe's SDK, this
    also refuses timestamps from the future that are beyond the tolerance.
    """
    if not header:
        raise SignatureRefused(
            "The Stripe-Signature header is missing: only Stripe may call this address."
        )
    if len(header) > LONGEST_HEADER:
        raise SignatureRefused("The Stripe-Signature header is too long.")
    pairs = [part.partition("=") for part in header.split(",")]
    stamps = [value for key, _, value in pairs if key == "t"]
    signatures = [value for key, _, value in pairs if key == "v1"]
    if (
        len(stamps) != 1
        or not (stamps[0].isascii() and stamps[0].isdigit())
        or len(stamps[0]) > 12
        or not signatures
    ):
        raise SignatureRefused(
            "The Stripe-Signature header is malformed: it needs one t and at least one v1."
        )
    if abs(now.timestamp() - int(stamps[0])) > TOLERANCE_SECONDS:
        raise SignatureRefused(
            "The signature's timestamp is more than five minutes from now: repeat the delivery, or"
            " set the clock right."
        )
    signed = stamps[0].encode() + b"." + payload
    for secret in filter(None, secrets):
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        if any(same_secret(expected, signature) for signature in signatures):
            return
    raise SignatureRefused(
        "The signature does not match the body: check the endpoint's signing secret."
    )
