"""Plan every account anew under a changed policy: a walk in stretches, resumed
wherever it ended."""

from dataclasses import replace

from chalicelib.domain.agenda import next_version
from chalicelib.domain.errors import LostRace, NewerShape
from chalicelib.domain.walk import Walk
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import retry_on_lost_race

A_STRETCH = 5
"""Pages of the table a run."""


def replan(world: World) -> int:
    """Walk one stretch, if the table has not seen this policy yet; how many accounts were planned
    anew.

    Where the walk is, is written after each page: one that ended in the middle goes on there, and
    does nothing twice, for an account that carries the policy's hash has been planned under it, by
    the walk or by any news. Raises Unavailable.
    """
    before = world.walks.load()
    walk = (
        before
        if before and before.hash == world.policy.hash
        else Walk(world.policy.hash, version=before.version if before else 0)
    )
    replanned = 0
    for _ in range(A_STRETCH):
        if walk.done:
            break
        ids, cursor = world.walks.page(walk)
        planned = [_plan(id, world) for id in ids]
        replanned += planned.count(True)
        found = walk.found + len(ids) - planned.count(None)
        # A walk that found any is walked again: functions of the release before may have written
        # behind it.
        further = replace(
            walk,
            cursor=cursor,
            found=found if cursor else 0,
            done=cursor is None and not found,
            version=walk.version + 1,
        )
        try:
            world.walks.save(walk, further)
        except LostRace:
            break  # another walks already
        walk = further
    world.count("AccountsReplanned", replanned)
    return replanned


def _plan(id: str, world: World) -> bool | None:
    """Whether the account was planned; None if only a younger release can read it, so that no
    further walk would plan it either. Raises Unavailable.
    """

    def plan() -> bool:
        account = world.accounts.load(id)
        if account is None or account.policy == world.policy.hash:
            return False
        world.accounts.save(account, next_version(account, account, world.policy, world.now()))
        return True

    try:
        return retry_on_lost_race(id, plan, world)
    except NewerShape:
        return None
