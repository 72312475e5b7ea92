"""Record what the customer or the product says: milestones, consent to mail, and that the button
behind a mailed link was pressed.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.account.facts import (
    AddressProved,
    ConsentGiven,
    Fact,
    SignedIn,
    SignupConfirmed,
)
from chalicelib.domain.account.links import address_behind, mark_of, opens
from chalicelib.domain.account.milestones import milestone_reached
from chalicelib.domain.account.operations import HEAD_START
from chalicelib.domain.account.queries import restarts_trial, trial_name
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountTaken
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.domain.security.openings import LinkOpened, LinkOpening
from chalicelib.usecases.accounts.profile import supersede_unclaimed
from chalicelib.usecases.billing.run_operation import try_operation
from chalicelib.usecases.enqueue import enqueue_if_due
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messaging.mailboxes import note_press
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services


def record_milestone(
    account_id: str, name: str, at: datetime | None, services: Services, by: str = ""
) -> None:
    """The user reached a milestone of the policy `at` a moment, by default now; of several times
    the earliest counts. `by` is the people system that reported it. Raises AccountNotFound,
    InvalidInput for a moment in the future, Unavailable.
    """
    reached = milestone_reached(name, at, services.clock.now(), by)
    account = require_account(account_id, services.stores.accounts)
    apply_facts(account, [reached], services, StripeFetcher(services))


def record_proof(
    account: Account, link: Link, number: int, services: Services, browser: str = ""
) -> Account:
    """The button behind a mailed link was pressed, which proves the address. The first time the
    signup of this number becomes the one that counts, with a whole trial. `browser` is the kind of
    browser, for the customer to see. Raises Unavailable.
    """
    return _proved(account, link, number, [_opened(link, browser, services)], services)


def record_sign_in(
    account: Account, link: Link, number: int, services: Services, browser: str = ""
) -> Account:
    """The account's newest sign-in link was used: that proves the address as in `record_proof`, and
    the link opens nothing more. Raises LinkRefused if another press of it was faster, Unavailable.
    """
    facts: list[Fact] = [SignedIn(account.sign_in_asked_at)] if account.sign_in_asked_at else []
    facts.append(_opened(link, browser, services))

    def still_opens(found: Account) -> None:
        if not opens(link, found):
            raise LinkRefused

    return _proved(account, link, number, facts, services, still_opens)


def _opened(link: Link, browser: str, services: Services) -> LinkOpened:
    return LinkOpened(LinkOpening(services.clock.now(), mark_of(link), browser))


def _proved(
    account: Account,
    link: Link,
    number: int,
    beside: list[Fact],
    services: Services,
    check: Callable[[Account], None] = lambda found: None,
) -> Account:
    now, was_proved = services.clock.now(), account.email_proved
    note_press(address_behind(link, account), link, services)

    def proved(with_external_id: bool) -> Account:
        confirmed = SignupConfirmed(number, now, with_external_id)
        facts = [confirmed, AddressProved(now), *beside]
        return apply_facts(account, facts, services, StripeFetcher(services), check=check)

    try:
        account = proved(with_external_id=True)
    except AccountTaken:  # another account has got the id meanwhile
        account = proved(with_external_id=False)
    if account.email_proved and not was_proved:
        supersede_unclaimed(account, services)
    if account.signup and restarts_trial(account):
        name = trial_name(account.signup)
        if account.errands[name].not_before <= now + HEAD_START:
            account = try_operation(account, name, services)
        enqueue_if_due(account, services)
    return account


def is_wanted(account: Account, stream: str) -> bool:
    """Whether the account has not unsubscribed from a stream."""
    return stream not in account.unsubscribed


def record_consent(
    account: Account,
    stream: str,
    wanted: bool,
    services: Services,
    at: datetime | None = None,
    by: str = "",
) -> None:
    """Mail of a stream is wanted, or not any more, since `at` or now; the same again changes
    nothing. `by` is the system in which the customer said so. Raises Unavailable.

    Unsubscribing goes to the timeline under the time that the account keeps, which a repeat has
    too; subscribing goes there before the account forgets that it had unsubscribed.
    """
    if wanted and is_wanted(account, stream):
        return
    now = at or services.clock.now()
    if wanted:
        services.stores.timeline.put([_entry(account, stream, now, "mail.subscribed", by)])
    updated = apply_facts(
        account, [ConsentGiven(stream, wanted, now)], services, StripeFetcher(services)
    )
    if not wanted:
        services.stores.timeline.put(
            [_entry(account, stream, updated.unsubscribed[stream], "mail.unsubscribed", by)]
        )


def _entry(account: Account, stream: str, at: datetime, type: str, by: str) -> Entry:
    detail = {"stream": stream} | ({"by": by} if by else {})
    return Entry(account.id, at, "mail", stream, type, detail)
