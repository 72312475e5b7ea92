"""Something to do before the first write of a call: its entry in the audit log. A call that writes
nothing, since it was refused or is a repeat, leaves none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chalicelib.domain.account.state import Account

Act = Callable[[Account | None, Account | None], None]
"""Gets an account before and after the write, where it is one that changes an account."""

_waiting: ContextVar[Act | None] = ContextVar("waiting", default=None)


@contextmanager
def before_first_write(act: Act) -> Iterator[None]:
    """Within it, the first write to the table or to Stripe calls `act` before it is made. If `act`
    raises, the write is not made.
    """
    token = _waiting.set(act)
    try:
        yield
    finally:
        _waiting.reset(token)


def about_to_write(before: Account | None = None, after: Account | None = None) -> None:
    """A write follows."""
    act = _waiting.get()
    if act:
        _waiting.set(None)
        act(before, after)
