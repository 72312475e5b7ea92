"""Change the customer's address, name, time zone and language."""

from collections.abc import Mapping

from chalicelib.domain.account.facts import Fact, Superseded
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.queries import is_unclaimed
from chalicelib.domain.account.rules.profile import profile_operations
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, InvalidInput
from chalicelib.domain.security.signup import identity
from chalicelib.usecases.accounts.sign_up import owner_of
from chalicelib.usecases.billing.run_operation import try_operation
from chalicelib.usecases.enqueue import enqueue_if_due
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services


def change_profile(account_id: str, values: Mapping[str, str], services: Services) -> Account:
    """The account with these values of `email`, `name`, `timezone` and `language`, which the
    product gives. They hold at once; Stripe gets them now, or once it answers.

    Raises AccountNotFound, InvalidInput without a value, AccountTaken if the address is known as
    another customer's, Unavailable.
    """
    account = require_account(account_id, services.stores.accounts)
    if not values:
        raise InvalidInput("Give at least one of email, name, timezone and language.", "email")
    if "email" in values:
        refuse_taken(account, values["email"], services)
    new = {name: value for name, value in values.items() if not _holds(account, name, value)}
    if not new:
        return account
    return save_profile(account, [ProfileChanged(new, services.clock.now(), "api")], services)


def change_external_id(account_id: str, external_id: str, services: Services) -> Account:
    """The account with this id of the product, which finds it from now on; the one before finds
    nothing. The same again changes nothing.

    The pointers change in the same transaction as the account, so of two accounts that are given
    one id at once only one gets it. Raises AccountNotFound, AccountTaken if another account has the
    id, Unavailable.
    """
    account = require_account(account_id, services.stores.accounts)
    if _holds(account, "external_id", external_id):
        return account
    changed = ProfileChanged({"external_id": external_id}, services.clock.now(), "api")
    try:
        return apply_facts(account, [changed], services, StripeFetcher(services))
    except AccountTaken as taken:
        raise AccountTaken(
            "Another account has this external_id: GET /accounts?external_id=… shows it. Give that"
            " account another one first.",
            "external_id",
        ) from taken


def _holds(account: Account, name: str, value: str) -> bool:
    """Whether this is the last value that was given here."""
    change = account.profile_changes.get(name)
    return bool(change and not change.is_stripes and getattr(account.profile, name) == value)


def refuse_taken(account: Account, email: str, services: Services) -> None:
    """Raises AccountTaken if the address is another customer's, or had a trial as another's: such
    an address gets no second account by a signup either. A signup that nobody has proved or used
    keeps it from nobody: anybody may have typed it. It goes on beside the account, and ends once
    the address is proved for the account. Raises Unavailable.
    """
    owner = owner_of(email, services)
    if owner is None or owner.id == account.id or is_unclaimed(owner):
        return
    raise AccountTaken(
        "This address belongs to another account. Give another address, or change that account"
        " first.",
        "email",
    )


def supersede_unclaimed(account: Account, services: Services) -> None:
    """Close the signups of the account's mailbox that nobody has proved or used, now that its
    reader has proved it for this account: a link to one of them would open a second account with
    the address. They are forgotten by themselves. Raises Unavailable.
    """
    email = account.email or ""
    had_trial = services.stores.accounts.with_trial(f"email:{identity(email)}")
    found = [*services.stores.accounts.with_email(email), *([had_trial] if had_trial else [])]
    for one in {each.id: each for each in found if each.id != account.id}.values():
        if is_unclaimed(one) and identity(one.email or "") == identity(email):
            superseded = [Superseded(services.clock.now())]
            enqueue_if_due(apply_facts(one, superseded, services, None), services)


def save_profile(account: Account, facts: list[Fact], services: Services) -> Account:
    """The account with facts about its profile, given to Stripe if it answers now. Raises
    Unavailable if the table cannot be reached.
    """
    account = apply_facts(account, facts, services, StripeFetcher(services))
    for name in profile_operations(account):
        account = try_operation(account, name, services)
    enqueue_if_due(account, services)
    return account
