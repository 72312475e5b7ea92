"""How full a queue is."""

from datetime import timedelta

from chalicelib.values import frozen

QUEUES = {
    "events": "Stripe's events, to be applied to the accounts",
    "act": "Accounts that are due, and what visitors ask for",
    "mail": "Messages to send",
    "deliveries": "Events for webhook endpoints, the event bus, Slack and the people system",
    "dead_letters": "Messages that no retry helps",
}
"""Queue → what is in it, in the order in which work moves through them."""


@frozen
class QueueState:
    """One queue, as SQS counts it: about how many messages wait, how many somebody works on, and
    for how long the oldest waits; None if that is not known.
    """

    name: str
    waiting: int
    in_flight: int
    oldest: timedelta | None = None
