"""Something to do before the first write of a call: its entry in the audit log. A call that writes
nothing, since it was refused or is a repeat, leaves none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chalicelib.domain.account.state import Account
from chalicelib.values import frozen

Act = Callable[[Account | None, Account | None], None]
"""Gets an account before and after the write, where it is one that changes an account."""


@frozen
class _Waiting:
    """What is called before a write; `of_account` once it was called for one of no account, and
    waits for the first that changes an account.
    """

    act: Act
    and_of_account: bool
    of_account: bool = False


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def before_first_write(act: Act, and_of_account: bool = False) -> Iterator[None]:
    """Within it, the first write to the table or to Stripe calls `act` before it is made. If `act`
    raises, the write is not made.

    With `and_of_account` it is called again before the first write that changes an account, if that
    is a later one: what others left to be published is written first.
    """
    token = _waiting.set(_Waiting(act, and_of_account))
    try:
        yield
    finally:
        _waiting.reset(token)


def about_to_write(before: Account | None = None, after: Account | None = None) -> None:
    """A write follows."""
    waiting = _waiting.get()
    if waiting is None or (waiting.of_account and after is None):
        return
    goes_on = waiting.and_of_account and after is None
    # Before the call, which writes too.
    _waiting.set(_Waiting(waiting.act, True, of_account=True) if goes_on else None)
    waiting.act(before, after)
