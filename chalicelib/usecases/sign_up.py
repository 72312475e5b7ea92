"""Sign a visitor up: the account first, then Stripe; one trial for one person.

Where the answer must not tell who is known, the wish is handed in without a look at the table: what
would be done for who is known and who is not takes another time, and time is an answer too.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from chalicelib.domain.account import Account, Profile, SignedUp, Signup, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.errors import AccountTaken, Refused, Unavailable
from chalicelib.domain.facts import SignInAsked
from chalicelib.domain.signups import Wish, identity
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.errands import run_errand
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import retry_on_lost_race

SIGN_UP, SIGN_IN = "sign_up", "sign_in"
"""What the act queue's work is called that was handed in."""


@dataclass(frozen=True, slots=True)
class SignupOutcome:
    """`created`, with the account that is on trial, or is to be confirmed first; or `known`, an
    address or id that has had its trial.
    """

    what: str
    account: Account | None = None


def sign_up(wish: Wish, confirm: bool, world: World, id: str | None = None) -> SignupOutcome:
    """A new account on trial, written before Stripe is asked for anything: with Stripe down it is
    on trial all the same.

    Who is known already gets a sign-in link by mail instead; not so whose account is `id`: it is
    the same signup again. Raises Unavailable if the table cannot be reached: then nothing was done.
    """
    new = Account(id or _new_id())
    account = next_version(
        new, apply(new, _signed_up(wish, confirm, world)), world.policy, world.now()
    )

    def write() -> Account:
        if known := _known(wish, world):
            return known
        world.accounts.save(new, account)
        world.count("Signups", 1)
        return account

    # A race is lost when another tab writes at this very moment: which of the two is faster is
    # known at the next try.
    found: Account | None
    try:
        found = retry_on_lost_race(new.id, write, world)
    except AccountTaken:  # another tab was faster, or the product's id has an account
        found = _known(wish, world)
    if found and found.id == new.id:
        # new, or written before by this very signup, which lost the answer or did not finish
        return _begun(found, world)
    return _welcome_back(found, wish, world)


def hand_in_signup(wish: Wish, confirm: bool, world: World) -> None:
    """Have the signup done a moment later, whoever it is: one message, and no look at the table.
    Raises Unavailable: then nothing was done.
    """
    world.act_queue.send(
        {SIGN_UP: json.dumps({"id": _new_id(), "confirm": confirm, "wish": asdict(wish)})}
    )


def hand_in_sign_in(email: str, world: World) -> None:
    """The same for a wish to sign in. Raises Unavailable."""
    world.act_queue.send({SIGN_IN: email})


def take_up(work: Mapping[str, str], world: World) -> None:
    """Do what was handed in; the same again does no harm. Raises Unavailable; KeyError, ValueError,
    TypeError for what nobody here handed in.
    """
    if SIGN_IN in work:
        ask_to_sign_in(work[SIGN_IN], world)
    else:
        handed_in = json.loads(work[SIGN_UP])
        sign_up(Wish(**handed_in["wish"]), handed_in["confirm"], world, handed_in["id"])


def _new_id() -> str:
    return f"acc_{secrets.token_hex(10)}"


def _begun(account: Account, world: World) -> SignupOutcome:
    """The trial begins at Stripe, at once if Stripe answers."""
    try:
        account = run_errand(account, "trial", world)
    except (Unavailable, Refused):
        account = world.accounts.load(account.id) or account  # the agenda goes on with it
    nudge(account, world)
    return SignupOutcome("created", account)


def _signed_up(wish: Wish, confirm: bool, world: World) -> SignedUp:
    now = world.now()
    identities = (
        f"email:{identity(wish.email)}",
        *([f"external:{wish.external_id}"] if wish.external_id else []),
    )
    ends_at = (now + timedelta(days=world.policy.trial.days)).replace(microsecond=0)
    signup = Signup(
        wish.plan, ends_at, now, wish.source, wish.interval, confirm, identities, wish.currency
    )
    return SignedUp(
        signup, Profile(wish.email, wish.name, wish.external_id, wish.timezone, wish.attributes)
    )


def ask_to_sign_in(email: str, world: World) -> None:
    """Have a sign-in link mailed to the account of an address, if there is one; one in 15 minutes.
    Raises Unavailable.
    """
    account = _owner(email, world)
    if account is not None:
        nudge(
            absorb(account, [SignInAsked(world.now().replace(microsecond=0))], world, Asker(world)),
            world,
        )


def _known(wish: Wish, world: World) -> Account | None:
    """Who has had this trial, or is a customer already under this address, whoever adopted it."""
    return _owner(wish.email, world) or (
        world.accounts.with_trial(f"external:{wish.external_id}") if wish.external_id else None
    )


def _owner(email: str, world: World) -> Account | None:
    had_trial = world.accounts.with_trial(f"email:{identity(email)}")
    if had_trial:
        return had_trial
    customers = [
        account
        for account in world.accounts.with_email(email)
        if account.subscriptions or account.ended or account.signup
    ]
    return max(
        customers,
        key=lambda account: (
            account.standing is not None and account.standing.access != "none",
            account.id,
        ),
        default=None,
    )


def _welcome_back(known: Account | None, wish: Wish, world: World) -> SignupOutcome:
    """The link goes to the account's own address, and only if that is the one that was typed:
    nobody has mail sent to others by their id.
    """
    world.count("SignupsKnown", 1)
    if known and known.email and identity(known.email) == identity(wish.email):
        ask_to_sign_in(wish.email, world)
    return SignupOutcome("known")


def nudge(account: Account, world: World) -> None:
    """Have what is due now done now rather than at the next sweep. Should it be lost, the sweep
    does it.
    """
    if account.due_at and account.due_at <= world.now():
        try:
            world.act_queue.send({"account_id": account.id})
        except Unavailable:
            return
