"""Operators: who may sign in to the dashboard, what each role allows, and their sessions."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.security.constant_time import same_secret
from chalicelib.values import frozen

ROLES: Mapping[str, str] = {
    "look": "Sees every page.",
    "act": "All that look allows, and every action.",
}
"""Role → what it allows. Who has none in billing.toml has the last one."""

SESSION_LASTS = timedelta(hours=12)

COOKIE = "billhook_operator"
"""The cookie of a session, without the prefix that it has over https."""

_OPERATOR, _KEY = "operator:", "key:"


class NotSignedIn(BillhookError):
    """A page of the dashboard without a session or a key."""

    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__("Please sign in first.")


class NoDashboard(BillhookError):
    """billing.toml names no operators: for who has no key there is no dashboard."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing at this address.")


@frozen
class OperatorSession:
    """A session of the dashboard, as stored: under the hash of its secret, which only the browser
    has. `actor` is who began it, `operator:<address>` or `key:<name>`, and `key_id` the id of that
    key; None for an operator. `browser` is the kind of browser, to know it again by.
    """

    id: str
    actor: str
    created_at: datetime
    expires_at: datetime
    key_id: str | None = None
    browser: str = ""
    ended_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Whether it has neither expired nor been ended."""
        return self.ended_at is None and now < self.expires_at


@frozen
class Operator:
    """Who opens a page of the dashboard. `csrf` is the value that forms of this session carry;
    `session` is its id, None for a key in a header.
    """

    actor: str
    role: str
    csrf: str
    session: str | None = None

    @property
    def may_act(self) -> bool:
        """Whether the role allows actions."""
        return self.role == "act"

    @property
    def name(self) -> str:
        """The address, or the name of the key."""
        return self.actor.partition(":")[2]


def session_id(secret: str) -> str:
    """What a session is stored under. The secret has 256 random bits, so its hash cannot be
    reversed by guessing.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(secret: str) -> str:
    """The value that the forms of a session carry. Only who has its secret can make it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_own_form(operator: Operator, given: str) -> bool:
    """Whether a form carries the value of the operator's session."""
    return same_secret(operator.csrf, given)


def operator_actor(address: str) -> str:
    """The actor of an operator's address."""
    return f"{_OPERATOR}{address.strip().lower()}"


def key_actor(name: str) -> str:
    """The actor of an API key of this name."""
    return f"{_KEY}{name}"


def role_of(actor: str, roles: Mapping[str, str]) -> str | None:
    """The role of the actor of a session, by the roles of all operators by address. None for an
    operator who is not among them any more. A key may do all.
    """
    if actor.startswith(_KEY):
        return "act"
    return roles.get(actor.removeprefix(_OPERATOR))
