"""Changes of a contact that are no domain event: a name, the consent to mail, the revenue, the
proof of the address.
"""

from datetime import datetime

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.people.contact import contact
from chalicelib.domain.people.deliveries import CONTACT_CHANGED
from chalicelib.domain.policy.policy import Policy


def contact_change(
    old: Account, new: Account, policy: Policy, now: datetime
) -> tuple[DomainEvent, ...]:
    """What tells the people system that the contact changed; nothing without one in the policy. It
    has no number: it is on the timeline, and not in the feed.
    """
    if policy.people is None:
        return ()
    # The mode is the same on both sides, and so is the suppression of the address.
    was, known = contact(old, policy, False, now), contact(new, policy, False, now)
    if (was.digest, was.may_adopt) == (known.digest, known.may_adopt):
        return ()
    id = f"{new.id}.{new.epoch}.{new.version}.{CONTACT_CHANGED}"
    return (DomainEvent(id, CONTACT_CHANGED, now, {"contact": known.digest}),)
