"""Values and facts of a cancellation: the request that a mailed link confirms, the retention offer,
the withdrawal and the exit feedback.
"""

from datetime import datetime

from chalicelib.values import frozen

WAYS = {
    "cancel_now": "End the subscription at once, without a refund.",
    "withdraw": "Withdraw from the contract: end it at once and refund what was paid.",
}
"""The cancellations that the customer confirms by a mailed link before they take effect."""


@frozen
class CancellationRequest:
    """A request to cancel at once that waits for its mailed link to be opened. `what` is one of
    WAYS; `reason` is one of reasons.CANCELLATION_REASONS; `at` is when it was made.
    """

    what: str
    at: datetime
    reason: str | None = None
    comment: str | None = None

    @property
    def id(self) -> str:
        """Identifies the request in links and messages."""
        return f"{self.what}-{self.at.timestamp():.0f}"


@frozen
class ExitFeedback:
    """Why the customer did not stay: `answer` is one of reasons.CANCELLATION_REASONS, `comment` the
    customer's own words. `at` is when the first answer was given; a changed one keeps it.
    """

    answer: str
    at: datetime
    comment: str = ""


@frozen
class Refund:
    """What is paid back, in minor units of `currency`."""

    amount: int
    currency: str


@frozen
class OwnPause:
    """A pause of collection that the customer took on the billing page. The subscription is paid
    until `paid_until`; Stripe collects again from `resumes_at` on.
    """

    subscription: str
    paid_until: datetime
    resumes_at: datetime


@frozen
class CancellationRequested:
    """The customer asked on the billing page to cancel at once."""

    request: CancellationRequest


@frozen
class CancellationConfirmed:
    """The customer confirmed, by the mailed link, the request made at `requested_at`."""

    requested_at: datetime


@frozen
class RetentionOfferAccepted:
    """The customer accepted a retention offer instead of canceling; `kind` is that of the offer.
    `pause` is the pause, if it was one.
    """

    kind: str
    at: datetime
    pause: OwnPause | None = None


@frozen
class ContractWithdrawn:
    """The customer has withdrawn from the contract, and the refund is under way."""

    at: datetime
    refund: Refund | None = None


@frozen
class ExitFeedbackGiven:
    """The customer answered the exit question for an occasion."""

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
