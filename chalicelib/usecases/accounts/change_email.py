"""The customer changes the own e-mail address: asked for on the billing page after a fresh sign-in,
confirmed by the new address, and undone by the old one.
"""

from chalicelib.domain.account.facts import Fact
from chalicelib.domain.account.profile import (
    AddressChange,
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
    ProfileChanged,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, InvalidInput, NotPossible
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.usecases.accounts.profile import refuse_taken, save_profile, supersede_unclaimed
from chalicelib.usecases.messaging.mailboxes import note_press
from chalicelib.usecases.services import Services


def ask_for_address(account: Account, email: str, services: Services) -> None:
    """Have a link mailed to the new address that confirms it. An address that is known as another
    customer's gets no mail, and the answer is the same: nobody learns here who is a customer.

    Raises InvalidInput for the present address, NotPossible without one, TooMany, Unavailable.
    """
    if not account.email:
        raise NotPossible("We have no address of yours. Please write to us.")
    if email.casefold() == account.email.casefold():
        raise InvalidInput("This is your address already.", "email", kind="same")
    try:
        refuse_taken(account, email, services)
    except AccountTaken:
        return
    now = services.clock.now().replace(microsecond=0)
    change = AddressChange(email, account.email, now)
    save_profile(account, [AddressChangeRequested(change)], services)


def requested_change(account: Account, id: str, confirmed: bool) -> AddressChange:
    """The change of the address that a link is about, which waits to be confirmed, or was and can
    be undone. Raises LinkRefused.
    """
    change = account.address_change(id)
    if change is None or (change.confirmed_at is not None) is not confirmed:
        raise LinkRefused
    return change


def confirm_address(account: Account, link: Link, services: Services) -> Account:
    """Use the new address, whose reader pressed the button behind the link. Raises LinkRefused,
    AccountTaken if it became another customer's, Unavailable.
    """
    change = requested_change(account, link.about, confirmed=False)
    note_press(change.email, link, services)
    refuse_taken(account, change.email, services)
    confirmed = AddressChangeConfirmed(change.id, services.clock.now())
    return _changed(account, confirmed, change.email, services)


def undo_address(account: Account, link: Link, services: Services) -> Account:
    """Use the old address again, whose reader pressed the button behind the link. Raises
    LinkRefused, Unavailable.
    """
    change = requested_change(account, link.about, confirmed=True)
    note_press(change.before, link, services)
    undone = AddressChangeUndone(change.id, services.clock.now())
    return _changed(account, undone, change.before, services)


def _changed(account: Account, fact: Fact, email: str, services: Services) -> Account:
    changed = save_profile(account, [fact], services)
    if changed.email != email:  # the time for it was over, or another change was faster
        raise LinkRefused
    supersede_unclaimed(changed, services)
    return changed


def change_details(account: Account, values: dict[str, str], services: Services) -> Account:
    """The account with the name, the time zone and the language that the customer gives. Raises
    Unavailable.
    """
    known = {"name": account.name, "timezone": account.profile.timezone}
    known["language"] = account.language
    new = {name: value for name, value in values.items() if value != known[name]}
    if not new:
        return account
    return save_profile(account, [ProfileChanged(new, services.clock.now(), "customer")], services)
