"""Which mailed links opened the billing page: what the customer sees of them, and those that were
ended one by one.
"""

from datetime import datetime, timedelta

from chalicelib.values import frozen

OPENINGS_KEPT = 10
"""How many openings are kept of one account, the newest ones."""

ENDED_FOR = timedelta(days=31)
"""How long it is remembered that a link was ended: longer than any of them works."""


@frozen
class LinkOpening:
    """A press of the button behind a mailed link. `link` is the mark of the link (links.mark_of),
    `browser` the kind of browser and system, such as "Firefox, Windows"; empty if it is not known.
    """

    at: datetime
    link: str
    browser: str = ""


@frozen
class LinkOpened:
    """The billing page was opened by a mailed link."""

    opening: LinkOpening


@frozen
class LinkEnded:
    """The link of this mark, and every session that it began, opens nothing any more."""

    link: str
    at: datetime


OpeningFact = LinkOpened | LinkEnded
