"""Mail that is wanted or not wanted any more: learnt, and told on the timeline
wherever this ends."""

from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.facts import ConsentGiven
from chalicelib.domain.timeline import Entry
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.world import World


def is_wanted(account: Account, stream: str) -> bool:
    """Whether the account has not unsubscribed from a stream."""
    return stream not in account.unsubscribed


def set_wanted(account: Account, stream: str, wanted: bool, world: World) -> None:
    """Mail of a stream is wanted, or not any more; the same again changes nothing. Raises
    Unavailable.

    An end of mail is told under the time that the account keeps, which a repeat has too; a new
    beginning before the account forgets that there was an end.
    """
    if wanted and is_wanted(account, stream):
        return
    now = world.now()
    if wanted:
        world.log.put([_entry(account, stream, now, "mail.subscribed")])
    learnt = absorb(account, [ConsentGiven(stream, wanted, now)], world, Asker(world))
    if not wanted:
        world.log.put([_entry(account, stream, learnt.unsubscribed[stream], "mail.unsubscribed")])


def _entry(account: Account, stream: str, at: datetime, type: str) -> Entry:
    return Entry(account.id, at, "mail", stream, type, {"stream": stream})
