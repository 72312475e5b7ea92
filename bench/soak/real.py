"""The same with the local system: its emulator, queues, stream and workers' threads, in this
process.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from bench.soak.acts import FORM
from bench.soak.crashes import Kills
from bench.soak.mail import CheckedMailer
from bench.without_neighbours import leave_out_neighbours
from chalicelib.aws.items import account_of
from chalicelib.domain.account.state import Account
from chalicelib.runtime import telemetry
from chalicelib.runtime.clock import clock
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.stripe_api.transport import StripeTransport
from local.client import Client
from local.stripe_sim.api.api import Api
from local.stripe_sim.lifecycle.engine import Engine
from local.stripe_sim.webhooks.delivery_faults import DeliveryFaults, Shares
from local.system import System
from tests.fakes.services import SHIPPED as POLICY


class RealSystem:
    """See InMemorySystem. Threads share the work, so the same seed gives the same customers,
    but not the same run. One in a process.
    """

    what = "the local system: emulator, queues, stream, HTTP"

    def __init__(
        self, shares: Shares, kills: float, seed: int, stride: timedelta = timedelta(hours=8)
    ) -> None:
        self.stride, self.kills = stride, Kills(kills, seed)
        self._shares, self._seed = shares, seed

    @contextmanager
    def open(self) -> Iterator["RealSystem"]:
        """Start the system, and stop it at the end."""
        log, level = logging.getLogger("billhook.local"), logging.getLogger("billhook.local").level
        log.setLevel(logging.CRITICAL)  # Nobody needs to hear of what was killed on purpose.
        telemetry.logger.setLevel("CRITICAL")
        leave_out_neighbours()
        try:
            with System(0, self.kills.worker) as system:
                self._begin(system)
                yield self
        finally:
            log.setLevel(level)

    def _begin(self, system: System) -> None:
        """Watch what the functions use, now that it is built: they look it up at each call."""
        from chalicelib.runtime import wiring

        assert system.simulator
        self._system, self._stripe = system, system.simulator
        self._client = Client(system.base, system.api_key)
        system.clock_control.stride = self.stride
        services, post = wiring.services(), wiring.mail_services()
        self.mailer: CheckedMailer = Unhurried(post.mailer, None, wiring.accounts().load, POLICY)
        post = self.kills.watch_parts(replace(post, mailer=self.mailer), "mailer", "claims")
        # The simulated Stripe has no rate limit: waiting for it would be waiting for
        # nothing.
        services = self.kills.watch(services)
        services = replace(services, clock=replace(services.clock, pause=lambda seconds: None))
        wiring.services, wiring.mail_services = cache(lambda: services), cache(lambda: post)
        self.spoil(self._shares, self._seed)

    @property
    def engine(self) -> Engine:
        """The simulated Stripe's."""
        return self._stripe.engine

    @property
    def api(self) -> Api:
        """The simulated Stripe's."""
        return self._stripe.api

    @property
    def faults(self) -> DeliveryFaults:
        """What happened to events."""
        return self._stripe.delivery.faults

    @property
    def now(self) -> datetime:
        """The system's clock."""
        return clock.now()

    def ours(self, method: str, path: str, content: Any = None, number: int = 0) -> tuple[int, Any]:
        body = b"" if content is None else json.dumps(content).encode()
        kind = FORM if content is None else "application/json"
        headers = {"Content-Type": kind} if method == "POST" else {}
        return self._client.call(method, path, body, headers)

    def mail_of(self, account_id: str) -> list[str]:
        return [one.letter.text for one in self.mailer.of(account_id)]

    def spoil(self, shares: Shares, seed: int) -> None:
        """From now on this happens to Stripe's events."""
        drawn = self.faults.drawn
        self._stripe.delivery.spoil(shares, seed)
        self.faults.drawn.update(drawn)

    def move_to(self, target: datetime) -> None:
        """Do everything that is due until then."""
        if target > self.now:
            self._system.clock_control.move_to(target)

    def settle(self) -> None:
        """Work until nothing more can be done now."""
        self._system.rest.wait()

    def due(self) -> list[tuple[datetime, str]]:
        """Pending work, the earliest first."""
        return [(datetime.fromisoformat(due_at), key) for due_at, key in self._system.rest.due()]

    def accounts(self) -> dict[str, Account]:
        """All accounts by id."""
        found = [account_of(item) for item in self._system.rest.account_items()]
        return {account.id: account for account in found}

    def queues(self) -> dict[str, int]:
        """How many messages are left, by queue."""
        return self._system.rest.depths()

    def reader(self) -> StripeReader:
        """Fetches the true state from the simulated Stripe."""
        return StripeReader(StripeTransport(lambda: "sk_test_1", self._system.stripe_base))


class Unhurried(CheckedMailer):
    """Ignores SES's sending rate: the emulator has none."""

    def wait_for_capacity(self) -> None:
        """There is room."""
