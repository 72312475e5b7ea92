"""Brings together what an account's instance is to be and what it is.

What it is to be follows from the account's access and the clock; what it is, from the provisioner's
answers. There is one request at a time, and the next one is for the newest wish: who changes their
mind twice while a call fails ends with the last.
"""

from datetime import datetime, timedelta
from zlib import crc32

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.instance import Instance, InstanceRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.call_times import (
    TRIED_FOR,
    deadline_of,
    is_to_be_called,
    next_look_at,
)
from chalicelib.domain.policy.policy import InstancePolicy, Policy
from chalicelib.values import replace

ANNOUNCED = timedelta(days=7)
"""How long before its deletion a customer gets a message about it, also where a new policy would
delete it at once.
"""

SPREAD = timedelta(days=1)
"""Over how long the deletions are spread that a new policy makes due together."""


def with_instance(
    account: Account, policy: Policy, now: datetime, was_there: bool = False
) -> Account:
    """The account, whose standing is as of now, with what its instance needs next. Without
    `[instance]` in the policy nothing is asked any more, and nothing stalls: what is over by then
    begins anew once it is back. `was_there` says that it had access before it was to have an
    instance: there may be many of these, so each is asked for in its turn.
    """
    instance = account.instance
    if policy.instance is None:
        return replace(account, instance=_unattended(instance)) if instance else account
    if instance is None:
        if not has_access(account):
            return account
        instance = Instance(now)
    else:
        was_there = False
    instance = _stalled(_attended(instance, policy.instance, now), now)
    if instance.order == "deleted" and has_access(account) and not instance.erase_by:
        instance = replace(instance, order=None)  # what is used is deleted by nobody's order
    instance = replace(instance, deletes_at=_deletes_at(account, instance, policy.instance, now))
    asked = _asked(account, instance, policy.instance, now)
    if was_there and asked and asked.request:
        waits = replace(asked.request, turn="waits", deadline=now + TRIED_FOR)
        asked = replace(asked, request=waits)
    return replace(account, instance=asked)


LONG_THERE = timedelta(days=1)
"""A customer whose subscription is older than this when Billhook learns of it was there before."""


def was_there(written: Account, account: Account) -> bool:
    """Whether an account, last written so, has had access for some time: it was a customer before
    `[instance]` was in the policy, or before Billhook.
    """
    if written.standing is not None and written.standing.access != "none":
        return True
    known = account.history_until
    return (
        written.version == 0
        and known is not None
        and any(one.value.created < known - LONG_THERE for one in account.subscriptions.values())
    )


def has_access(account: Account) -> bool:
    """Whether the account had access when its standing was found."""
    return account.standing is not None and account.standing.access != "none"


def wanted(account: Account, policy: Policy, now: datetime) -> str | None:
    """What the account's instance is to be now: `ready`, `suspended` or `deleted`; None without one
    or without `[instance]` in the policy.
    """
    if policy.instance is None or account.instance is None:
        return None
    return _wanted(account, account.instance, policy.instance, now)


def request_to_call(account: Account, policy: Policy, now: datetime) -> InstanceRequest | None:
    """The request for which the provisioner is to be called now; None if there is none. It is found
    by the account's access at this very moment, so nothing is asked that is wanted no more.
    """
    fresh = replace(account, standing=standing(account, policy, now))
    fresh = with_instance(fresh, policy, now)
    known = account.instance.open_request if account.instance else None
    request = fresh.instance.open_request if fresh.instance else None
    if request is None or known is None or request.id != known.id:
        return None
    if not is_to_be_called(request, now) or request.in_flight(now):
        return None
    is_wanted = request.target == wanted(fresh, policy, now)
    return request if is_wanted or request.action == "create" else None


def is_by_itself(account: Account, request: InstanceRequest) -> bool:
    """Whether a request is the beginning of a deletion that nobody has ordered: only so many of
    these are made a day.
    """
    instance = account.instance
    is_ordered = instance is not None and bool(instance.order or instance.erase_by)
    return request.action == "delete" and request.calls == 0 and not is_ordered


def is_leaving(account: Account) -> bool:
    """Whether the account is to be erased once its instance is gone."""
    return account.instance is not None and account.instance.erase_by is not None


def keeps_from_erasure(account: Account, policy: Policy, now: datetime) -> bool:
    """Whether an account that is to be erased has to wait for its instance to be deleted."""
    instance = account.instance
    if policy.instance is None or instance is None or not instance.exists:
        return False
    return instance.erase_by is None or now < instance.erase_by


def next_moment(account: Account, policy: Policy, now: datetime) -> datetime | None:
    """When something is due for the account's instance: a call, or a wish that changes by the
    clock; None if nothing is.
    """
    instance = account.instance
    if instance is None:
        return None
    if instance.erase_by and not keeps_from_erasure(account, policy, now):
        return now
    if policy.instance is None:
        return None
    request = instance.open_request
    looked_at = next_look_at(request) if request else None
    if looked_at or instance.erase_by:
        return looked_at or instance.erase_by
    if instance.order or has_access(account) or account.departed_at is None:
        return None
    times = []
    if instance.state == "ready":
        times.append(account.departed_at + policy.instance.suspend_after)
    if instance.exists and instance.deletes_at:
        times.append(instance.deletes_at)
    return min((at for at in times if at > now), default=None)


def _wanted(account: Account, instance: Instance, policy: InstancePolicy, now: datetime) -> str:
    if instance.erase_by:
        return "deleted"
    if instance.order:
        return instance.order
    if has_access(account):
        return "ready"
    if instance.state == "deleted" and not instance.exists:
        return "deleted"
    if instance.deletes_at and instance.deletes_at <= now:
        return "deleted"
    departed_at = account.departed_at
    if departed_at is None or now < departed_at + policy.suspend_after:
        return "ready" if instance.state in {"none", "ready"} else instance.state
    return "suspended"


def _deletes_at(
    account: Account, instance: Instance, policy: InstancePolicy, now: datetime
) -> datetime | None:
    """When the instance is to be deleted. It never comes nearer than ANNOUNCED, so a policy that
    deletes sooner deletes nothing without a warning, and not all on one day.
    """
    if (
        has_access(account)
        or account.departed_at is None
        or policy.delete_after is None
        or not instance.exists
    ):
        return None
    planned = account.departed_at + policy.delete_after
    known = instance.deletes_at
    if known is not None and planned >= known:
        return planned
    soonest = now + ANNOUNCED
    if planned < soonest:
        planned = soonest + SPREAD * (crc32(account.id.encode()) / 0xFFFFFFFF)
    return min(known, planned) if known else planned


def _unattended(instance: Instance) -> Instance:
    """The instance, marked while nobody is asked for what it waits for."""
    request = instance.open_request
    if request is None or request.trouble == "stalled" or request.unattended:
        return instance
    return replace(instance, request=replace(request, unattended=True))


def _attended(instance: Instance, policy: InstancePolicy, now: datetime) -> Instance:
    """The instance, whose request is looked after again. If its deadline passed meanwhile, it
    begins anew under its id: nobody was asked, and reports were refused.
    """
    request = instance.open_request
    if request is None or not request.unattended:
        return instance
    request = replace(request, unattended=False)
    if now >= request.deadline:
        waits = bool(request.turn) and not request.calls
        request = replace(
            request,
            begun_at=now,
            deadline=now + TRIED_FOR if waits else deadline_of(request.action, policy, now),
            call_at=now,
            calls_before=request.calls,
            accepted_at=None,
            turn="waits" if waits else "",
        )
    return replace(instance, request=request)


def _stalled(instance: Instance, now: datetime) -> Instance:
    """The instance, whose request has stalled if its deadline is over."""
    request = instance.open_request
    if request is None or request.trouble == "stalled" or now < request.deadline:
        return instance
    return replace(instance, request=replace(request, trouble="stalled", call_at=None), since=now)


def _asked(
    account: Account, instance: Instance, policy: InstancePolicy, now: datetime
) -> Instance | None:
    """The instance with the request that it needs now; None if there never was one and none is
    wanted any more.
    """
    want = _wanted(account, instance, policy, now)
    request = instance.open_request
    if request and request.target != want and request.calls == 0:
        instance = _since(replace(instance, request=None), instance, now)  # nobody was asked yet
        request = None
    if request and not _is_over(request, want, now):
        if request.target != want and request.action != "create" and request.accepted_at:
            # The provisioner is at it, and is not asked once more for what is wanted no more.
            return replace(instance, request=replace(request, call_at=None))
        return instance
    action = _needed(instance, want)
    if action is None and request and request.trouble != "stalled":
        return _since(replace(instance, request=None), instance, now)  # wanted by nobody any more
    if action is None or (request and request.action == action):
        is_known = instance.exists or instance.request or instance.erase_by
        return instance if is_known else None
    new = InstanceRequest(
        id=f"{account.id}.{account.epoch}.{account.version}.{action}",
        action=action,
        begun_at=now,
        deadline=deadline_of(action, policy, now),
        call_at=now,
    )
    return _since(replace(instance, request=new), instance, now)


def _is_over(request: InstanceRequest, want: str, now: datetime) -> bool:
    """Whether the request makes room for another one: it has stalled, or the wish has changed since
    and nothing is under way by it. A creation is ended first: what it may have made is unknown.
    """
    if request.trouble == "stalled":
        return True
    return (
        request.target != want
        and request.action != "create"
        and request.accepted_at is None
        and not request.in_flight(now)
    )


def _needed(instance: Instance, want: str) -> str | None:
    """What to ask for, so that the instance becomes what is wanted; None if it is that already.
    Where it is in doubt what it is, it is asked for again.
    """
    state, doubt = instance.state, instance.doubt
    if want == "ready":
        if state in {"none", "deleted"} or doubt == "delete":
            return "create"
        return "resume" if state == "suspended" or doubt else None
    if want == "suspended":
        if state in {"none", "deleted"}:
            return None
        return "suspend" if state == "ready" or doubt else None
    return "delete" if instance.exists else None


def _since(after: Instance, before: Instance, now: datetime) -> Instance:
    return replace(after, since=now) if after.status != before.status else after
