"""What is known of a message that no retry helps, which lies in the dead-letter queue."""

from datetime import datetime

from chalicelib.values import frozen

ORIGINS = {
    "events": "The events queue: a Stripe event.",
    "act": "The act queue: a due account, or a visitor's request.",
    "mail": "The mail queue: a message to send.",
    "feedback": "SES, by EventBridge: its report about a message.",
    "bus": "The event bus of billing.toml: a domain event that it did not take.",
    "unknown": "Not known: the message does not say so, and it has no form that Billhook uses.",
}
"""Where a dead letter came from; it is sent back there."""

CODES = {
    "unreadable": "Ingestion could not read the event; the reason says why.",
    "bus_refused": "The event bus did not take the event for three days; the reason says why.",
    "worn_out": "SQS moved it here after it was received a thousand times.",
    "failed": "The function for SES's feedback failed three times.",
    "undelivered": (
        "EventBridge could not deliver it to the events queue or to the function for SES's"
        " feedback."
    ),
    "unknown": "The reason is not known.",
}
"""Why a message is in the dead-letter queue. Ingestion writes `unreadable` itself
(`domain/errors.py`), and delivery `bus_refused`; the others follow from the form of the message.
"""


@frozen
class DeadLetter:
    """One dead letter. `what` and `account` are ids and types, empty if not known; `handle` is the
    receipt handle with which SQS deletes it. Only `body` contains payload data, addresses or
    secrets.
    """

    id: str
    at: datetime
    origin: str
    what: str
    account: str
    code: str
    reason: str
    body: str
    handle: str
