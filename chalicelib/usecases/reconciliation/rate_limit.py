"""How hard a run of background work may lean on Stripe."""

from chalicelib.usecases.services import Services

CALLS_A_SECOND = 5
"""Stripe takes 100 calls a second in live mode, 25 in a sandbox and of one endpoint
(docs.stripe.com/rate-limits). The product's own calls, and customers at their Checkout, share them,
so what can wait takes a fifth of the least.
"""

AT_ONCE = 10
"""Calls of a run that are made without waiting: one after the other, with Stripe's own time to
answer between them, they are no burst.
"""

SECONDS = 45
"""How long a run goes on beginning calls: a last question of three, each given 8 s and one
repetition, still ends within its function's time.
"""


class RateLimiter:
    """The calls of one run. None is begun once its time is over or its calls are used up."""

    def __init__(self, services: Services) -> None:
        self._services, self._began, self._calls = services, services.clock.now(), 0

    def goes_on(self) -> bool:
        """Whether another call may be begun."""
        return (
            self._calls < CALLS_A_SECOND * SECONDS
            and (self._services.clock.now() - self._began).total_seconds() < SECONDS
        )

    def made(self, calls: int = 1) -> None:
        """So many calls were made: wait until others may follow."""
        self._calls += calls
        if self._calls > AT_ONCE:
            self._services.clock.pause(calls / CALLS_A_SECOND)
