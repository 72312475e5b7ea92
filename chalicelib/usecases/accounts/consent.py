"""Mail that is wanted or not wanted any more: learnt, and told on the timeline
wherever this ends."""

from datetime import datetime

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services


def is_wanted(account: Account, stream: str) -> bool:
    """Whether the account has not unsubscribed from a stream."""
    return stream not in account.unsubscribed


def set_wanted(account: Account, stream: str, wanted: bool, services: Services) -> None:
    """Mail of a stream is wanted, or not any more; the same again changes nothing. Raises
    Unavailable.

    An end of mail is told under the time that the account keeps, which a repeat has too; a new
    beginning before the account forgets that there was an end.
    """
    if wanted and is_wanted(account, stream):
        return
    now = services.now()
    if wanted:
        services.log.put([_entry(account, stream, now, "mail.subscribed")])
    updated = apply_facts(
        account, [ConsentGiven(stream, wanted, now)], services, StripeFetcher(services)
    )
    if not wanted:
        services.log.put(
            [_entry(account, stream, updated.unsubscribed[stream], "mail.unsubscribed")]
        )


def _entry(account: Account, stream: str, at: datetime, type: str) -> Entry:
    return Entry(account.id, at, "mail", stream, type, {"stream": stream})
