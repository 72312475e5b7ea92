"""A domain event: a change of an account that the timeline, the feed and the team receive."""

from datetime import datetime

from chalicelib.domain.account.standing import Standing
from chalicelib.values import frozen

EventData = dict[str, str | int | None]
"""The fields of one type of domain event, see changes/event_catalogue.py."""


@frozen
class DomainEvent:
    """One change, at the time `at`. `id` is made of account, epoch, version, type and, where there
    is one, the id of the object that it concerns; so a repeat has the same id and the same body.

    `sequence` is its number among the events of its account, from 1. `standing` and `external_id`
    are the account's at that moment. An event of a release that did not number them has
    none of these: it goes onto the timeline, and not to the outside.
    """

    id: str
    type: str
    at: datetime
    data: EventData
    sequence: int | None = None
    standing: Standing | None = None
    external_id: str | None = None

    @property
    def account_id(self) -> str:
        """The account that it happened to, whichever account has taken that one in since. No
        account's id has a dot in it (domain/ids.py).
        """
        return self.id.partition(".")[0]
