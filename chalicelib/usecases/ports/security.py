"""API keys, and what limits strangers."""

from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.security.api_keys import ApiKey


class KeyStore(Protocol):
    """API keys in the table; see aws/keys/api_keys.py."""

    def load(self, id: str) -> ApiKey | None:
        """The key of that id."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""


class RateCounters(Protocol):
    """Counters of what was done in a window of time."""

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        """How often, with this time."""


class Captcha(Protocol):
    """A CAPTCHA service."""

    def solved(self, token: str, address: str) -> bool:
        """Whether the visitor solved it. Raises Unavailable, Refused."""
