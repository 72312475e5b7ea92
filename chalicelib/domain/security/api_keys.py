"""API keys of the product: their form, and what each scope allows."""

import hashlib
import re
from datetime import datetime

from chalicelib.domain.security.constant_time import same_secret
from chalicelib.values import frozen

SCOPES = {
    "access": "Only GET /accounts/{id}/access.",
    "read": "All that access allows, and reading accounts and timelines.",
    "write": "All that read allows, and every change.",
    "admin": "All that write allows, and erasing accounts.",
}
"""Scope → what it allows. A later one allows all that the earlier ones do."""

_TOKEN = re.compile(r"bh_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@frozen
class ApiKey:
    """A stored key. The secret has 256 random bits, so its plain hash cannot be reversed by
    guessing.
    """

    id: str
    name: str
    scope: str
    secret_hash: str
    created_at: datetime
    revoked_at: datetime | None = None

    def opens(self, secret: str) -> bool:
        """Whether `secret` is the key's and the key is not revoked. Compares in constant time."""
        return same_secret(self.secret_hash, hash_secret(secret)) and self.revoked_at is None

    def may(self, scope: str) -> bool:
        """Whether the key's scope includes `scope`."""
        order = list(SCOPES)
        return order.index(self.scope) >= order.index(scope)


def token(id: str, secret: str) -> str:
    """The API key as the product sends it."""
    return f"bh_{id}_{secret}"


def split_token(text: str) -> tuple[str, str] | None:
    """(id, secret) of an API key; None if the text has not its form."""
    match = _TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def hash_secret(secret: str) -> str:
    """The hash of a secret; the secret itself is not stored."""
    return hashlib.sha256(secret.encode()).hexdigest()
