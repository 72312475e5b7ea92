"""The language of the page that a request is answered with: that of the account that the page
is about, else what the browser prefers, else that of billing.toml.
"""

from contextvars import ContextVar
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES, accepted_language
from chalicelib.runtime import wiring
from chalicelib.values import frozen, replace


@frozen
class Reader:
    """What is known of the reader of a page: the language of the account, and the one that the
    browser prefers. None for one in which there are no texts.
    """

    own: str | None = None
    preferred: str | None = None


NOBODY = Reader()

_reader: ContextVar[Reader] = ContextVar("reader", default=NOBODY)
"""The reader of the request that is being handled. A page does not get it as an argument, as an
error page needs it too, wherever the error comes from.
"""


def begin(request: Any) -> None:
    """Forget the reader of the last request, and note the languages that this browser prefers."""
    _reader.set(Reader(preferred=accepted_language(request.headers.get("accept-language") or "")))


def recognize(account: Account) -> None:
    """Note the language of the account that the page is about."""
    own = account.language if account.language in LANGUAGES else None
    _reader.set(replace(_reader.get(), own=own))


def reader_language() -> str:
    """The language to answer in."""
    known, mail = _reader.get(), wiring.policy().mail
    return known.own or known.preferred or (mail.language if mail else DEFAULT)


def is_negotiated() -> bool:
    """Whether another `Accept-Language` might change the language of the answer."""
    return _reader.get().own is None
