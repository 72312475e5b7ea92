"""Sign a visitor up: the account first, then Stripe; one trial for one person.

Where the answer must not tell who is known, the request is queued without a look at the table: the
work for a known visitor takes another time than that for a new one, and time is an answer too.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.account.facts import SignedUp, SignedUpAgain, SignInRequested
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.queries import holds_address, is_customer, is_unclaimed
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.security.signup import SignupRequest, identity
from chalicelib.usecases.billing.run_operation import try_operation
from chalicelib.usecases.enqueue import enqueue_if_due
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messages import SignIn, SignUp
from chalicelib.usecases.messaging.mailboxes import has_room
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import frozen


@frozen
class SignupOutcome:
    """`created`, with the account that is on trial, or is to be confirmed first; or `known`, an
    address or id that has had its trial.
    """

    what: str
    account: Account | None = None


def sign_up(
    request: SignupRequest, confirm: bool, services: Services, id: str | None = None
) -> SignupOutcome:
    """A new account on trial, written before Stripe is asked for anything: with Stripe down it is
    on trial all the same.

    Who is known already gets a sign-in link by mail instead; not so whose account is `id`: it is
    the same signup again. An account that nobody has proved or used keeps the signup beside its
    own: whoever presses the mailed link gets a whole trial, and the words of that signup. Raises
    Unavailable if the table cannot be reached: then nothing was done.
    """
    new = Account(id or _new_id())
    account = next_version(
        new,
        apply(new, _signed_up(request, confirm, services)),
        services.policy,
        services.clock.now(),
    )

    def write() -> Account:
        if known := _known(request, services):
            return known
        services.stores.accounts.save(new, account)
        services.metrics.count("Signups", 1)
        return account

    # A race is lost when another tab writes at this very moment: which of the two is faster is
    # known at the next try.
    found: Account | None
    try:
        found = retry_on_lost_race(new.id, write, services)
    except AccountTaken:  # another tab was faster, or the product's id has an account
        found = _known(request, services)
    if found and found.id == new.id:
        # new, or written before by this very signup, which lost the answer or did not finish
        return _begun(found, services)
    if found and _is_taken_beside(found, request, services):
        return _kept_beside(found, request, confirm, services)
    return _welcome_back(found, request, services)


def enqueue_signup(request: SignupRequest, confirm: bool, services: Services) -> None:
    """Have the signup done a moment later, whoever it is: one message, and no look at the table.
    Raises Unavailable: then nothing was done.
    """
    services.queues.act.send(SignUp(_new_id(), request, confirm).dump())


def enqueue_sign_in(email: str, services: Services) -> None:
    """The same for a request to sign in. Raises Unavailable."""
    services.queues.act.send(SignIn(email).dump())


def process_request(message: SignUp | SignIn, services: Services) -> None:
    """Sign the visitor up, or mail a sign-in link. Repeating a message does no harm. Raises
    Unavailable.
    """
    if isinstance(message, SignIn):
        ask_to_sign_in(message.email, services)
    else:
        sign_up(message.request, message.confirm, services, message.account_id)


def _new_id() -> str:
    return f"acc_{secrets.token_hex(10)}"


def _begun(account: Account, services: Services) -> SignupOutcome:
    """The trial begins at Stripe, at once if Stripe answers."""
    account = try_operation(account, "trial", services)
    enqueue_if_due(account, services)
    return SignupOutcome("created", account)


def _signed_up(request: SignupRequest, confirm: bool, services: Services) -> SignedUp:
    now = services.clock.now()
    identities = (
        f"email:{identity(request.email)}",
        *([f"external:{request.external_id}"] if request.external_id else []),
    )
    ends_at = (now + timedelta(days=services.policy.trial.days)).replace(microsecond=0)
    signup = Signup(
        request.plan,
        ends_at,
        now,
        request.source,
        request.interval,
        confirm,
        identities,
        request.currency,
    )
    profile = Profile(
        request.email,
        request.name,
        request.external_id,
        request.timezone,
        request.attributes,
        request.language,
    )
    return SignedUp(signup, profile)


def ask_to_sign_in(email: str, services: Services) -> None:
    """Have a sign-in link mailed to the account of an address, if there is one: one in 15 minutes,
    and none while the mailbox has had all that visitors may cause. The last of those works until
    the next may be sent. None is mailed for an address that the account had before. Raises
    Unavailable.
    """
    account = _known_as(email, is_customer, services)
    if account is None or not account.email or identity(account.email) != identity(email):
        return
    if has_room(account.email, account.email_proved, services):
        enqueue_if_due(
            apply_facts(
                account,
                [SignInRequested(services.clock.now().replace(microsecond=0), email)],
                services,
                StripeFetcher(services),
            ),
            services,
        )


def _known(request: SignupRequest, services: Services) -> Account | None:
    """Who has had this trial, or is a customer already under this address, whoever adopted it."""
    return owner_of(request.email, services) or (
        services.stores.accounts.with_trial(f"external:{request.external_id}")
        if request.external_id
        else None
    )


def owner_of(email: str, services: Services) -> Account | None:
    """The account that holds the address: it had its trial, or is a customer's. A signup that
    nobody has proved or used comes last, for anybody may have typed it. Raises Unavailable.
    """
    return _known_as(email, holds_address, services)


def _known_as(email: str, counts: Callable[[Account], bool], services: Services) -> Account | None:
    """Of the accounts that count, the one that the address is known as: one that does not hold it
    comes after all that do, and one that has not proved it after all that have. Raises Unavailable.
    """
    had_trial = services.stores.accounts.with_trial(f"email:{identity(email)}")
    is_known = had_trial is not None and not is_unclaimed(had_trial)
    if had_trial and is_known and not had_trial.superseded_at:
        return had_trial
    customers = [
        account
        for account in services.stores.accounts.with_email(email)
        if counts(account)
        and not (had_trial and (is_unclaimed(account) or not holds_address(account)))
    ]
    return max(
        customers,
        key=lambda account: (
            holds_address(account),
            account.email_proved,
            account.standing is not None and account.standing.access != "none",
            account.id,
        ),
        default=had_trial,
    )


def _is_taken_beside(found: Account, request: SignupRequest, services: Services) -> bool:
    """Whether nobody has proved or used the account, and the signup is of its mailbox. A user of
    the product who had a trial with another account has no second one.
    """
    if not is_unclaimed(found) or identity(found.email or "") != identity(request.email):
        return False
    had = request.external_id and services.stores.accounts.with_trial(
        f"external:{request.external_id}"
    )
    return not had or had.id == found.id


def _kept_beside(
    found: Account, request: SignupRequest, confirm: bool, services: Services
) -> SignupOutcome:
    """The signup waits beside the account's own, and a link to it is mailed."""
    services.metrics.count("SignupsKnown", 1)
    signed_up = _signed_up(request, confirm, services)
    typed = SignedUpAgain(signed_up.signup, signed_up.profile)
    asked = SignInRequested(services.clock.now().replace(microsecond=0), request.email, typed)
    account = apply_facts(found, [typed, asked], services, StripeFetcher(services))
    enqueue_if_due(account, services)
    return SignupOutcome("known")


def _welcome_back(
    known: Account | None, request: SignupRequest, services: Services
) -> SignupOutcome:
    """The link goes to the account's own address, and only if that is the one that was typed:
    nobody has mail sent to others by their id.
    """
    services.metrics.count("SignupsKnown", 1)
    if known and known.email and identity(known.email) == identity(request.email):
        ask_to_sign_in(request.email, services)
    return SignupOutcome("known")
