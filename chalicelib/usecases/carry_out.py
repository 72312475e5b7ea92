"""Carry out an account's outbox: each happening goes to the timeline, and to the team if it wants
to know, and then leaves the outbox.
"""

from chalicelib.domain.account import Account
from chalicelib.domain.agenda import emptied
from chalicelib.domain.happenings import Happening, went_stale
from chalicelib.domain.timeline import Entry
from chalicelib.usecases.operators import tell_operators
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import update


def carry_out(account_id: str, world: World) -> tuple[Happening, ...]:
    """The happenings that were carried out. Each is carried out once for its id, however often
    this is called and wherever it ends. Raises Unavailable.
    """
    carried: dict[str, Happening] = {}

    def empty(account: Account) -> Account | None:
        if not account.outbox:
            return None
        fresh = [happening for happening in account.outbox if happening.id not in carried]
        world.log.put(
            Entry(account_id, one.at, "happening", one.id, one.type, one.data) for one in fresh
        )
        tell_operators(account, fresh, world)
        world.count("Disputes", sum(one.type == "payment.disputed" for one in fresh))
        world.count("AccountsStale", sum(went_stale(one) for one in fresh))
        carried.update({happening.id: happening for happening in fresh})
        return emptied(account, world.policy, world.now())

    update(account_id, empty, world)
    return tuple(carried.values())
