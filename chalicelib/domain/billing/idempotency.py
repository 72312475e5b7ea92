"""Answers to calls under an Idempotency-Key, which are kept and given again for ever."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account.operations import Charged
from chalicelib.domain.account.standing import Standing


@dataclass(frozen=True, slots=True)
class Declined:
    """A card that was declined: an answer too, and the same for ever under its key."""

    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call that changes something came to: the standing after it; what a reactivation did,
    or where it leads; the charge that was made.
    """

    standing: Standing
    action: str | None = None
    url: str | None = None
    charged: Charged | None = None
    declined: Declined | None = None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An answer that was given under an Idempotency-Key, and what was asked: the same is answered
    so for ever.
    """

    account_id: str
    key: str
    asked: str
    at: datetime
    outcome: Outcome
