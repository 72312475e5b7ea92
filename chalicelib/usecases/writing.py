"""Save changes of an account while others write it too: who loses a race reads again and decides
again.
"""

import random
from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.usecases.publishing import publish_worker_outbox, without_published
from chalicelib.usecases.services import Services

TRIES = 12

T = TypeVar("T")

Change = Callable[[Account], Account | None]
"""The version of an account to save next; None if there is nothing to save. It runs again after a
lost race, so whatever else it does must be safe to repeat."""


def update(
    account_id: str,
    change: Change,
    services: Services,
    known: Account | None = None,
    unpublished: list[Account] | None = None,
) -> Account | None:
    """The account after `change`, as saved, or as read if there was nothing to save. None if there
    is no account of that id.

    `known` is the account if the caller has just read it, which saves a read, or a new one (version
    0), which does not have to exist yet. A worker's domain events are published, or, if the caller
    gives `unpublished`, the account is added to it, and the caller publishes them. Raises
    Unavailable as `retry_on_lost_race` does.
    """
    is_new = known is not None and not known.version
    unread = [known] if known else []

    def attempt() -> Account | None:
        account = unread.pop() if unread else services.stores.accounts.load(account_id)
        account = account or (known if is_new else None)
        if account is None:
            return None
        written = without_published(account, services)
        new = change(written)
        if new:
            services.stores.accounts.save(written, new)
        if services.comes_again and unpublished is not None:
            unpublished.append(new or written)
        elif services.comes_again:
            publish_worker_outbox(new or written, services)
        return new or account

    return retry_on_lost_race(account_id, attempt, services)


def retry_on_lost_race(account_id: str, attempt: Callable[[], T], services: Services) -> T:
    """What `attempt` returns. It reads the account, decides and saves; on ConcurrentUpdate it runs
    again, after a random pause that spreads the writers.

    Raises Unavailable if others were faster every time, or if the table cannot be reached.
    """
    for number in range(TRIES):
        if number:
            longest = 0.01 * 2 ** min(number, 7)
            wait = random.uniform(0, longest)  # noqa: S311  # nosec B311 # it guards nothing
            services.clock.pause(wait)
        try:
            return attempt()
        except ConcurrentUpdate:
            continue
    raise Unavailable(f"Other writers of account {account_id} were faster {TRIES} times.")
