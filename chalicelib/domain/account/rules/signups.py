"""The rules for an address that is signed up more than once before anybody has proved it.

Whoever typed an address may not be who owns it. So a later signup waits beside the first one, and
the first press of a mailed link decides: the trial and the words of that signup count, whole and
from then on, and those of the others are dropped.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.account.facts import OperationUpdated, SignedUpAgain, SignupConfirmed
from chalicelib.domain.account.links import pending_signup
from chalicelib.domain.account.operations import HEAD_START, PendingOperation
from chalicelib.domain.account.parts.signup import PendingSignup, Signup
from chalicelib.domain.account.profile import Profile, ProfileChange
from chalicelib.domain.account.queries import has_money, is_unclaimed, trial_name
from chalicelib.domain.account.rules.stripe import apply_operation
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.values import replace

PROMPT = timedelta(hours=1)
"""Within this time after the first signup nothing of its trial is lost: it stays as it was
promised, and the same words again are a second click.
"""

SETTLING = timedelta(minutes=2)
"""How long the start of another signup's trial may still be under way: longer than any function
runs.
"""


def apply_second_signup(account: Account, fact: SignedUpAgain) -> Account:
    """Keeps a signup beside the first one. Once the account was proved or used it changes nothing.
    The same words again are the same signup; those of the first one, as long as nothing of its
    trial is lost.
    """
    if not is_unclaimed(account) or _is_repeated(account, fact):
        return account
    same = signup_with_words(account, fact)
    numbers = [one.signup.number or 1 for one in account.pending_signups]
    signup = replace(fact.signup, number=same or max(numbers, default=1) + 1)
    others = (one for one in account.pending_signups if one.signup.number != signup.number)
    known = next(
        (one.mailed_at for one in account.pending_signups if one.signup.number == same), None
    )
    added = (*others, PendingSignup(signup, fact.profile, known))
    return replace(account, pending_signups=_within_bounds(added, account.sign_in_signup))


def _is_repeated(account: Account, fact: SignedUpAgain) -> bool:
    first = account.signup
    is_prompt = first is not None and fact.signup.at < first.at + PROMPT
    return is_prompt and _is_of(first, account.profile, fact)


def signup_with_words(account: Account, typed: SignedUpAgain) -> int | None:
    """The number of the pending signup with the same words; None if there is none."""
    return next(
        (
            one.signup.number
            for one in account.pending_signups
            if _is_of(one.signup, one.profile, typed)
        ),
        None,
    )


def _is_of(signup: Signup | None, profile: Profile, typed: SignedUpAgain) -> bool:
    """Whether a signup has the words that were typed. When it was typed does not matter: a trial
    that is confirmed late is whole.
    """
    if signup is None or profile != typed.profile:
        return False
    fields = ("plan", "interval", "currency", "source", "confirm", "identities")
    return all(getattr(signup, name) == getattr(typed.signup, name) for name in fields)


def apply_mailed_link(account: Account, key: str, at: datetime) -> Account:
    """Records that the message of this key was sent, if its link belongs to a pending signup: that
    makes room for others last.
    """
    pending = pending_signup(account, key.partition("@")[2]) if key.startswith("sign_in@") else None
    if pending is None:
        return account
    mailed = tuple(
        replace(one, mailed_at=at) if one == pending else one for one in account.pending_signups
    )
    return replace(account, pending_signups=mailed)


def _within_bounds(
    pending: tuple[PendingSignup, ...], requested: int | None
) -> tuple[PendingSignup, ...]:
    """The newest signup, and that of the newest requested link; then those to which a link was
    mailed, the last ones first; then the newest.
    """
    needed = [one for one in pending if one is pending[-1] or one.signup.number == requested]
    mailed = [one for one in pending if one.mailed_at]
    mailed.sort(key=lambda one: one.mailed_at or one.signup.at, reverse=True)
    kept, left = [*needed], most("pending signups' texts") - sum(map(_size, needed))
    for one in (*mailed, *reversed(pending)):
        if one in kept or len(kept) == most("pending signups") or _size(one) > left:
            continue
        kept.append(one)
        left -= _size(one)
    return tuple(one for one in pending if one in kept)


def _size(one: PendingSignup) -> int:
    attributes = (key + text for key, text in one.profile.attributes.items())
    texts = (one.profile.name or "", *attributes)
    return sum(len(text.encode()) for text in texts)


def apply_confirmed_signup(account: Account, fact: SignupConfirmed) -> Account:
    """Makes the signup of this number the one that counts, and drops the others. Of an account that
    was proved before, nothing changes.

    The first signup's trial is begun anew only if others signed up too and nobody has used it: a
    link that nobody else has asked for opens what it has promised.
    """
    signup = account.signup
    if signup is None or account.proved_at is not None:
        return account
    found = (one for one in account.pending_signups if one.signup.number == fact.number)
    chosen = next(found, None)
    if chosen and not has_money(account):
        account = _taken_over(account, chosen, fact)
    elif not chosen and account.pending_signups and _is_late(account, signup, fact.at):
        account = _begun_anew(account, replace(signup, number=1), fact.at)
    return replace(account, pending_signups=()) if account.pending_signups else account


def _is_late(account: Account, signup: Signup, at: datetime) -> bool:
    """Whether some of the first signup's trial was lost before its link was pressed, and nobody has
    used it.
    """
    return not signup.confirm and is_unclaimed(account) and at >= signup.at + PROMPT


def _taken_over(account: Account, chosen: PendingSignup, fact: SignupConfirmed) -> Account:
    """The account with the words and the trial of another signup. What the product or the owner's
    team has changed since stays: they know whom they write about.
    """
    signup, profile = chosen.signup, chosen.profile
    if not fact.with_external_id:
        identities = tuple(one for one in signup.identities if not one.startswith("external:"))
        signup, profile = replace(signup, identities=identities), replace(profile, external_id=None)
    kept = {name: getattr(account.profile, name) for name in account.profile_changes}
    changes = _at_stripe_too(account, profile, fact.at)
    if "trial" in account.errands and not account.customers:
        # Stripe may have been asked to create a customer with these, in a call without an answer.
        first = account.profile
        signup = replace(
            signup,
            email=first.email if "email" in changes else None,
            name=first.name if "name" in changes else None,
        )
    account = replace(
        account,
        profile=replace(profile, **kept),
        profile_changes={**account.profile_changes, **changes},
    )
    return _begun_anew(account, signup, fact.at)


def _at_stripe_too(account: Account, profile: Profile, at: datetime) -> Mapping[str, ProfileChange]:
    """What Stripe's customer has otherwise, or may be given otherwise, and must have changed."""
    if not account.customers and "trial" not in account.errands:
        return {}
    present = {"email": account.email or "", "name": account.name or ""}
    wanted = {"email": profile.email or "", "name": profile.name or ""}
    return {
        name: ProfileChange(at, "customer")
        for name in wanted
        if name not in account.profile_changes
        and wanted[name].casefold() != present[name].casefold()
    }


def _begun_anew(account: Account, signup: Signup, at: datetime) -> Account:
    """The account with a whole trial from `at` on, and the operation that moves the one at Stripe
    or begins another. An end that the product has moved beyond that stays.
    """
    began = at.replace(microsecond=0)
    lasts = signup.trial_ends_at - signup.at.replace(microsecond=0)
    ends = [
        tracked.value.trial_end
        for tracked in account.subscriptions.values()
        if tracked.value.status == "trialing" and tracked.value.trial_end
    ]
    ends_at = max([began + lasts, *ends])
    account = replace(
        account, signup=replace(signup, at=began, trial_ends_at=ends_at, confirm=False)
    )
    first = account.errands.get("trial")
    may_be_under_way = first is not None and first.done_at is None
    if first and may_be_under_way:
        account = apply_operation(account, OperationUpdated("trial", replace(first, done_at=at)))
    wait = SETTLING if may_be_under_way else HEAD_START
    operation = PendingOperation(at + wait, at)
    return apply_operation(account, OperationUpdated(trial_name(signup), operation))
