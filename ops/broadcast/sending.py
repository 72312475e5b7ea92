"""Have a broadcast go out: each account is told that it is wanted, and the clockwork sends it as it
sends everything.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import read_many
from chalicelib.aws.send_claims import key_of as claim_key
from chalicelib.domain.account.facts import BroadcastRequested
from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import TooMany, Unavailable
from chalicelib.domain.messaging.broadcasts import key_of
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.services import Services
from ops.broadcast.recipients import Aim, judged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OUTCOMES = {
    "wanted": "will get it",
    "had": "had it by then: another run was faster",
    "left": "were no longer of those who get it",
    "gone": "were erased meanwhile",
    "full": "have been sent as many broadcasts this month as they may: run the same again later",
    "failed": "could not be written: run the same again",
}
"""What can become of an account that was listed."""


def pages(services: Services) -> Iterator[Sequence[Account]]:
    """All accounts, a page of the table at a time. Raises Unavailable."""
    cursor: str | None = None
    while True:
        accounts, cursor = services.stores.reconciliation.accounts(cursor)
        yield accounts
        if cursor is None:
            return


def claimed(dynamodb: "DynamoDBClient", table: str, ids: Sequence[str], name: str) -> set[str]:
    """Of whom a message under the broadcast's key was ever claimed: consistent reads, a hundred a
    call. Raises Unavailable.
    """
    found = read_many(dynamodb, table, [claim_key(id, key_of(name)) for id in ids])
    return {item["pk"]["S"].partition("#")[2] for item in found}


def want(
    ids: Sequence[str], aim: Aim, message: str, services: Services
) -> Iterator[tuple[str, str]]:
    """Each id with what became of it, one of OUTCOMES. One read and one write an account; it may
    end anywhere and be run again.

    An account keeps the first that is wanted under a name, so two runs at once want it once. Raises
    Unavailable if the table goes on giving no answer.
    """
    for id in ids:
        yield id, _wanted(id, aim, Broadcast(message, aim.to, services.clock.now()), services)


def _wanted(id: str, aim: Aim, broadcast: Broadcast, services: Services) -> str:
    account = services.stores.accounts.load(id)
    if account is None:
        return "gone"
    verdict = judged(account, aim, services.policy, services.clock.now())
    if verdict != "gets":
        return "had" if verdict == "had" else "left"
    try:
        apply_facts(account, [BroadcastRequested(aim.name, broadcast)], services, fetcher=None)
    except TooMany:
        return "full"
    except Unavailable:
        return "failed"
    return "wanted"
