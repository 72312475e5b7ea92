"""Keys of the product's calls: what they look like, and what each scope may do."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.security.constant_time import same_secret

SCOPES = {
    "access": "Only GET /accounts/{id}/access.",
    "read": "All that access may, and to read accounts and timelines.",
    "write": "All that read may, and to change things.",
}
"""Each scope with what it allows; a later one allows what the earlier ones do."""

_TOKEN = re.compile(r"bh_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. The secret has 256 random bits, so that a plain hash of it cannot be
    guessed back.
    """

    id: str
    name: str
    scope: str
    secret_hash: str
    created_at: datetime
    revoked_at: datetime | None = None

    def opens(self, secret: str) -> bool:
        """Whether the key is alive and `secret` its own, compared in constant time."""
        return same_secret(self.secret_hash, hash_secret(secret)) and self.revoked_at is None

    def may(self, scope: str) -> bool:
        """Whether the key's scope allows what needs `scope`."""
        order = list(SCOPES)
        return order.index(self.scope) >= order.index(scope)


def token(id: str, secret: str) -> str:
    """The key as the product sends it."""
    return f"bh_{id}_{secret}"


def split_token(text: str) -> tuple[str, str] | None:
    """(id, secret) of a token; None if it is none."""
    match = _TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def hash_secret(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
