"""Record what the customer or the product says: milestones, consent to mail, and that the button
behind a mailed link was pressed.
"""

from datetime import datetime

from chalicelib.domain.account.facts import AddressProved, ConsentGiven, Fact, SignedIn
from chalicelib.domain.account.milestones import milestone_reached
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.security.links import Link
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messaging.mailboxes import note_press
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services


def record_milestone(account_id: str, name: str, at: datetime | None, services: Services) -> None:
    """The user reached a milestone of the policy `at` a moment, by default now; of several times
    the earliest counts. Raises AccountNotFound, InvalidInput for a moment in the future,
    Unavailable.
    """
    reached = milestone_reached(name, at, services.clock.now())
    account = require_account(account_id, services.stores.accounts)
    apply_facts(account, [reached], services, StripeFetcher(services))


def record_proof(account: Account, link: Link, services: Services) -> Account:
    """The button behind a mailed link was pressed, which proves the address. Raises Unavailable."""
    note_press(account.email, link, services)
    return apply_facts(
        account, [AddressProved(services.clock.now())], services, StripeFetcher(services)
    )


def record_sign_in(account: Account, link: Link, services: Services) -> Account:
    """The account's newest sign-in link was used: that proves the address, and the link opens
    nothing more. Raises Unavailable.
    """
    note_press(account.email, link, services)
    facts: list[Fact] = [AddressProved(services.clock.now())]
    if account.sign_in_asked_at:
        facts.append(SignedIn(account.sign_in_asked_at))
    return apply_facts(account, facts, services, StripeFetcher(services))


def is_wanted(account: Account, stream: str) -> bool:
    """Whether the account has not unsubscribed from a stream."""
    return stream not in account.unsubscribed


def record_consent(account: Account, stream: str, wanted: bool, services: Services) -> None:
    """Mail of a stream is wanted, or not any more; the same again changes nothing. Raises
    Unavailable.

    Unsubscribing goes to the timeline under the time that the account keeps, which a repeat has
    too; subscribing goes there before the account forgets that it had unsubscribed.
    """
    if wanted and is_wanted(account, stream):
        return
    now = services.clock.now()
    if wanted:
        services.stores.timeline.put([_entry(account, stream, now, "mail.subscribed")])
    updated = apply_facts(
        account, [ConsentGiven(stream, wanted, now)], services, StripeFetcher(services)
    )
    if not wanted:
        services.stores.timeline.put(
            [_entry(account, stream, updated.unsubscribed[stream], "mail.unsubscribed")]
        )


def _entry(account: Account, stream: str, at: datetime, type: str) -> Entry:
    return Entry(account.id, at, "mail", stream, type, {"stream": stream})
