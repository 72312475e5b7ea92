"""Reschedule every account after a change of the policy, some pages in each run. Each is listed and
found by its name afterwards, even if a release without lists wrote it last.
"""

from datetime import timedelta

from chalicelib.domain.errors import ConcurrentUpdate, NewerSchemaVersion
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.publishing import without_published
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import replace

PAGES_A_RUN = 100
"""How many pages of the table one run reads at most."""

SECONDS = 20
"""How long a run begins new pages. The longest page, with every account on it to be rescheduled,
still ends within the function's time-out.
"""


def replan(services: Services) -> int:
    """Reschedule the accounts of the next pages, unless all accounts have this policy already.
    Returns how many were rescheduled.

    The progress is saved after each page, so the next run continues there. An account that has the
    policy's hash is skipped: this job or any other write has rescheduled it. Raises Unavailable.
    """
    before = services.stores.replan_states.load()
    state = (
        before
        if before and before.hash == services.policy.hash
        else ReplanState(services.policy.hash, version=before.version if before else 0)
    )
    rescheduled, until = 0, services.clock.now() + timedelta(seconds=SECONDS)
    for _ in range(PAGES_A_RUN):
        if state.done or services.clock.now() > until:
            break
        ids, cursor = services.stores.replan_states.page(state)
        results = [_reschedule(id, services) for id in ids]
        rescheduled += results.count(True)
        found = state.found + len(ids) - results.count(None)
        # A round that found accounts of another policy is followed by one more: functions of the
        # release before may have written behind it.
        following = replace(
            state,
            cursor=cursor,
            found=found if cursor else 0,
            done=cursor is None and not found,
            version=state.version + 1,
        )
        try:
            services.stores.replan_states.save(state, following)
        except ConcurrentUpdate:
            break  # another run is at work
        state = following
    services.metrics.count("AccountsReplanned", rescheduled)
    return rescheduled


def _reschedule(id: str, services: Services) -> bool | None:
    """Whether the account was rescheduled; None if only a newer release can read it, so that
    another round would not help. Raises Unavailable.
    """

    def reschedule() -> bool:
        account = services.stores.accounts.load(id)
        if account is None or account.policy == services.policy.hash:
            return False
        account = without_published(account, services)
        services.stores.accounts.save_listed(
            account, next_version(account, account, services.policy, services.clock.now())
        )
        return True

    try:
        return retry_on_lost_race(id, reschedule, services)
    except NewerSchemaVersion:
        return None
