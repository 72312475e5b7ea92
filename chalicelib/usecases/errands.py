"""Run an errand at Stripe: once, wherever it is interrupted, whatever Stripe answers."""

from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.account import Account, ErrandKnown, Fact
from chalicelib.domain.errands import Errand, kind_of, waiting
from chalicelib.domain.errors import (
    BillhookError,
    CardDeclined,
    Doubtful,
    InvalidInput,
    NoSubscription,
    NotPossible,
    Refused,
    Unavailable,
)
from chalicelib.domain.leaving import follows
from chalicelib.domain.standing import standing
from chalicelib.domain.tasks import Declined, Kept, Outcome, Task, done_by
from chalicelib.domain.timeline import Entry
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.give_card import use_card
from chalicelib.usecases.start_trial import find_trial, make_trial
from chalicelib.usecases.tasks import Done, do_task, find_task
from chalicelib.usecases.world import World

OVER = (Refused, NoSubscription, NotPossible, InvalidInput)
"""What ends a task undone: nothing was changed, and whoever asked for it has been told, or finds it
in the timeline.
"""


def run_errands(account: Account, world: World) -> Account:
    """The account after each of its errands whose time has come was tried. What fails is tried
    again later, and keeps nothing else waiting.
    """
    for name, errand in waiting(account.errands).items():
        if errand.next_try() <= world.now():
            try:
                account = run_errand(account, name, world)
            except (Unavailable, *OVER):
                account = world.accounts.load(account.id) or account
    return account


def run_errand(account: Account, name: str, world: World) -> Account:
    """The account after an errand was done; as it is, if that is not to do.

    Raises Unavailable, Refused: then it is tried again by the agenda. A task that Stripe refuses is
    over instead, with one of OVER.
    """
    errand = waiting(account.errands).get(name)
    if errand is None:
        return account
    try:
        if errand.must_look(world.now()):
            found = _found(account, name, errand, world)
            if found is not None:
                return _done(account, name, found, world)
            errand = errand.renewed(world.now())
            account = _learnt(
                account, [ErrandKnown(name, errand)], world
            )  # the new key is written down before it is used
        return _done(account, name, _made(account, name, errand, world), world)
    except (Unavailable, *OVER) as failure:
        _count(errand, failure, world)
        if errand.task and not isinstance(failure, Unavailable):
            _over(account.id, name, errand.task, failure, world)
            raise
        _note(account.id, name, isinstance(failure, Doubtful), world)
        raise


def _count(errand: Errand, failure: BillhookError, world: World) -> None:
    """What somebody should look after: that a card was declined, or a thing asked for too late, is
    the caller's to know.
    """
    if isinstance(failure, Unavailable):
        world.count("ErrandsUnanswered", 1)
    elif isinstance(failure, Refused) and not (errand.task and isinstance(failure, CardDeclined)):
        world.count("ErrandsRefused", 1)


def _found(account: Account, name: str, errand: Errand, world: World) -> Done | None:
    """What Stripe has of an errand that may have been done; None if nothing. A card is given by
    steps that each look for themselves.
    """
    if errand.task:
        return find_task(account, errand.task, world)
    facts = find_trial(account, world) if kind_of(name)[0] == "trial" else None
    return None if facts is None else Done(facts)


def _made(account: Account, name: str, errand: Errand, world: World) -> Done:
    kind, about = kind_of(name)
    if errand.task:
        return _done_after_all(account, name, errand, errand.task, world)
    return Done(
        make_trial(account, errand, world)
        if kind == "trial"
        else use_card(account, about, errand, world)
    )


def _done_after_all(account: Account, name: str, errand: Errand, task: Task, world: World) -> Done:
    """A task done; where Stripe gave no answer, it is asked whether it did it: what was done must
    not be called a failure.
    """
    try:
        return do_task(
            account, task, f"{account.id}:{name}:{errand.generation}", errand.generation > 0, world
        )
    except Unavailable:
        with suppress(Unavailable):
            if found := find_task(account, task, world):
                return found
        raise


def _done(account: Account, name: str, done: Done, world: World) -> Account:
    errand = account.errands[name]
    facts, task = [*done.facts], errand.task
    if task:
        if (
            task.key
        ):  # the answer is kept before the task is done with: whoever asks again finds one of them
            account, facts = _learnt(account, facts, world), []
            world.calls.keep(
                _kept(
                    account,
                    task,
                    Outcome(
                        standing(account, world.policy, world.now()),
                        done_by(task),
                        charged=done.charged,
                    ),
                    world,
                )
            )
        world.log.put([_entry(account.id, name, errand, task, "")])
        facts += follows(task, errand.since)
    return _learnt(
        account, [*facts, ErrandKnown(name, replace(errand, done_at=world.now()))], world
    )


def _over(account_id: str, name: str, task: Task, failure: BillhookError, world: World) -> None:
    """Write down that a task ended undone. A card that was declined is an answer, and stays the
    same under its key.
    """
    account = world.accounts.load(account_id)
    errand = waiting(account.errands).get(name) if account else None
    if account is None or errand is None:
        return
    if task.key and isinstance(failure, CardDeclined):
        world.calls.keep(
            _kept(
                account,
                task,
                Outcome(
                    standing(account, world.policy, world.now()), declined=Declined(failure.message)
                ),
                world,
            )
        )
    world.log.put([_entry(account_id, name, errand, task, failure.code)])
    _learnt(account, [ErrandKnown(name, replace(errand, done_at=world.now()))], world)


def _kept(account: Account, task: Task, outcome: Outcome, world: World) -> Kept:
    return Kept(account.id, str(task.key), task.asked, world.now(), outcome)


def _entry(account_id: str, name: str, errand: Errand, task: Task, failure: str) -> Entry:
    """What was asked for, for the timeline: the same however often it is written."""
    told = {
        "reason": task.reason,
        "comment": task.comment,
        "coupon": task.coupon,
        "at": task.at,
        "failure": failure,
    }
    change = (
        {
            "plan": task.change.plan,
            "interval": task.change.interval,
            "quantity": task.change.quantity,
        }
        if task.change
        else {}
    )
    charge = (
        {
            "charge": task.charge.id,
            "amount": task.charge.amount,
            "currency": task.charge.currency,
            "bill": task.charge.bill,
        }
        if task.charge
        else {}
    )
    data = {field: value for field, value in (told | change | charge).items() if value}
    return Entry(
        account_id,
        errand.since,
        "call",
        name,
        f"{task.verb}.{'refused' if failure else 'done'}",
        data,
    )


def _note(account_id: str, name: str, doubtful: bool, world: World) -> None:
    """Write down that a try was in vain, on what the account is by now."""
    account = world.accounts.load(account_id)
    errand = waiting(account.errands).get(name) if account else None
    if account and errand:
        _learnt(account, [ErrandKnown(name, errand.tried(world.now(), doubtful))], world)


def _learnt(account: Account, facts: list[Fact], world: World) -> Account:
    return absorb(account, facts, world, Asker(world))
