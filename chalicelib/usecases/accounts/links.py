"""Open signed links, finding the account that each was made for, and end all that were handed
out.
"""

from chalicelib.domain.account.facts import LinksEnded
from chalicelib.domain.account.links import opens
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.domain.security.openings import LinkEnded
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messaging.mailboxes import note_ended_links
from chalicelib.usecases.ports.accounts import AccountStore
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services

UNSUBSCRIBABLE = "lifecycle"
"""The one stream of mail that may be unsubscribed from."""


def open_link(link: Link, accounts: AccountStore) -> Account:
    """The account of a verified link. Raises LinkRefused, without a reason, if the link was used or
    revoked or its account was erased; Unavailable.
    """
    account = accounts.load(link.account_id)
    if account is None or not opens(link, account):
        raise LinkRefused
    return account


def open_mail_link(link: Link, accounts: AccountStore) -> Account | None:
    """The account whose mail a verified link is about; None if it was erased since. Raises
    LinkRefused if the link is about mail that cannot be unsubscribed from; Unavailable.
    """
    if link.about != UNSUBSCRIBABLE:
        raise LinkRefused
    return accounts.load(link.account_id)


def end_links(account_id: str, by: str, services: Services) -> Account:
    """The account, with every link and session ended that was handed out until now; only those to
    unsubscribe, and to undo a change of the address, go on working. `by` says whose wish it was,
    for the timeline. Raises AccountNotFound, Unavailable.
    """
    account, now = require_account(account_id, services.stores.accounts), services.clock.now()
    note_ended_links(account.email, services)
    services.stores.timeline.put(
        [Entry(account.id, now, "call", "links", "links.ended", {"by": by})]
    )
    return apply_facts(account, [LinksEnded(now)], services, StripeFetcher(services))


def end_link(account_id: str, mark: str, by: str, services: Services) -> Account:
    """The account, with one link ended that opened the billing page, and the sessions that it
    began. `mark` is that of one of the account's openings. Raises AccountNotFound, InvalidInput for
    another mark, TooMany, Unavailable.
    """
    account, now = require_account(account_id, services.stores.accounts), services.clock.now()
    if mark not in {opening.link for opening in account.openings}:
        raise InvalidInput("link must be that of one of the account's last openings.", "link")
    account = apply_facts(account, [LinkEnded(mark, now)], services, StripeFetcher(services))
    data: dict[str, str | int | None] = {"by": by, "link": mark}
    services.stores.timeline.put([Entry(account.id, now, "call", mark, "link.ended", data)])
    return account
