"""Suppressed addresses: which mail does not go to one, and why."""

from datetime import datetime

from chalicelib.domain.messaging.mailbox_limits import is_counted
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from chalicelib.values import frozen, replace

REACHES = {
    "all": "No mail goes to the address.",
    "lifecycle": "No lifecycle mail goes to the address. Billing notices and links do.",
}
"""What a suppression stops."""

ON_REQUEST = frozenset(step.id for step in TRANSACTIONAL_STEPS if is_counted(step, proved=True))
"""Steps whose message somebody asked for who need not be the reader. A complaint about one is no
complaint about bills.
"""

MESSAGES_KEPT = 10


@frozen
class Suppression:
    """A suppressed address: `reason` is `bounce` or `complaint`, `at` when it was first suppressed,
    `reach` one of REACHES. `messages` are SES's ids of the messages that were complained about.
    """

    reason: str
    at: datetime
    reach: str
    messages: tuple[str, ...] = ()

    def stops(self, stream: str) -> bool:
        """Whether mail of this stream does not go to the address."""
        return self.reach in ("all", stream)


def after_bounce(stored: Suppression | None, at: datetime) -> Suppression:
    """The suppression after a message bounced for good: it stops everything."""
    if stored is None:
        return Suppression("bounce", at, "all")
    return replace(stored, reason="bounce", reach="all")


def after_complaint(
    stored: Suppression | None, at: datetime, message_id: str, about_a_notice: bool
) -> Suppression:
    """The suppression after a complaint about the message of this id. The first stops lifecycle
    mail; another one, about a billing notice, stops everything. The same complaint again changes
    nothing.
    """
    if stored is None:
        return Suppression("complaint", at, "lifecycle", (message_id,))
    if message_id in stored.messages:
        return stored
    reach = "all" if about_a_notice else stored.reach
    messages = (*stored.messages, message_id)[-MESSAGES_KEPT:]
    return replace(stored, reach=reach, messages=messages)


def is_about_a_notice(step: str, stream: str) -> bool:
    """Whether a message of this step and stream is a billing notice that only the account's own
    state causes.
    """
    return stream == "billing" and step not in ON_REQUEST
