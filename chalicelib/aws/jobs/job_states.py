"""The progress of jobs that run in steps, such as the daily comparison: one small item a job."""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chalicelib.aws.dynamo import client, put_versioned, read_one
from chalicelib.aws.items import Item, dump, load
from chalicelib.domain.figures.closing import ClosedFigures
from chalicelib.domain.figures.exports.night import NightlyExport
from chalicelib.domain.figures.recounts import RecountState
from chalicelib.domain.instances.deletions import InstanceDeletions
from chalicelib.domain.instances.turns import InstanceTurns
from chalicelib.domain.messaging.team import DigestState
from chalicelib.domain.outgoing.slack import SlackState
from chalicelib.domain.people.state import PeopleState
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Versioned(Protocol):
    """A state that counts its writes."""

    @property
    def version(self) -> int:
        """The number of writes; 0 before the first."""


T = TypeVar("T", bound=Versioned)

KEYS: dict[type[Any], str] = {
    ClosedFigures: "FIGURES",
    Comparison: "COMPARISON",
    DigestState: "DIGESTS",
    InstanceDeletions: "INSTANCES",
    InstanceTurns: "TURNS",
    NightlyExport: "EXPORT",
    OpenConditions: "CONDITIONS",
    RecountState: "RECOUNT",
    PeopleState: "PEOPLE",
    SlackState: "SLACK",
    Undelivered: "UNDELIVERED",
}
"""The sort key of each state. Deployed tables use these: under another key a job would start
over.
"""


class JobStates:
    """Reads and writes the states of jobs, each identified by its type."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, kind: type[T]) -> T | None:
        """The state of that type as last saved, if there is one. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _key(kind))
        return load(item["body"]["S"], kind) if item else None

    def save(self, old: T, new: T) -> None:
        """Write `new` if the stored state still has the version of `old`. Raises ConcurrentUpdate,
        Unavailable.
        """
        item = {
            **_key(type(new)),
            "body": {"S": dump(new)},
            "version": {"N": str(new.version)},
        }
        put_versioned(self._dynamodb, self._table, item, old.version)


def _key(kind: type[Any]) -> Item:
    return {"pk": {"S": "ROUND"}, "sk": {"S": KEYS[kind]}}
