"""When the provisioner is called: at once, again after a failure, and once more half-way to the
deadline of what it has accepted.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.parts.instance import CALL_TAKES, InstanceRequest
from chalicelib.domain.policy.policy import InstancePolicy

DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=15),
)
"""How long after each failed call the next one is made; after the last of these, it repeats."""

TRIED_FOR = timedelta(days=3)
"""How long everything but a creation is tried: a deletion must not be given up in an hour."""


LEAVES_WITHIN = TRIED_FOR + timedelta(hours=2)
"""How long an erasure waits for the instance to be deleted: until that has stalled, after whatever
was under way before, and operators had a notice.
"""


def deadline_of(action: str, policy: InstancePolicy, begun_at: datetime) -> datetime:
    """By when an action is to be done that is asked for from a time on."""
    return begun_at + (policy.deadline if action == "create" else TRIED_FOR)


def retry_at(request: InstanceRequest, failed_at: datetime) -> datetime:
    """When a request is called again after its last call failed at a time."""
    made = max(1, request.calls - request.calls_before)
    return failed_at + DELAYS[min(made, len(DELAYS)) - 1]


def lost_answer_at(request: InstanceRequest, called_at: datetime) -> datetime:
    """When a request is called again if the answer to a call that begins now is never known: by
    then that call has ended.
    """
    made = request.calls - request.calls_before
    return called_at + max(CALL_TAKES, DELAYS[min(made, len(DELAYS) - 1)])


def asked_again_at(request: InstanceRequest, accepted_at: datetime) -> datetime | None:
    """When the provisioner is asked once more for what it accepted at a time: half-way to the
    deadline. None if that is over: then its report is waited for.
    """
    half_way = request.begun_at + (request.deadline - request.begun_at) / 2
    return half_way if accepted_at < half_way else None


def next_look_at(request: InstanceRequest) -> datetime | None:
    """When something has to be done for a request: a call, or to tell that it stalled. None for one
    that is done or has stalled.
    """
    if not request.is_open or request.trouble == "stalled":
        return None
    return min(request.call_at or request.deadline, request.deadline)


def is_to_be_called(request: InstanceRequest | None, now: datetime) -> bool:
    """Whether a call for a request is due."""
    return (
        request is not None
        and request.is_open
        and request.trouble != "stalled"
        and request.call_at is not None
        and request.call_at <= now < request.deadline
    )
