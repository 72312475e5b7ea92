"""How many calls a background job may make to Stripe."""

from chalicelib.usecases.services import Services

CALLS_A_SECOND = 5
"""Stripe allows 100 calls a second in live mode, 25 in a sandbox and for one endpoint
(docs.stripe.com/rate-limits). The product's calls and customers in Checkout share that limit, so
background jobs take a fifth of the smallest.
"""

AT_ONCE = 10
"""How many calls a run makes before it waits between calls. They run one after the other, so they
are no burst.
"""

SECONDS = 45
"""How long a run starts calls. A last fetch of three calls, each with a time-out of 8 s and one
retry, still ends within the function's time-out.
"""


class RateLimiter:
    """The calls of one run. No call starts once its time or its calls are used up."""

    def __init__(self, services: Services) -> None:
        self._services, self._began, self._calls = services, services.clock.now(), 0

    def goes_on(self) -> bool:
        """Whether another call may start."""
        return (
            self._calls < CALLS_A_SECOND * SECONDS
            and (self._services.clock.now() - self._began).total_seconds() < SECONDS
        )

    def made(self, calls: int = 1) -> None:
        """Count calls that were made, and wait until the next one may start."""
        self._calls += calls
        if self._calls > AT_ONCE:
            self._services.clock.pause(calls / CALLS_A_SECOND)
