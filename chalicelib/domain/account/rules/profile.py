"""The rules by which the customer's address, name, time zone and language change.

Each field has the value of its newest change. A change at Stripe counts if it was made to the
customer that the account came from. What is not a change there is no news: a state that only
repeats the address says nothing about it, and neither does the echo of Billhook's own call.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.operations import HEAD_START, PendingOperation, kind_of, pending
from chalicelib.domain.account.ordering import FromEvent, Tracked
from chalicelib.domain.account.profile import (
    MOST_COPIED,
    AddressChange,
    AddressChangeConfirmed,
    AddressChangeRequested,
    AddressChangeUndone,
    CustomerCreated,
    PreviousEmail,
    ProfileChange,
    ProfileChanged,
)
from chalicelib.domain.account.state import AT_STRIPE, Account
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.values import replace

PUSHED_WITHIN = timedelta(days=1)
"""How long after a change Stripe's customer is brought into line with it. Later differences were
made at Stripe, or Stripe refused the change.
"""


def apply_profile_change(account: Account, fact: ProfileChanged) -> Account:
    """Gives each field the value of its newest change. Of two in the same second, one made here is
    newer than one made at Stripe: Stripe tells whole seconds only.
    """
    for name, value in fact.values.items():
        change, stored = ProfileChange(fact.at, fact.by), account.profile_changes.get(name)
        known = getattr(account.profile, name)
        if stored and _order(change, value) <= _order(stored, known):
            continue
        if account.signup and not stored and name in {"email", "name"}:
            # What Stripe was given first is asked for again, if its answer was lost.
            account = replace(account, signup=replace(account.signup, **{name: known}))
        given: dict[str, Any] = {name: value}
        account = replace(
            account,
            profile=replace(account.profile, **given),
            profile_changes={**account.profile_changes, name: change},
        )
    return account


def _order(change: ProfileChange, value: str | None) -> tuple[datetime, bool, datetime, str]:
    return change.at.replace(microsecond=0), not change.is_stripes, change.at, value or ""


def changes_at_stripe(
    account: Account,
    stored: Tracked[Customer] | None,
    tracked: Tracked[Customer] | None,
    fact: CustomerSnapshot,
) -> list[ProfileChanged]:
    """What a report of a customer tells about the profile. `stored` is what was known of the
    customer before, `tracked` what is known with the report.

    An event that names a field among its changes proves when it changed. A report that only shows
    another value than the last one proves no more than a change since that one; an event that does
    not tell what it changed is taken at its own time.
    """
    customer, source = fact.customer, fact.source
    if fact.echo or customer.deleted or account.origin_id not in (None, customer.id):
        return []
    is_newest = tracked is not None and stored is not None and tracked.value == customer
    found = []
    for name, attribute in AT_STRIPE.items():
        value = getattr(customer, attribute)
        if not value:
            continue
        if name in fact.changed and isinstance(source, FromEvent):
            found.append(ProfileChanged({name: value}, source.created, "stripe"))
        elif stored and is_newest and value != getattr(stored.value, attribute):
            tells_nothing = isinstance(source, FromEvent) and source.before is None
            at = source.created if isinstance(source, FromEvent) and tells_nothing else stored.seen
            found.append(ProfileChanged({name: value}, at, "stripe"))
    return found


def with_undo_of_move(before: Account, after: Account, fact: CustomerSnapshot) -> Account:
    """The account `after` a report of a customer at Stripe. If the report changed the address,
    whoever had proved the one `before` is told and can undo it, as after a change on the own page.

    An address that nobody had proved is not told: the team corrects mistyped ones at Stripe, and
    must not hand an undo to the stranger who has it. So each proof is told of one change at most.
    A restored account does not know whether the change is older than its backup.
    """
    old, new, seen = before.email, after.email, before.customers.get(fact.customer.id)
    if not old or not new or old.casefold() == new.casefold() or not before.email_proved:
        return after
    if before.restored_at and (seen is None or seen.seen <= before.restored_at):
        return after
    source = fact.source
    reported = source.created if isinstance(source, FromEvent) else source.requested_at
    later = [change.at + timedelta(seconds=1) for change in after.address_changes]
    at = max(reported.replace(microsecond=0), *later) if later else reported.replace(microsecond=0)
    told = AddressChange(new, old, at, confirmed_at=at)
    after = replace(after, address_changes=(*after.address_changes, told))
    return _with_previous(after, old, at)


def apply_created_customer(account: Account, fact: CustomerCreated) -> Account:
    """From now on the address follows the customer that Billhook created last."""
    return account if account.origin == fact.customer else replace(account, origin=fact.customer)


def apply_address_request(account: Account, fact: AddressChangeRequested) -> Account:
    """Adds the request. It replaces one that was not confirmed."""
    asked = fact.change
    if any(change.at >= asked.at for change in account.address_changes):
        return account
    confirmed = [change for change in account.address_changes if change.confirmed_at]
    return replace(account, address_changes=(*confirmed, asked))


def apply_confirmed_address(account: Account, fact: AddressChangeConfirmed) -> Account:
    """Changes the address as it was requested. A second confirmation changes nothing."""
    change = account.address_change(fact.id)
    if change is None or change.confirmed_at or fact.at >= change.lapses_at():
        return account
    confirmed = replace(change, confirmed_at=fact.at)
    changes = tuple(confirmed if one == change else one for one in account.address_changes)
    account = replace(_with_links_ended(account, fact.at), address_changes=changes)
    account = _with_previous(account, change.before, fact.at)
    return apply_profile_change(
        account, ProfileChanged({"email": change.email}, fact.at, "customer")
    )


def _with_previous(account: Account, address: str, at: datetime) -> Account:
    """With the address of before a change, which gets copies of mail about money for a time. Of
    several the first ones stay: whoever took the account over could push them out by changing on.
    """
    known = [one for one in previous_emails(account) if at < one.until()]
    is_known = any(one.address.casefold() == address.casefold() for one in known)
    if is_known or len(known) == MOST_COPIED:
        return account
    return _with_copies(account, [*known, PreviousEmail(address, at)])


def previous_emails(account: Account) -> list[PreviousEmail]:
    """The addresses of before that get copies, by their changes."""
    first = [account.previous_email] if account.previous_email else []
    return [*first, *account.also_copied]


def _with_copies(account: Account, some: Sequence[PreviousEmail]) -> Account:
    first, also = (some[0], tuple(some[1:])) if some else (None, ())
    if (first, also) == (account.previous_email, account.also_copied):
        return account
    return replace(account, previous_email=first, also_copied=also)


def apply_undone_address(account: Account, fact: AddressChangeUndone) -> Account:
    """Changes the address back. Every later change, and the right to undo it, ends with that: it
    may have been made by whoever made this one.
    """
    change = account.address_change(fact.id)
    if change is None or change.confirmed_at is None or fact.at >= change.lapses_at():
        return account
    earlier = tuple(one for one in account.address_changes if one.at < change.at)
    account = replace(_with_links_ended(account, fact.at), address_changes=earlier)
    kept = [one for one in previous_emails(account) if one.changed_at < change.at]
    account = _with_copies(account, kept)
    return apply_profile_change(
        account, ProfileChanged({"email": change.before}, fact.at, "customer")
    )


def _with_links_ended(account: Account, at: datetime) -> Account:
    """The account without the links and sessions of before. The address that they were mailed to
    may come back, and whoever changed it may have one.
    """
    ended = account.links_void_before
    return account if ended and at <= ended else replace(account, links_void_before=at)


def unlapsed_addresses(account: Account, now: datetime) -> Account:
    """The account without the changes of its address that can neither be confirmed nor undone, and
    without the addresses of before that get no copies any more.
    """
    copied = [one for one in previous_emails(account) if now < one.until()]
    account = _with_copies(account, copied)
    kept = tuple(change for change in account.address_changes if now < change.lapses_at())
    return account if kept == account.address_changes else replace(account, address_changes=kept)


def differs_at_stripe(account: Account) -> Mapping[str, str]:
    """What was last changed here, and Stripe's customer has otherwise: by the field's name in the
    profile. Empty without a customer.
    """
    customer = account.origin_customer
    if customer is None:
        return {}
    found = {}
    for name, attribute in AT_STRIPE.items():
        change, value = account.profile_changes.get(name), getattr(account.profile, name)
        if change and not change.is_stripes and value != getattr(customer, attribute):
            found[name] = value or ""  # Stripe unsets what is empty
    return found


def with_profile_operation(account: Account, now: datetime) -> Account:
    """The account with the operation that gives Stripe's customer what was changed here, if it has
    something else. There is one for each change: what Stripe refused is not asked again.
    """
    made = [change.at for change in account.profile_changes.values() if not change.is_stripes]
    newest = max(made, default=None)
    if newest is None or newest < now - PUSHED_WITHIN or not differs_at_stripe(account):
        return account
    name = f"profile:{newest.timestamp():.6f}"
    if name in account.errands:
        return account
    operation = PendingOperation(now + HEAD_START, now)
    return replace(account, errands={**account.errands, name: operation})


def profile_operations(account: Account) -> list[str]:
    """The names of the operations that give a change to Stripe and are not done."""
    return [name for name in pending(account.errands) if kind_of(name)[0] == "profile"]
