"""What an account remembers of its messages and broadcasts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """What became of a message: `queued`, `sent`, `passed` (its time was over), `refused` (the
    address is suppressed, or SES said no), `held_out` (see domain/hold_out.py) or `unclear` (SES
    may have taken it; it is not sent again).
    """

    outcome: str
    at: datetime
    stream: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`message` goes to this account if it still is one of the audience `to`; wanted since `at`."""

    message: str
    to: str
    at: datetime
