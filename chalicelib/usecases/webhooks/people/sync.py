"""Write all accounts into the people system: the first time, and to find what differs."""

from collections.abc import Iterator
from functools import partial

from chalicelib.domain.people.state import reset_at
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.people.patience import patiently
from chalicelib.usecases.webhooks.people.system import ContactRefused, NotYet
from chalicelib.usecases.webhooks.people.write import People, archive_if_gone, write_contact
from chalicelib.values import frozen


@frozen
class Synced:
    """One account: `outcome` is `written`, `same` (nothing had to be called) or `refused`, with the
    `reason`.
    """

    account_id: str
    outcome: str
    reason: str = ""


def sync(services: Services, people: People, a_second: float) -> Iterator[Synced]:
    """Write each account that is not there as it is, so many a second at most. Started again, it
    passes quickly over those that are written. Raises SystemDown if the system stays down,
    Unavailable.
    """
    cursor: str | None = None
    while True:
        accounts, cursor = services.stores.reconciliation.accounts(cursor)
        for account in accounts:
            before = people.persons.load(account.id)
            synced = patiently(partial(_synced, account.id, services, people), services, people)
            if synced is None:
                continue
            yield synced
            if people.persons.load(account.id) != before:
                now = services.clock.now()
                reset = reset_at(people.system.last_answer, now) or now
                people.pause(max(1 / a_second, (reset - now).total_seconds()))
        if cursor is None:
            return


def _synced(account_id: str, services: Services, people: People) -> Synced | None:
    account = services.stores.accounts.load(account_id)
    if account is None:
        return None
    before = people.persons.load(account_id)
    try:
        known, person, refused = write_contact(account, services, people)
        archive_if_gone(known, person, people)
    except (ContactRefused, NotYet) as reason:
        return Synced(account_id, "refused", str(reason))
    if refused:
        return Synced(account_id, "refused", refused)
    return Synced(account_id, "same" if person == before else "written", person.reason)
