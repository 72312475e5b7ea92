"""Access tokens: what one says, and until when. A product that verifies them asks nobody."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.security.signing_keys import ALGORITHM, TOKEN_LASTS

AUDIENCE = "billhook-access"
"""The claim `aud`: keeps tokens for anything else apart, should Billhook ever sign any."""


def expiry(now: datetime, until: datetime | None) -> int:
    """When a token of `now` ends, in Unix seconds: after 15 minutes, or when the access changes by
    the clock alone, if that comes first. So no token outlives the access that it tells.
    """
    latest = int((now + TOKEN_LASTS).timestamp())
    return min(latest, int(until.timestamp())) if until and until > now else latest


def claims(
    issuer: str,
    access: Mapping[str, Any],
    external_id: str | None,
    now: datetime,
    expires: int,
    id: str,
) -> dict[str, Any]:
    """The claims of a token. `access` is what the access call answers; `expires` is `expiry`."""
    return {
        "iss": issuer,
        "sub": access["account_id"],
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": expires,
        "jti": id,
        **{name: value for name, value in access.items() if name != "account_id"},
        "external_id": external_id,
    }


def signing_input(kid: str, told: Mapping[str, Any]) -> str:
    """The part of a token that is signed: its header and claims (RFC 7515)."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": "JWT"}
    return ".".join(base64url(json.dumps(part, separators=(",", ":"))) for part in (header, told))


def base64url(part: str | bytes) -> str:
    """Base64url without padding."""
    raw = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
