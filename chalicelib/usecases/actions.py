"""What the product or the customer asks for: decided, written down, done at Stripe once, and
answered with what it came to.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from chalicelib.domain import actions
from chalicelib.domain.account import Account, ErrandKnown, Grant, GrantGiven, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.checkouts import currency_of
from chalicelib.domain.errands import AT_ONCE, Errand, waiting
from chalicelib.domain.errors import (
    CardDeclined,
    IdempotencyConflict,
    InvalidInput,
    Unavailable,
)
from chalicelib.domain.standing import standing
from chalicelib.domain.tasks import Charge, Kept, Outcome, Preview, Task, done_by
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.checkout import Returns, open_checkout
from chalicelib.usecases.errands import OVER, run_errand
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.tasks import hold, line_of
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import retry_on_lost_race

GOES_ON = "What was asked for is written down and goes on by itself; ask again for what it came to."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller sent, in one form for the same, and its Idempotency-Key, if it gave one."""

    what: str
    key: str | None = None


Decide = Callable[[Account, datetime], Task | None]
"""The task that is to be done for an account; None where all is so already. Raises what keeps it
from being done.
"""

Otherwise = Callable[[Account], Outcome]


def cancel(
    account_id: str, asked: Asked, when: str, reason: str | None, comment: str | None, world: World
) -> Outcome:
    """End the subscription, `now` or at the `period_end`. As all of these: raises AccountNotFound,
    what the decision raises (domain/actions.py), IdempotencyConflict, CardDeclined, Refused; and
    Unavailable, after which the agenda goes on with it.
    """
    return _perform(
        account_id,
        asked,
        lambda account, now: actions.cancellation(account, when, reason, comment, now),
        world,
    )


def pause(account_id: str, asked: Asked, until: datetime, world: World) -> Outcome:
    """Collect no payments until then."""
    return _perform(
        account_id, asked, lambda account, now: actions.pause(account, until, now), world
    )


def reactivate(account_id: str, asked: Asked, returns: Returns, world: World) -> Outcome:
    """The way back: `uncanceled`, `resumed`, or `checkout` with the URL of the page that leads on.
    Raises AlreadySubscribed too.
    """

    def checkout(account: Account) -> Outcome:
        url = open_checkout(account.id, None, None, None, returns, world)
        return Outcome(standing(account, world.policy, world.now()), "checkout", url)

    return _perform(
        account_id, asked, lambda account, now: actions.reactivation(account), world, checkout
    )


def change_plan(
    account_id: str,
    asked: Asked,
    plan: str,
    interval: str | None,
    quantity: int | None,
    prorate: str,
    world: World,
    as_of: datetime | None = None,
) -> Outcome:
    """Another plan, interval or quantity; with `as_of` of a preview it costs to the cent what that
    said.
    """

    def decide(account: Account, now: datetime) -> Task | None:
        return actions.plan_change(
            account, world.policy, plan, interval, quantity, prorate, as_of or now
        )

    return _perform(account_id, asked, decide, world)


def move_trial_end(account_id: str, asked: Asked, ends_at: datetime, world: World) -> Outcome:
    """Let the running trial end then."""
    return _perform(
        account_id, asked, lambda account, now: actions.trial_end(account, ends_at, now), world
    )


def give_discount(account_id: str, asked: Asked, coupon: str, world: World) -> Outcome:
    """Give a coupon's discount to the subscription, once."""
    return _perform(
        account_id, asked, lambda account, now: actions.discount(account, coupon, now), world
    )


def charge(
    account_id: str,
    asked: Asked,
    amount: int,
    currency: str,
    description: str,
    bill: str,
    world: World,
) -> Outcome:
    """Charge an amount, on the `next_invoice` or billed `now`; what is billed now and declined is
    withdrawn. The key is required.
    """
    if asked.key is None:
        raise InvalidInput("A charge must have an Idempotency-Key.", "Idempotency-Key")
    wanted = Charge(f"chg_{_digest(account_id, asked.key)}", amount, currency, description, bill)
    return _perform(
        account_id,
        asked,
        lambda account, now: actions.charge(account, world.policy, wanted, now),
        world,
    )


def grant(
    account_id: str, asked: Asked, until: datetime, plan: str | None, note: str, world: World
) -> Outcome:
    """Give access by hand until then, without Stripe; the same again gives nothing more."""
    account = require_account(account_id, world.accounts)
    if kept := _answered_before(account_id, asked, world):
        return kept
    given = Grant(until, plan, note)
    actions.check_grant(given, world.policy, world.now())
    account = absorb(account, [GrantGiven(given)], world, Asker(world))
    return _answer(account, asked, Outcome(standing(account, world.policy, world.now())), world)


def do(account_id: str, asked: Asked, decide: Decide, world: World) -> Outcome:
    """Do what `decide` gives, for what no call of the product's can ask."""
    return _perform(account_id, asked, decide, world)


def preview_change(
    account_id: str,
    plan: str,
    interval: str | None,
    quantity: int | None,
    prorate: str,
    world: World,
    as_of: datetime | None = None,
) -> Preview:
    """Exactly what a change of plan would cost now, or as of a moment, by Stripe's own reckoning.
    Changes nothing; raises as `change_plan` does.
    """
    account = require_account(account_id, world.accounts)
    now = (as_of or world.now()).replace(microsecond=0)
    task = actions.plan_change(account, world.policy, plan, interval, quantity, prorate, now)
    if task is None or task.change is None:
        return Preview(None, 0, currency_of(account, world.policy), now)
    held = hold(account, str(task.subscription), world)
    invoice = world.stripe.subscriptions.preview_change(
        held.one.id, line_of(held, task.change, world), task.change
    )
    item = actions.plan_item(held.one, world.policy)
    at_once = held.one.status != "trialing" and (
        prorate == "now" or item.interval != task.change.interval
    )
    due = int(invoice["amount_due"])
    return Preview(
        task.change, due if at_once else 0, str(invoice["currency"]), now, None if at_once else due
    )


def _perform(
    account_id: str, asked: Asked, decide: Decide, world: World, otherwise: Otherwise | None = None
) -> Outcome:
    def begin() -> Outcome | tuple[Account, str | None]:
        """The answer that was given before under the same key; else the account, and the name of
        the task that waits for this call, None if there is none.
        """
        account = require_account(account_id, world.accounts)
        if kept := _answered_before(account_id, asked, world):
            return kept
        account = _ready(account, asked, world)
        if name := _waiting(account, asked):
            return account, name
        task = decide(account, world.now())
        if task is None:
            return account, None
        name = _name(account, asked)
        now = world.now()
        begun = Errand(now + AT_ONCE, now, task=replace(task, key=asked.key, asked=asked.what))
        new = next_version(account, apply(account, ErrandKnown(name, begun)), world.policy, now)
        # The task is saved before Stripe is called: a call beside or after this one goes on with
        # the same task.
        world.accounts.save(account, new)
        return new, name

    begun = retry_on_lost_race(account_id, begin, world)
    if isinstance(begun, Outcome):
        return begun
    account, name = begun
    if name:
        return _outcome(account, asked, name, world)
    done = (
        otherwise(account) if otherwise else Outcome(standing(account, world.policy, world.now()))
    )
    return _answer(account, asked, done, world)


def _outcome(account: Account, asked: Asked, name: str, world: World) -> Outcome:
    task = account.errands[name].task
    try:
        account = run_errand(account, name, world)
    except Unavailable as failure:
        raise type(failure)(f"{failure.message} {GOES_ON}") from failure
    if kept := _answered_before(account.id, asked, world):
        return kept
    return Outcome(standing(account, world.policy, world.now()), done_by(task) if task else None)


def _ready(account: Account, asked: Asked, world: World) -> Account:
    """The account once nothing else is under way for its subscription: what comes next is decided
    on what that has led to.
    """
    account = run_errand(account, "trial", world)
    ours = _waiting(account, asked)
    for name, errand in waiting(account.errands).items():
        if errand.task and errand.task.verb != "charge" and name != ours:
            try:
                account = run_errand(account, name, world)
            except OVER:
                account = require_account(account.id, world.accounts)
    return account


def _waiting(account: Account, asked: Asked) -> str | None:
    """The task that waits for the same call. Raises IdempotencyConflict for another call under the
    same key.
    """
    for name, errand in waiting(account.errands).items():
        if (
            errand.task
            and errand.task.key == asked.key
            and (asked.key or errand.task.asked == asked.what)
        ):
            if errand.task.asked != asked.what:
                _conflict()
            return name
    return None


def _name(account: Account, asked: Asked) -> str:
    """Of a key always the same, as long as no try under it has ended undone: so two who come at
    once begin one task.
    """
    base = f"do:{_digest(account.id, asked.key)}" if asked.key else f"do:{secrets.token_hex(8)}"
    tried = sum(name.partition(".")[0] == base for name in account.errands)
    return f"{base}.{tried}" if tried else base


def _digest(account_id: str, key: str) -> str:
    return hashlib.sha256(f"{account_id} {key}".encode()).hexdigest()[:20]


def _answered_before(account_id: str, asked: Asked, world: World) -> Outcome | None:
    kept = world.calls.load(account_id, asked.key) if asked.key else None
    return _given(kept, asked) if kept else None


def _answer(account: Account, asked: Asked, outcome: Outcome, world: World) -> Outcome:
    if asked.key is None:
        return outcome
    return _given(
        world.calls.keep(Kept(account.id, asked.key, asked.what, world.now(), outcome)), asked
    )


def _given(kept: Kept, asked: Asked) -> Outcome:
    if kept.asked != asked.what:
        _conflict()
    if kept.outcome.declined:
        raise CardDeclined(kept.outcome.declined.message)
    return kept.outcome


def _conflict() -> NoReturn:
    raise IdempotencyConflict(
        "This Idempotency-Key was used for another call: take another one.", "Idempotency-Key"
    )
