"""What a soak test needs of the system, in memory or real."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from bench.soak.acts import Doors
from bench.soak.crashes import Kills
from bench.soak.mail import CheckedMailer
from chalicelib.domain.account.state import Account
from chalicelib.usecases.ports.stripe import ReaderApi
from local.stripe_sim.webhooks.delivery_faults import DeliveryFaults, Shares


class SystemUnderTest(Doors, Protocol):
    """A Billhook with a simulated Stripe, in memory or real."""

    what: str
    stride: timedelta
    kills: Kills
    mailer: CheckedMailer

    @property
    def faults(self) -> DeliveryFaults:
        """What happens to each of Stripe's events."""

    @property
    def now(self) -> datetime:
        """The time by the system's clock."""

    def open(self) -> AbstractContextManager[Any]:
        """Start the system, and stop it at the end."""

    def spoil(self, shares: Shares, seed: int) -> None:
        """From now on this happens to Stripe's events."""

    def move_to(self, target: datetime) -> None:
        """Do everything that is due until then."""

    def settle(self) -> None:
        """Work until nothing more can be done now."""

    def accounts(self) -> dict[str, Account]:
        """All accounts by id."""

    def queues(self) -> dict[str, int]:
        """How many messages are left, by queue."""

    def due(self) -> list[tuple[datetime, str]]:
        """Pending work, the earliest first."""

    def reader(self) -> ReaderApi:
        """Fetches the true state from the simulated Stripe."""
