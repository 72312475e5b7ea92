"""Whether what Intercom says of a contact's consent to mail counts here.

Notifications come late, twice and in any order, and each write of ours comes back as one. So two
things are remembered of a person: what we wrote last, and what we heard last. The newer of them is
what holds at Intercom, and only what differs from it is news.
"""

from datetime import datetime
from typing import Literal

from chalicelib.domain.account.state import Account
from chalicelib.domain.people.heard import ConsentHeard
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy

LIFECYCLE = "lifecycle"
"""The stream that is meant: notices about money cannot be unsubscribed from."""

Decision = Literal["taken", "same", "older", "switched_off", "unsubscribed_here"]
"""`taken` changes the account. `same` is no news: our own write, a repeat, or so already. `older`
is overtaken by something newer. `switched_off` by billing.toml. `unsubscribed_here` leaves a
customer unsubscribed who did that with us.
"""

REMEMBERED: frozenset[Decision] = frozenset({"taken", "same", "unsubscribed_here"})
"""After these it is kept as what was heard last."""


def decide(heard: ConsentHeard, account: Account, person: Person, policy: PeoplePolicy) -> Decision:
    """What comes of it. A subscription ends here only what ended there, if the policy does not say
    that it counts for more.
    """
    since = account.unsubscribed.get(LIFECYCLE)
    if heard.unsubscribed and not policy.follow_unsubscribes:
        return "switched_off"
    if _is_older(heard, since, person):
        return "older"
    if _holds_there(person) is heard.unsubscribed or heard.unsubscribed is (since is not None):
        return "same"
    if heard.unsubscribed or policy.follow_subscribes or since == person.left_there_at:
        return "taken"
    return "unsubscribed_here"


def _is_older(heard: ConsentHeard, since: datetime | None, person: Person) -> bool:
    """Whether something newer is known that says the contrary, or the same notification was heard.
    They have whole seconds: of two in one second, the one that unsubscribes counts.
    """
    if person.heard_at and heard.at == person.heard_at:
        return not heard.unsubscribed or person.heard is True
    if person.heard_at and heard.at < person.heard_at:
        return True
    told_later = person.told_at if person.told is (not heard.unsubscribed) else None
    if heard.unsubscribed:
        return told_later is not None and heard.at < told_later.replace(microsecond=0)
    return any(heard.at <= one for one in (told_later, since) if one)


def _holds_there(person: Person) -> bool | None:
    """Whether the contact is unsubscribed there, as far as is known."""
    if person.heard_at and (person.told_at is None or person.heard_at > person.told_at):
        return person.heard
    return person.told
