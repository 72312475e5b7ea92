"""Values and facts of a cancellation: the request that a mailed link confirms, the retention offer,
and the exit feedback.
"""

from dataclasses import dataclass
from datetime import datetime

WAYS = {
    "cancel_now": "End the subscription at once; nothing is paid back.",
    "withdraw": "Withdraw from the contract: it ends at once, and what was paid is paid back.",
}
"""What is asked once more by mail before it is done."""


@dataclass(frozen=True, slots=True)
class CancellationRequest:
    """A wish to leave, one of WAYS, that waits for the mailed link to be opened. `reason` is one of
    tasks.REASONS.
    """

    what: str
    at: datetime
    reason: str | None = None
    comment: str | None = None

    @property
    def id(self) -> str:
        """What tells it from another one; links and mails are about this."""
        return f"{self.what}-{self.at.timestamp():.0f}"


@dataclass(frozen=True, slots=True)
class ExitFeedback:
    """What was answered for an occasion: one of tasks.REASONS, and the customer's own words. `at`
    is when it was first given.
    """

    answer: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class CancellationRequested:
    """Somebody on the billing page wants to leave at once."""

    leave: CancellationRequest


@dataclass(frozen=True, slots=True)
class CancellationConfirmed:
    """The mailed link of the wish of that moment was followed to its end."""

    asked_at: datetime


@dataclass(frozen=True, slots=True)
class RetentionOfferAccepted:
    """What was offered to who wanted to leave was taken; `kind` is an Alternative's."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContractWithdrawn:
    """The customer has withdrawn from the contract, and what was paid is on its way back."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ExitFeedbackGiven:
    """The one question was answered for an occasion."""

    occasion: str
    answer: str
    comment: str
    at: datetime


CancellationFact = (
    CancellationRequested
    | CancellationConfirmed
    | RetentionOfferAccepted
    | ContractWithdrawn
    | ExitFeedbackGiven
)
