"""What every account is now, for the people in the control room."""

from typing import Any

from chalicelib.aws.items import account_of
from chalicelib.domain.access import standing
from chalicelib.domain.policy.policy import Policy
from chalicelib.runtime.clock import clock
from local.aws.queue_drain import Rest
from local.durations import iso


def accounts(rest: Rest, policy: Policy) -> list[dict[str, Any]]:
    """Every account: {id, access, reason, plan, until, due_at}, by id."""
    now, found = clock.now(), []
    for item in rest.account_items():
        account = account_of(item)
        is_ = standing(account, policy, now)
        moments = {
            "until": is_.until and iso(is_.until),
            "due_at": account.due_at and iso(account.due_at),
        }
        found.append(
            {
                "id": account.id,
                "access": is_.access,
                "reason": is_.reason,
                "plan": is_.plan,
                **moments,
            }
        )
    return sorted(found, key=lambda one: str(one["id"]))
