"""Sessions of the dashboard: begun by a key or a mailed link, looked at with each request."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.errors import TooManyRequests
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.domain.security.dashboard import (
    SESSION_LASTS,
    Operator,
    OperatorSession,
    csrf_token,
    key_actor,
    role_of,
    session_id,
)
from chalicelib.domain.security.signup import network_of
from chalicelib.usecases.operators.ports import SessionStore
from chalicelib.usecases.ports.security import KeyStore, RateCounters

HOUR = timedelta(hours=1)

SIGN_INS_AN_HOUR = 30
"""How often somebody of one network may try to sign in to the dashboard in an hour."""


def admit_operator(address: str, limits: RateCounters, now: datetime) -> None:
    """Count an attempt to sign in from a network address. Raises TooManyRequests, Unavailable."""
    if limits.count("operator-sign-ins", network_of(address), HOUR, now) > SIGN_INS_AN_HOUR:
        raise TooManyRequests("That was too often. Please try again in an hour.")


def begin_session(
    actor: str, browser: str, store: SessionStore, now: datetime, key: ApiKey | None = None
) -> str:
    """The secret of a new session, for the browser alone. `key` began it, unless a mailed link did.
    Raises Unavailable.
    """
    secret = secrets.token_urlsafe(32)
    store.put(
        OperatorSession(
            session_id(secret), actor, now, now + SESSION_LASTS, key.id if key else None, browser
        )
    )
    return secret


def operator_of_session(
    secret: str, roles: Mapping[str, str], store: SessionStore, keys: KeyStore, now: datetime
) -> Operator | None:
    """Who a session belongs to; None if it has ended, if its operator is not in `roles` any more,
    or if its key was revoked. Raises Unavailable.
    """
    session = store.load(session_id(secret))
    role = role_of(session.actor, roles) if session and session.is_alive(now) else None
    if session is None or role is None:
        return None
    if session.key_id:
        key = keys.load(session.key_id)
        if key is None or key.revoked_at is not None:
            return None
    return Operator(session.actor, role, csrf_token(secret), session.id)


def operator_of_key(key: ApiKey, secret: str) -> Operator:
    """Who a key in a header belongs to."""
    return Operator(key_actor(key.name), "act", csrf_token(secret))
