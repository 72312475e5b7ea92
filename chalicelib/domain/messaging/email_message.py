"""A message on its way to SES, and the claim that it is sent under."""

from datetime import datetime

from chalicelib.values import frozen


@frozen
class EmailMessage:
    """A message as it goes to SES."""

    sender: str
    recipient: str
    reply_to: str
    subject: str
    html: str
    text: str
    headers: dict[str, str]
    tags: dict[str, str]


@frozen
class SendClaim:
    """The claim of a message, stored as `MESSAGE#step@occasion`. `state` is `sending` while a
    worker has it, and `sent` once SES has accepted it. `attempt` counts claims. `recipient` is the
    mark of the address that it goes to; empty in claims of older releases.
    """

    account_id: str
    key: str
    state: str
    at: datetime
    attempt: int = 1
    message_id: str | None = None
    recipient: str = ""
