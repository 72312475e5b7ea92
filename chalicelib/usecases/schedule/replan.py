"""Plan every account anew under a changed policy: a walk in stretches, resumed
wherever it ended."""

from dataclasses import replace

from chalicelib.domain.errors import ConcurrentUpdate, NewerSchemaVersion
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race

A_STRETCH = 5
"""Pages of the table a run."""


def replan(services: Services) -> int:
    """Walk one stretch, if the table has not seen this policy yet; how many accounts were planned
    anew.

    Where the walk is, is written after each page: one that ended in the middle goes on there, and
    does nothing twice, for an account that carries the policy's hash has been planned under it, by
    the walk or by any news. Raises Unavailable.
    """
    before = services.stores.replan_states.load()
    walk = (
        before
        if before and before.hash == services.policy.hash
        else ReplanState(services.policy.hash, version=before.version if before else 0)
    )
    replanned = 0
    for _ in range(A_STRETCH):
        if walk.done:
            break
        ids, cursor = services.stores.replan_states.page(walk)
        planned = [_plan(id, services) for id in ids]
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
            services.stores.replan_states.save(walk, further)
        except ConcurrentUpdate:
            break  # another walks already
        walk = further
    services.metrics.count("AccountsReplanned", replanned)
    return replanned


def _plan(id: str, services: Services) -> bool | None:
    """Whether the account was planned; None if only a younger release can read it, so that no
    further walk would plan it either. Raises Unavailable.
    """

    def plan() -> bool:
        account = services.stores.accounts.load(id)
        if account is None or account.policy == services.policy.hash:
            return False
        services.stores.accounts.save(
            account, next_version(account, account, services.policy, services.clock.now())
        )
        return True

    try:
        return retry_on_lost_race(id, plan, services)
    except NewerSchemaVersion:
        return None
