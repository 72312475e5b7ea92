"""Requests a broadcast for each recipient. The schedule then sends it like any other message."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import read_many
from chalicelib.aws.mail.send_claims import key_of as claim_key
from chalicelib.domain.account.facts import BroadcastRequested
from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import TooMany, Unavailable
from chalicelib.domain.messaging.broadcasts import key_of
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.services import Services
from ops.mail.broadcast.recipients import Aim, judged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OUTCOMES = {
    "wanted": "will get it",
    "had": "had it already: another run was faster",
    "left": "are no longer in the audience",
    "gone": "were erased meanwhile",
    "full": "had as many broadcasts this month as they may: run it again later",
    "failed": "could not be saved: run it again",
}
"""What can be the result for an account that was listed."""


def pages(services: Services) -> Iterator[Sequence[Account]]:
    """All accounts, a page of the table at a time. Raises Unavailable."""
    cursor: str | None = None
    while True:
        accounts, cursor = services.stores.reconciliation.accounts(cursor)
        yield accounts
        if cursor is None:
            return


def claimed(dynamodb: "DynamoDBClient", table: str, ids: Sequence[str], name: str) -> set[str]:
    """The accounts for which a message of this broadcast was ever claimed: consistent reads, a
    hundred a call. Raises Unavailable.
    """
    found = read_many(dynamodb, table, [claim_key(id, key_of(name)) for id in ids])
    return {item["pk"]["S"].partition("#")[2] for item in found}


def record_broadcast(
    ids: Sequence[str], aim: Aim, message: str, services: Services
) -> Iterator[tuple[str, str]]:
    """Each id with its outcome, one of OUTCOMES. One read and one write an account. It may stop
    anywhere and be run again.

    An account keeps the first request of a name, so two runs at once request it once. Raises
    Unavailable if the table does not answer.
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
