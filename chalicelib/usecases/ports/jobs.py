"""The state of jobs that go on from run to run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.closing import ClosedFigures
from chalicelib.domain.figures.exports.night import NightlyExport
from chalicelib.domain.figures.recounts import RecountState
from chalicelib.domain.instances.deletions import InstanceDeletions
from chalicelib.domain.instances.turns import InstanceTurns
from chalicelib.domain.messaging.team import DigestState
from chalicelib.domain.outgoing.slack import SlackState
from chalicelib.domain.people.state import PeopleState
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison, Drift
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.schedule.watch.readings import Readings

JobState = TypeVar(
    "JobState",
    ClosedFigures,
    Comparison,
    DigestState,
    InstanceDeletions,
    InstanceTurns,
    NightlyExport,
    OpenConditions,
    RecountState,
    PeopleState,
    SlackState,
    Undelivered,
)


class JobStateStore(Protocol):
    """Where a job that goes on from run to run is; see aws/jobs/job_states.py."""

    def load(self, kind: type[JobState]) -> JobState | None:
        """The state of that type as last written."""

    def save(self, old: JobState, new: JobState) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate."""


class ReplanStateStore(Protocol):
    """How far the rescheduling of all accounts is; see aws/jobs/replan_state.py."""

    def load(self) -> ReplanState | None:
        """Where the last one is."""

    def save(self, old: ReplanState, new: ReplanState) -> None:
        """Write where it is. Raises ConcurrentUpdate."""

    def page(self, state: ReplanState) -> tuple[list[str], str | None]:
        """The accounts of the next page that are to be planned anew, and the cursor behind it."""


class ReconciliationStore(Protocol):
    """What a comparison keeps, and the scan of all accounts; see aws/reconciliation.py."""

    def keep_listed(self, began: datetime, page: int, ids: Sequence[str]) -> None:
        """Remember the ids on a page of Stripe's list."""

    def listed(self, began: datetime) -> frozenset[str]:
        """All ids that were remembered."""

    def accounts(self, cursor: str | None) -> tuple[list[Account], str | None]:
        """The accounts on the next page that this release can read, and the cursor behind it; None
        at the end.
        """

    def put_drift(self, drift: Drift) -> None:
        """Write down what differs; the same again does no harm."""

    def drop_drift(self, drift: Drift) -> None:
        """Forget what turned out to be none."""

    def drifts_of(self, began: datetime) -> list[Drift]:
        """All that one comparison has found."""


class StageReader(Protocol):
    """How the stage does, as AWS counts it; see aws/stage/metrics.py."""

    def read(self, now: datetime) -> Readings:
        """The readings of the last hour. Raises Unavailable."""
