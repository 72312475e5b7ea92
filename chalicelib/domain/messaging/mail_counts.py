"""What SES told of the messages of each step, in numbers."""

from collections.abc import Iterable

from chalicelib.values import frozen

COUNTED = {
    "Send": "sent",
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
}
"""SES's kind of feedback → the number that it adds to."""


@frozen
class MailCount:
    """The messages of a step: those that SES took, and those of them that the reader's mail server
    took, that bounced, and that the reader reported as spam.
    """

    step: str
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0


def counted_as(key: str) -> str:
    """The name under which a message is counted: its step; for a broadcast its whole key, because
    all broadcasts have one step.
    """
    step = key.partition("@")[0]
    return key if step == "broadcast" else step


def by_step(counts: Iterable[MailCount]) -> dict[str, MailCount]:
    """The counts of several weeks together, by step."""
    found: dict[str, MailCount] = {}
    for one in counts:
        known = found.get(one.step, MailCount(one.step))
        found[one.step] = MailCount(
            one.step,
            known.sent + one.sent,
            known.delivered + one.delivered,
            known.bounced + one.bounced,
            known.complained + one.complained,
        )
    return found
