"""Carry out an account's outbox: what happened goes to the timeline, and to the team where it wants
to know, then leaves the outbox.
"""

from chalicelib.domain.agenda import emptied
from chalicelib.domain.errors import LostRace, Unavailable
from chalicelib.domain.happenings import Happening, went_stale
from chalicelib.domain.timeline import Entry
from chalicelib.usecases.operators import tell_operators
from chalicelib.usecases.world import World

TRIES = 12


def carry_out(account_id: str, world: World) -> tuple[Happening, ...]:
    """What was carried out, each happening once for its id, however often this is called and
    wherever it ends. Raises Unavailable.
    """
    carried: dict[str, Happening] = {}
    for _ in range(TRIES):
        account = world.accounts.load(account_id)
        if account is None or not account.outbox:
            return tuple(carried.values())
        fresh = [happening for happening in account.outbox if happening.id not in carried]
        world.log.put(
            Entry(account_id, one.at, "happening", one.id, one.type, one.data) for one in fresh
        )
        tell_operators(account, fresh, world)
        world.count("Disputes", sum(one.type == "payment.disputed" for one in fresh))
        world.count("AccountsStale", sum(went_stale(one) for one in fresh))
        carried |= {happening.id: happening for happening in fresh}
        try:
            world.accounts.save(account, emptied(account, world.policy, world.now()))
        except LostRace:
            continue
        return tuple(carried.values())
    raise Unavailable(f"Other writers of account {account_id} were faster {TRIES} times.")
