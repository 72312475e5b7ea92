"""A deployed stage as its functions see it, for an operator's command."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.usecases.services import Services
from ops.stage.stages import Stage, stage_variables

VARIABLES = {
    "TABLE_NAME": "TableName",
    "EVENTS_QUEUE_URL": "EventsQueueUrl",
    "DEAD_LETTERS_QUEUE_URL": "DeadLettersQueueUrl",
    "ACT_QUEUE_URL": "ActQueueUrl",
    "MAIL_QUEUE_URL": "MailQueueUrl",
    "DELIVERIES_QUEUE_URL": "DeliveriesQueueUrl",
    "WEBHOOKS": "Webhooks",
    "PARAMETERS_PATH": "ParametersPath",
}
"""A variable of the functions' environment → the output of the stack with the same value."""

A_SECOND = 10
"""Calls to Stripe's API per second. Stripe allows 100 for a live account and 25 for a sandbox
(docs.stripe.com/rate-limits); the stage needs some itself.
"""

WAITS = (1, 2, 4, 8, 16, 32, 60)
"""Seconds before each retry of a call that Stripe did not answer, or answered with 429. After two
minutes the call fails.
"""


class PatientTransport(StripeTransport):
    """Limits another transport to a number of calls per second, and retries a read for two minutes
    while Stripe does not answer.
    """

    def __init__(
        self,
        transport: StripeTransport,
        a_second: float = A_SECOND,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport, self._every, self._pause, self._clock = (
            transport,
            1 / a_second,
            pause,
            clock,
        )
        self._next = clock()

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Raw | None:
        for wait in (*WAITS, None):
            self._keep_pace()
            try:
                return self._transport._call(method, path, dict(parameters))
            except Unavailable:
                if wait is None or method != "get":
                    raise
                self._pause(wait)
        raise AssertionError("the last wait is None")

    def _keep_pace(self) -> None:
        now = self._clock()
        if self._next > now:
            self._pause(self._next - now)
        self._next = max(self._next, now) + self._every


def enter(stage: Stage) -> None:
    """Give this process the environment of the stage's functions, whatever stage it used before."""
    from chalicelib.runtime import wiring
    from chalicelib.runtime.settings import settings

    os.environ |= stage_variables(stage.name) | {
        name: stage.outputs[output] for name, output in VARIABLES.items()
    }
    for built in (settings, *vars(wiring).values()):
        if hasattr(built, "cache_clear"):
            built.cache_clear()


def stripe_of_stage(a_second: float = A_SECOND) -> StripeTransport:
    """The Stripe account of the stage that was entered, with patient retries."""
    from chalicelib.runtime import wiring
    from chalicelib.runtime.settings import settings

    return PatientTransport(
        StripeTransport(lambda: wiring.secrets().stripe_api_key, settings().stripe_api_base),
        a_second,
    )


def services_of_stage(transport: StripeTransport | None = None) -> Services:
    """The services of the stage that was entered; they read from Stripe by `transport` if given.

    Nothing is added to metrics: those count the functions' work. Raises PolicyMistakes.
    """
    from chalicelib.runtime import wiring

    services = wiring.services()
    services = replace(services, metrics=replace(services.metrics, count=lambda metric, by: None))
    if transport is None:
        return services
    return replace(services, stripe=replace(services.stripe, reader=StripeReader(transport)))
