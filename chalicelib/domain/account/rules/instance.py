"""The rules by which the provisioner's answers and reports, and operators' orders, change the
account's instance. What is about an older request than the last one changes nothing.
"""

from datetime import datetime

from chalicelib.domain.account.parts.instance import (
    TARGETS,
    Instance,
    InstanceAnswered,
    InstanceCalled,
    InstanceHeld,
    InstanceLeaves,
    InstanceOrdered,
    InstanceReported,
    InstanceRequest,
)
from chalicelib.domain.account.state import Account
from chalicelib.values import replace


def apply_call(account: Account, fact: InstanceCalled) -> Account:
    """A call has begun. From then on it may have been carried out."""
    request = _open(account, fact.request_id)
    if request is None or account.instance is None or fact.number <= request.calls:
        return account
    request = replace(request, calls=fact.number, called_at=fact.at, call_at=fact.call_at)
    in_doubt = account.instance.doubt
    doubt = in_doubt if in_doubt == "delete" else request.action
    return _with(account, fact.at, request=request, doubt=doubt)


def apply_answer(account: Account, fact: InstanceAnswered) -> Account:
    """A call was answered."""
    request = _open(account, fact.request_id)
    if request is None or fact.number <= request.answered:
        return account
    request = replace(request, answered=fact.number)
    if fact.outcome == "done":
        return _settled(account, request.target, fact.url, fact.at, request)
    if fact.outcome == "gone":
        request = replace(request, done_at=fact.at, call_at=None, trouble=None)
        return _settled(account, "deleted", None, fact.at, request)
    if fact.outcome == "accepted":
        accepted = replace(
            request, accepted_at=fact.at, call_at=fact.call_at, error=None, trouble=None
        )
        return _with(account, fact.at, request=accepted)
    return _with(account, fact.at, request=_failed(request, fact.call_at, fact.error))


def apply_report(account: Account, fact: InstanceReported) -> Account:
    """The provisioner, or an operator, reports what the instance is. One that is reported for the
    first time was made by other means.
    """
    instance = account.instance or Instance(fact.at)
    if fact.request_id and (instance.request is None or instance.request.id != fact.request_id):
        return account
    account = replace(account, instance=instance)
    request = instance.open_request
    if fact.status == "creating":
        if request is None or request.target != "ready" or request.trouble == "stalled":
            return account
        return _with(
            account,
            fact.at,
            request=replace(request, accepted_at=fact.at, call_at=fact.call_at, trouble=None),
        )
    if fact.status == "failed":
        if request is None or request.trouble == "stalled":
            return account
        error = "The provisioner reported that it failed."
        failed = replace(_failed(request, fact.call_at, error), trouble="failed")
        return _with(account, fact.at, request=failed)
    return _settled(account, fact.status, fact.url, fact.at, request)


def apply_order(account: Account, fact: InstanceOrdered) -> Account:
    """An operator's order holds until the next one. One to resume leaves it to the access again,
    and asks once more for what has stalled, as a retry does. A retry also asks at once for what
    waits for its turn.
    """
    instance = account.instance
    if instance is None:
        return account
    if fact.order in {"suspend", "delete"}:
        return _with(account, fact.at, order=TARGETS[fact.order])
    if fact.order == "resume":
        account = _with(account, fact.at, order=None)
    request = instance.open_request
    if request is None or not (request.trouble or request.turn):
        return account
    again = replace(
        request,
        begun_at=fact.at,
        deadline=fact.deadline,
        call_at=fact.at,
        calls_before=request.calls,
        accepted_at=None,
        trouble=None,
        turn="",
    )
    return _with(account, fact.at, request=again)


def apply_hold(account: Account, fact: InstanceHeld) -> Account:
    """The request waits, and nobody was asked yet."""
    request = _open(account, fact.request_id)
    if request is None or request.calls or account.instance is None:
        return account
    held = replace(request, call_at=fact.until, deadline=fact.deadline)
    if request.turn:
        held = replace(held, begun_at=fact.until, turn="has")
    return replace(account, instance=replace(account.instance, request=held))


def apply_leaving(account: Account, fact: InstanceLeaves) -> Account:
    """The instance is to be deleted for good."""
    instance = account.instance
    if instance is None or instance.erase_by:
        return account
    return _with(account, fact.at, order="deleted", erase_by=fact.erase_by)


def _open(account: Account, request_id: str) -> InstanceRequest | None:
    request = account.instance.open_request if account.instance else None
    return request if request and request.id == request_id else None


def _failed(
    request: InstanceRequest, call_at: datetime | None, error: str | None
) -> InstanceRequest:
    """After a failed attempt. One that has stalled is not tried again by itself."""
    is_over = request.trouble == "stalled"
    return replace(
        request,
        accepted_at=None,
        call_at=None if is_over else call_at,
        error=error or request.error,
    )


def _settled(
    account: Account, state: str, url: str | None, at: datetime, request: InstanceRequest | None
) -> Account:
    """The instance is in a state for certain. That ends the request which wanted it."""
    instance = account.instance
    assert instance is not None
    late_at = instance.late_at
    if request and request.target == state:
        if state == "ready" and request.action == "create" and request.trouble == "stalled":
            late_at = at
        request = replace(
            request, done_at=at, call_at=None, answered=request.calls, trouble=None, error=None
        )
    goes_on = request is not None and request.is_open and request.calls > 0
    return _with(
        account,
        at,
        state=state,
        url=None if state == "deleted" else url or instance.url,
        request=request or instance.request,
        doubt=request.action if request and goes_on else None,
        late_at=None if state == "deleted" else late_at,
        deletes_at=None if state == "deleted" else instance.deletes_at,
    )


def _with(account: Account, at: datetime, **changes: object) -> Account:
    """The account with changes of its instance, which has its status since `at` if that is another
    one now.
    """
    before = account.instance
    assert before is not None
    after: Instance = replace(before, **changes)  # type: ignore[arg-type]
    if after.status != before.status:
        after = replace(after, since=at)
    return replace(account, instance=after)
