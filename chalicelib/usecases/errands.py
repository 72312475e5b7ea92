"""Run an errand at Stripe: once, wherever it is interrupted, whatever Stripe answers."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.account import Account, ErrandKnown, Fact
from chalicelib.domain.errands import Errand, kind_of, waiting
from chalicelib.domain.errors import Doubtful, Refused, Unavailable
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.give_card import use_card
from chalicelib.usecases.start_trial import find_trial, make_trial
from chalicelib.usecases.world import World


def run_errands(account: Account, world: World) -> Account:
    """The account after each of its errands whose time has come was tried. What fails is tried again later, and keeps nothing else waiting."""
    for name, errand in waiting(account.errands).items():
        if errand.next_try() <= world.now():
            try:
                account = run_errand(account, name, world)
            except (Unavailable, Refused):
                account = world.accounts.load(account.id) or account
    return account


def run_errand(account: Account, name: str, world: World) -> Account:
    """The account after an errand was done; as it is, if that is not to do. Raises Unavailable, Refused: then it is tried again by the agenda."""
    errand = waiting(account.errands).get(name)
    if errand is None:
        return account
    try:
        if errand.must_look(world.now()):
            found = _found(account, name, world)
            if found is not None:
                return _done(account, name, found, world)
            errand = errand.renewed(world.now())
            account = _learnt(account, [ErrandKnown(name, errand)], world)  # the new key is written down before it is used
        return _done(account, name, _made(account, name, errand, world), world)
    except (Unavailable, Refused) as failure:
        world.count("ErrandsRefused" if isinstance(failure, Refused) else "ErrandsUnanswered", 1)
        _note(account.id, name, isinstance(failure, Doubtful), world)
        raise


def _found(account: Account, name: str, world: World) -> Sequence[Fact] | None:
    """What Stripe has of an errand that may have been done; None if nothing. A card is given by steps that each look for themselves."""
    return find_trial(account, world) if kind_of(name)[0] == "trial" else None


def _made(account: Account, name: str, errand: Errand, world: World) -> Sequence[Fact]:
    kind, about = kind_of(name)
    return make_trial(account, errand, world) if kind == "trial" else use_card(account, about, errand, world)


def _done(account: Account, name: str, facts: Sequence[Fact], world: World) -> Account:
    errand = account.errands[name]
    return _learnt(account, [*facts, ErrandKnown(name, replace(errand, done_at=world.now()))], world)


def _note(account_id: str, name: str, doubtful: bool, world: World) -> None:
    """Write down that a try was in vain, on what the account is by now."""
    account = world.accounts.load(account_id)
    errand = waiting(account.errands).get(name) if account else None
    if account and errand:
        _learnt(account, [ErrandKnown(name, errand.tried(world.now(), doubtful))], world)


def _learnt(account: Account, facts: Sequence[Fact], world: World) -> Account:
    return absorb(account, facts, world, Asker(world))
