"""API keys: made and revoked by the operator, checked at each call."""

import secrets
from datetime import datetime, timedelta

from chalicelib.domain.errors import Forbidden, InvalidInput, Unauthorized
from chalicelib.domain.security.api_keys import SCOPES, ApiKey, hash_secret, split_token, token
from chalicelib.usecases.ports.security import KeyStore

CACHED_FOR = timedelta(seconds=60)
"""How long a revoked key may work on."""


CACHE_SIZE = 1000


def create_key(store: KeyStore, scope: str, name: str, now: datetime) -> str:
    """Make a key and give its token, which is shown this once. Raises InvalidInput for a scope that
    does not exist or an empty name.
    """
    if scope not in SCOPES:
        raise InvalidInput(f"scope must be one of {', '.join(SCOPES)}.", "scope")
    if not name.strip() or len(name) > 100:
        raise InvalidInput("name must say in up to 100 letters what the key is for.", "name")
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    store.add(ApiKey(id, name.strip(), scope, hash_secret(secret), now))
    return token(id, secret)


class KeyRing:
    """The keys that a running function has seen, each remembered for at most a minute."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._seen: dict[str, tuple[datetime, ApiKey | None]] = {}

    def check(self, authorization: str | None, scope: str, now: datetime) -> ApiKey:
        """The key in an `Authorization: Bearer …` header, if it is alive and its scope allows
        `scope`. Raises Unauthorized, Forbidden.
        """
        kind, _, text = (authorization or "").partition(" ")
        parts = split_token(text.strip()) if kind.lower() == "bearer" else None
        key = self._recall(parts[0], now) if parts else None
        if not parts or key is None or not key.opens(parts[1]):
            raise Unauthorized(
                "A key is needed: Authorization: Bearer <key>, made by python -m ops keys create.",
                "Authorization",
            )
        if not key.may(scope):
            raise Forbidden(
                f"This key's scope is {key.scope}; the call needs {scope}.", "Authorization"
            )
        return key

    def _recall(self, id: str, now: datetime) -> ApiKey | None:
        seen = self._seen.get(id)
        if seen and now - seen[0] < CACHED_FOR:
            return seen[1]
        if len(self._seen) >= CACHE_SIZE:
            self._seen.clear()
        key = self._store.load(id)
        self._seen[id] = (now, key)
        return key
