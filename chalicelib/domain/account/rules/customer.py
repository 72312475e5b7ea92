"""The rules by which facts from the customer, the product and operators change an account."""

from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import (
    CancellationConfirmed,
    CancellationRequested,
    ContractWithdrawn,
    ExitFeedback,
    ExitFeedbackGiven,
    RetentionOfferAccepted,
)
from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    ConsentGiven,
    GrantGiven,
    LinksEnded,
    MessageRecorded,
    MilestoneReached,
    NoticeComplained,
    OperationUpdated,
    SignedIn,
    SignedUp,
    SignInRequested,
    Superseded,
)
from chalicelib.domain.account.links import SIGN_IN_LASTS
from chalicelib.domain.account.operations import HEAD_START, PendingOperation
from chalicelib.domain.account.queries import cancellation_is_requested
from chalicelib.domain.account.rules.signups import apply_mailed_link, signup_with_words
from chalicelib.domain.account.rules.stripe import apply_operation
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.openings import OPENINGS_KEPT, LinkEnded, LinkOpened
from chalicelib.values import replace

CANCELLATION_INTERVAL = timedelta(minutes=15)
"""At most one message about the same request to cancel is sent in this time."""


FEEDBACK_CHANGEABLE = timedelta(days=1)
"""How long exit feedback can be changed after the first answer."""


def apply_signup(account: Account, fact: SignedUp) -> Account:
    """Records the signup, and adds the operation that starts its trial unless it waits to be
    confirmed. A second signup changes nothing.
    """
    if account.signup:
        return account
    changed = {name: getattr(account.profile, name) for name in account.profile_changes}
    typed = {name: getattr(fact.profile, name) for name in ("email", "name") if name in changed}
    account = replace(
        account,
        signup=replace(fact.signup, **typed),
        profile=replace(fact.profile, **changed),
    )
    return _with_trial_to_start(account, fact.signup.at)


def apply_proof(account: Account, fact: AddressProved) -> Account:
    """Records the first proof of the address. It voids older links, and starts the trial of a
    signup that waited for it: the trial ends as much later as it starts. Later on, only the first
    proof of another address is recorded.
    """
    if account.proved_at is not None:
        change = account.profile_changes.get("email")
        is_of_another = change and account.proved_at <= change.at < fact.at
        return replace(account, proved_at=fact.at) if is_of_another else account
    at = fact.at
    account = replace(account, proved_at=at, link_epoch=account.link_epoch + 1)
    signup = account.signup
    if signup is None or not signup.confirm:
        return account
    ends_at = at + (signup.trial_ends_at - signup.at)
    signup = replace(signup, confirm=False, at=at, trial_ends_at=ends_at)
    return _with_trial_to_start(replace(account, signup=signup), at)


def _with_trial_to_start(account: Account, at: datetime) -> Account:
    if account.signup is None or account.signup.confirm:
        return account
    operation = PendingOperation(at + HEAD_START, at)
    return apply_operation(account, OperationUpdated("trial", operation))


def apply_sign_in_request(account: Account, fact: SignInRequested) -> Account:
    """Records the request, so that a link is mailed, unless one was requested for the same address
    less than SIGN_IN_LASTS ago that still works. Each signup gets one of its own.
    """
    last, number = account.sign_in_asked_at, _signup_of(account, fact)
    is_for_another = fact.typed is not None and number != account.sign_in_signup
    if last and (fact.at < last or (fact.at == last and not is_for_another)):
        return account
    works_yet = last and fact.at < last + SIGN_IN_LASTS and _works_yet(account, last, fact.at)
    if works_yet and not is_for_another:
        return account
    return replace(account, sign_in_asked_at=fact.at, sign_in_signup=number)


def _signup_of(account: Account, fact: SignInRequested) -> int | None:
    """The number of the signup that a link belongs to which is requested now: the one that was
    typed, or the newest one with this address; None for the first, and once the address was proved.
    """
    if account.proved_at is not None:
        return None
    if fact.typed:
        return signup_with_words(account, fact.typed)
    email = (fact.email or account.email or "").casefold()
    of_address = [
        one.signup.number
        for one in account.pending_signups
        if (one.profile.email or "").casefold() == email
    ]
    return of_address[-1] if of_address else None


def _works_yet(account: Account, last: datetime, at: datetime) -> bool:
    """Whether the link that was requested at `last` was neither used nor ended, and went to the
    present address.
    """
    used, ended = account.signed_in_by, account.links_void_before
    changed = account.profile_changes.get("email")
    return not (
        (used is not None and used >= last)
        or (ended is not None and ended >= last)
        or (changed is not None and last < changed.at <= at)
    )


def apply_sign_in(account: Account, fact: SignedIn) -> Account:
    """Marks the sign-in link, and every older one, as used."""
    if account.signed_in_by and fact.requested_at <= account.signed_in_by:
        return account
    return replace(account, signed_in_by=fact.requested_at)


def apply_ended_links(account: Account, fact: LinksEnded) -> Account:
    """Ends the links and sessions that were handed out until then."""
    if account.links_void_before and fact.at <= account.links_void_before:
        return account
    return replace(account, links_void_before=fact.at)


def apply_superseding(account: Account, fact: Superseded) -> Account:
    """Keeps since when another account has the address; the first time counts."""
    known = account.superseded_at
    return account if known and known <= fact.at else replace(account, superseded_at=fact.at)


def apply_opening(account: Account, fact: LinkOpened) -> Account:
    """Keeps the opening, if it is among the newest."""
    oldest_first = sorted(
        {*account.openings, fact.opening}, key=lambda one: (one.at, one.link, one.browser)
    )
    kept = tuple(oldest_first[-OPENINGS_KEPT:])
    return account if kept == account.openings else replace(account, openings=kept)


def apply_ended_link(account: Account, fact: LinkEnded) -> Account:
    """Ends the link; the first time counts."""
    known = account.ended_links.get(fact.link)
    if known and known <= fact.at:
        return account
    return replace(account, ended_links={**account.ended_links, fact.link: fact.at})


def apply_milestone(account: Account, fact: MilestoneReached) -> Account:
    """Keeps the earliest time at which the milestone was reached. The product's word counts for
    more than a people system's, whenever it comes; of several systems, that of the earliest, and of
    two at the same time the first by name.
    """
    stored, told = account.milestones.get(fact.name), (fact.at, fact.by)
    if stored is None:
        earliest = told
    else:
        known = (stored, account.milestones_by.get(fact.name, ""))
        earliest = min(known, told)
        if "" in (known[1], fact.by):
            earliest = (earliest[0], "")
        if earliest == known:
            return account
    at, by = earliest
    others = {name: by for name, by in account.milestones_by.items() if name != fact.name}
    return replace(
        account,
        milestones={**account.milestones, fact.name: at},
        milestones_by={**others, fact.name: by} if by else others,
    )


def apply_consent(account: Account, fact: ConsentGiven) -> Account:
    """Subscribes the account to a stream, or unsubscribes it."""
    if fact.subscribed is (fact.stream not in account.unsubscribed):
        return account
    others = {stream: at for stream, at in account.unsubscribed.items() if stream != fact.stream}
    unsubscribed = others if fact.subscribed else {**others, fact.stream: fact.at}
    return replace(account, unsubscribed=unsubscribed)


def apply_message(account: Account, fact: MessageRecorded) -> Account:
    """Replaces the record of the message."""
    if fact.record.outcome == "sent":
        account = apply_mailed_link(account, fact.key, fact.record.at)
    return replace(account, mails={**account.mails, fact.key: fact.record})


def apply_notice_complaint(account: Account, fact: NoticeComplained) -> Account:
    """Keeps the newest complaint about a billing notice."""
    stored = account.notice_complaint
    if stored and fact.complaint.at <= stored.at:
        return account
    return replace(account, notice_complaint=fact.complaint)


def apply_broadcast(account: Account, fact: BroadcastRequested) -> Account:
    """Adds the broadcast; one of this name stays as it is."""
    if fact.name in account.broadcasts:
        return account
    return replace(account, broadcasts={**account.broadcasts, fact.name: fact.broadcast})


def apply_grant(account: Account, fact: GrantGiven) -> Account:
    """Adds the grant; an equal one is not added again."""
    if fact.grant in account.grants:
        return account
    grants = sorted(
        {*account.grants, fact.grant}, key=lambda grant: (grant.until, grant.plan or "", grant.note)
    )
    return replace(account, grants=tuple(grants))


def apply_cancellation_request(account: Account, fact: CancellationRequested) -> Account:
    """Replaces the last request, unless the same one is younger than CANCELLATION_INTERVAL."""
    request = fact.request
    last = account.leave if cancellation_is_requested(account) else None
    if last and last.what == request.what and request.at < last.at + CANCELLATION_INTERVAL:
        return account
    return replace(account, leave=request)


def apply_confirmed_cancellation(account: Account, fact: CancellationConfirmed) -> Account:
    """Marks the request, and every older one, as confirmed."""
    if account.left_by and fact.requested_at <= account.left_by:
        return account
    return replace(account, left_by=fact.requested_at)


def apply_accepted_offer(account: Account, fact: RetentionOfferAccepted) -> Account:
    """Records when a retention offer of this kind was last accepted."""
    last = account.alternatives.get(fact.kind)
    if last and fact.at <= last:
        return account
    alternatives = {**account.alternatives, fact.kind: fact.at}
    return replace(account, alternatives=alternatives, own_pause=fact.pause or account.own_pause)


def apply_withdrawal(account: Account, fact: ContractWithdrawn) -> Account:
    """Records the newest withdrawal from the contract."""
    if account.withdrawn_at and fact.at <= account.withdrawn_at:
        return account
    return replace(account, withdrawn_at=fact.at, withdrawn_refund=fact.refund)


def apply_exit_feedback(account: Account, fact: ExitFeedbackGiven) -> Account:
    """Records the feedback for an occasion. It can be changed for FEEDBACK_CHANGEABLE."""
    stored = account.feedback.get(fact.occasion)
    if stored and not stored.at <= fact.at < stored.at + FEEDBACK_CHANGEABLE:
        return account
    feedback = ExitFeedback(fact.answer, stored.at if stored else fact.at, fact.comment)
    if feedback == stored:
        return account
    return replace(account, feedback={**account.feedback, fact.occasion: feedback})
