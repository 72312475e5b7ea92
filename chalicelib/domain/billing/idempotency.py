"""Responses to calls with an Idempotency-Key. They are stored for ever, and a repeated call gets
the same response.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account.operations import Charged
from chalicelib.domain.account.standing import Standing


@dataclass(frozen=True, slots=True)
class Declined:
    """A declined card. It is stored as a response too."""

    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call that changes something: the standing after it; what a reactivation did
    (`action`) or the page that it leads to (`url`); the charge; or the declined card.
    """

    standing: Standing
    action: str | None = None
    url: str | None = None
    charged: Charged | None = None
    declined: Declined | None = None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to a call with an Idempotency-Key. `asked` identifies the call and its body."""

    account_id: str
    key: str
    asked: str
    at: datetime
    outcome: Outcome
