"""A message on its way: the record under which it is claimed, and what became of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class SendClaim:
    """`MESSAGE#step@occasion`: `sending` from the moment somebody has it, `sent` once SES has taken
    it. `attempt` counts claims.
    """

    account_id: str
    key: str
    state: str
    at: datetime
    attempt: int = 1
    message_id: str | None = None
