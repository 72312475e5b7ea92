"""Checks that a webhook comes from the people system.

Intercom signs with `X-Hub-Signature: sha1=<hex HMAC-SHA1 of the body>` under the client secret of
the app (developers.intercom.com, Webhooks). Segment signs with `X-Signature: <the same in hex>`
under the shared secret of the destination (segment.com/docs, Webhooks destination). Neither signs a
time: what is said twice must change nothing.
"""

import hmac
from collections.abc import Sequence

from chalicelib.domain.errors import SignatureRefused
from chalicelib.domain.security.constant_time import same_secret

INTERCOM_HEADER, SEGMENT_HEADER = "X-Hub-Signature", "X-Signature"

LONGEST_HEADER = 64
"""Characters: a SHA-1 in hex is 40, with `sha1=` 45."""


def check_people_signature(
    payload: bytes, name: str, header: str | None, secrets: Sequence[str]
) -> None:
    """Return if one of `secrets` signed these exact bytes; else raise SignatureRefused. `name` is
    that of the header.
    """
    if not header:
        raise SignatureRefused(f"The header {name} is missing.")
    if len(header) > LONGEST_HEADER:
        raise SignatureRefused(f"The header {name} is too long.")
    prefix = "sha1=" if name == INTERCOM_HEADER else ""
    for secret in secrets:
        expected = prefix + hmac.new(secret.encode(), payload, "sha1").hexdigest()
        if same_secret(expected, header.strip()):
            return
    raise SignatureRefused(
        "The signature does not match the body: check the secret people-webhook-secrets."
    )
