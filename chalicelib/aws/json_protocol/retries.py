"""The rules by which AWS's SDKs try a call again, in their "standard" mode.

Source: AWS SDKs and Tools Reference Guide, "Retry behavior", as its rules are from November 2026
on, and botocore's lists of codes.
"""

from threading import Lock

from chalicelib.values import frozen

ATTEMPTS = 3
"""How often a call is tried in all."""

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes of errors that ask the caller to slow down."""

TRANSIENT = frozenset(
    {"ReplicatedWriteConflictException", "RequestTimeout", "RequestTimeoutException"}
)
"""Codes of errors that pass by themselves."""

TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
TOO_MANY_REQUESTS = 429

MOST_SECONDS = 20.0
"""The longest pause."""

THROTTLED_SCALE = 1.0
"""Seconds that the first pause after a throttled call lasts at most. Each later one may last twice
as long."""

ASKED_BEYOND_SECONDS = 5.0
"""How much longer than by our own count a pause may get because AWS asks for it."""

TOKENS = 500
THROTTLED_TOKENS, OTHER_TOKENS = 5, 14
"""What a client may spend on retries, and what each of them costs. Where everything fails, it soon
tries each call only once."""


@frozen
class Failure:
    """A call that failed once. No `status` means that no answer came; `pause_ms` is how long AWS
    asks to wait.
    """

    code: str = ""
    status: int = 0
    pause_ms: int = 0

    @property
    def throttled(self) -> bool:
        """Whether AWS asks to slow down."""
        return self.code in THROTTLED or self.status == TOO_MANY_REQUESTS

    @property
    def passing(self) -> bool:
        """Whether another attempt may succeed."""
        return (
            self.throttled
            or not self.status
            or self.code in TRANSIENT
            or self.status in TRANSIENT_STATUSES
        )


def pause(failure: Failure, attempt: int, scale: float, chance: float) -> float:
    """Seconds before the next attempt, after attempt number `attempt` (from 1) failed. `scale` is
    the service's longest first pause where it is not throttled, `chance` a random number in [0, 1).
    """
    longest = (THROTTLED_SCALE if failure.throttled else scale) * 2.0 ** (attempt - 1)
    own = chance * min(longest, MOST_SECONDS)
    return max(own, min(failure.pause_ms / 1000, own + ASKED_BEYOND_SECONDS))


class RetryQuota:
    """The tokens that the threads of one client spend on retries."""

    def __init__(self) -> None:
        self._left = TOKENS
        self._lock = Lock()

    def take(self, failure: Failure) -> int:
        """Pay for a retry: the tokens paid, 0 if there are too few left."""
        cost = THROTTLED_TOKENS if failure.throttled else OTHER_TOKENS
        with self._lock:
            if cost > self._left:
                return 0
            self._left -= cost
        return cost

    def give_back(self, tokens: int) -> None:
        """Return what the last retry of a call cost that then succeeded; 1 if it needed none."""
        if self._left < TOKENS:
            with self._lock:
                self._left = min(TOKENS, self._left + tokens)
