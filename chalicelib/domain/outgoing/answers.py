"""What came of a call to another system."""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from chalicelib.values import frozen

SLOW_DOWN = frozenset({429, 502, 503, 504})
"""The statuses whose Retry-After is kept."""

LONGEST_WAIT = timedelta(days=1)
"""A Retry-After beyond it counts as this: a mistake there must not end the retries."""

KEPT_CHARACTERS = 200

NAMED_HEADERS = (
    "date",
    "link",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)
"""The headers of an answer that somebody reads."""


@frozen
class CallAnswer:
    """The result of one call: `code` is the status if an answer came, `failure` says why none came.
    `head` is the beginning of the answer's body, `retry_after` its header of that name; `body` is
    as much of the body as was read, for who expects more than a status, and `is_cut` says that the
    rest of it never came. `headers` are those of NAMED_HEADERS, by their names in lower case.
    """

    code: int | None
    failure: str | None = None
    head: str = ""
    retry_after: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def sent_at(self) -> datetime | None:
        """The time of the answer, by the clock of who gave it."""
        return _date(self.headers.get("date", ""))

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has taken it: a status from 200 to 299."""
        return self.code is not None and 200 <= self.code <= 299

    @property
    def error(self) -> str | None:
        """Why it did not succeed, for people; None if it did."""
        if self.succeeded:
            return None
        if self.code is None:
            return self.failure or "No answer came."
        if 300 <= self.code <= 399:
            return f"The answer was {self.code}; redirects are not followed."
        return f"The answer was {self.code}" + (f": {self.head}" if self.head else ".")


def readable(body: bytes) -> str:
    """The beginning of an answer's body as one line of text."""
    text = body[: 4 * KEPT_CHARACTERS].decode("utf-8", "replace")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:KEPT_CHARACTERS]


def wait_until(answer: CallAnswer, now: datetime) -> datetime | None:
    """The time until which the receiver asks not to be called again; None if it does not ask, or
    nobody can read when.
    """
    told = (answer.retry_after or "").strip()
    if answer.code not in SLOW_DOWN or not told:
        return None
    if told.isascii() and told.isdigit():
        until = now + min(timedelta(seconds=int(told[:9])), LONGEST_WAIT)
    else:
        asked = _date(told)
        if asked is None:
            return None
        until = asked
    return min(max(until, now), now + LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    """The time in a header; None for what is none. A number in it may be of any size."""
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
