"""The list of what opened the billing page, for the customer to see whether it was they."""

from typing import Any

from chalicelib.domain.account.links import SIGNED_IN, is_opening_ended, mark_of, marked
from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.links import Link
from chalicelib.localization.dates import spoken_day, spoken_moment
from chalicelib.pages.texts import text


def openings_view(
    account: Account, session: Link, policy: Policy, language: str
) -> list[dict[str, Any]]:
    """The last openings of the billing page, the newest first: when, by which mail and browser, and
    whether its link was ended since. `own` is the one that the visitor's own session began with.
    """
    zone = zone_of(account, policy.mail)
    newest_first = sorted(account.openings, key=lambda one: one.at, reverse=True)
    views = []
    for one in newest_first:
        purpose, issued = marked(one.link)
        mailed = spoken_day(issued, zone, language) if issued else ""
        views.append(
            {
                "link": one.link,
                "at": spoken_moment(one.at, zone, language),
                "browser": one.browser or text("openings.unknown", language),
                "by": text("openings.sign_in", language)
                if purpose == SIGNED_IN
                else text("openings.mail", language, day=mailed),
                "own": one.link == mark_of(session),
                "ended": is_opening_ended(account, one.link),
            }
        )
    return views
