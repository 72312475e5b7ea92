"""What customers see of their instance: whether it can be used and where, or how far it is."""

from datetime import datetime, timedelta

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.hosts import link_to
from chalicelib.domain.outgoing.targets import is_this_machine
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen

PHASES = {
    "making": "It is being made. The customer waits.",
    "opening": "It is being opened again, after access has come back. The customer waits.",
    "ready": "It can be used.",
    "stalled": "It was not ready in time. Operators know, and a mail will come.",
    "held": "An operator suspended it, whatever the access.",
    "suspended": "It is closed because the account has no access. Its data is kept.",
    "deleted": "It is gone, with its data.",
}
"""Every phase of an instance, as its customer sees it."""

LOOKS: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(seconds=30), timedelta(seconds=2)),
    (timedelta(minutes=2), timedelta(seconds=5)),
    (timedelta(minutes=10), timedelta(seconds=15)),
)
"""Up to a wait, how long until the page looks again: most instances are ready within seconds, and
a page that is left open must cost little.
"""

LATER = timedelta(minutes=1)
"""How long until the page looks again after the waits of LOOKS, until the deadline."""


@frozen
class ShownInstance:
    """An instance as its customer sees it: `phase` is one of PHASES.

    `url` is where it is, if it can be used there. `is_asked` tells whether the provisioner was
    asked, `is_begun` whether it said that it is at it, `is_delayed` whether it failed and is tried
    again. `look_after` is when a page that waits looks again; None if it does not. `deletes_at` is
    when it will be deleted.
    """

    phase: str
    url: str | None = None
    is_asked: bool = False
    is_begun: bool = False
    is_delayed: bool = False
    look_after: timedelta | None = None
    deletes_at: datetime | None = None


def shown_instance(account: Account, policy: Policy, now: datetime) -> ShownInstance | None:
    """The account's instance as its customer sees it; None if there is none and none is made."""
    if policy.instance is None:
        return None
    instance = account.instance
    is_open = standing(account, policy, now).access != "none"
    if instance is None:
        begun = account.signup.at if account.signup else now
        return _waiting("making", begun, now) if is_open else None
    if instance.erase_by or not is_open:
        return _closed(instance)
    if instance.order == "suspended":
        return ShownInstance("held")
    return _open(instance, policy, now)


def instance_url(account: Account, policy: Policy, now: datetime) -> str | None:
    """Where the account's instance is, if its customer can use it now and the policy still allows
    the host; None otherwise.
    """
    shown = shown_instance(account, policy, now)
    return shown.url if shown else None


def way_back(account: Account, policy: Policy, now: datetime) -> str | None:
    """Where a customer goes back to who comes from paying: to the instance, which says itself how
    far it is if it is not open yet. None if there is none, or the policy does not allow its host.
    """
    shown, instance = shown_instance(account, policy, now), account.instance
    if shown is None or instance is None or shown.phase in {"making", "stalled", "deleted"}:
        return None
    return allowed_url(instance, policy)


def allowed_url(instance: Instance, policy: Policy) -> str | None:
    """The instance's URL if it is on one of the hosts that the policy has now; None otherwise. This
    machine is one only where the policy names it, which a deployment refuses.
    """
    hosts = policy.instance.hosts if policy.instance else ()
    if instance.url is None:
        return None
    try:
        return link_to(instance.url, hosts, loopback=any(map(is_this_machine, hosts)))
    except InvalidInput:
        return None


def _open(instance: Instance, policy: Policy, now: datetime) -> ShownInstance:
    """That of an account with access."""
    request = instance.open_request
    if request is None and instance.state == "ready":
        return ShownInstance("ready", allowed_url(instance, policy))
    is_over = request is not None and (request.trouble == "stalled" or request.deadline <= now)
    if request and is_over and request.target == "ready":
        return ShownInstance("stalled")
    phase = "opening" if instance.state in {"ready", "suspended"} else "making"
    if request is None or request.target != "ready":
        return _waiting(phase, instance.since, now)  # it is asked for next
    has_failed = request.trouble == "failed" or request.error is not None
    return _waiting(
        phase,
        request.begun_at,
        now,
        is_asked=request.calls > 0,
        is_begun=request.accepted_at is not None,
        is_delayed=has_failed and request.accepted_at is None,
    )


def _closed(instance: Instance) -> ShownInstance | None:
    """That of an account without access, or of one that leaves."""
    if instance.state == "deleted" or instance.status == "deleting" or instance.erase_by:
        return ShownInstance("deleted") if instance.state != "none" else None
    if instance.state == "none":
        return None
    return ShownInstance("suspended", deletes_at=instance.deletes_at)


def _waiting(
    phase: str,
    begun_at: datetime,
    now: datetime,
    is_asked: bool = False,
    is_begun: bool = False,
    is_delayed: bool = False,
) -> ShownInstance:
    waited = now - begun_at
    looks = LOOKS if begun_at <= now else ()  # its turn has not come yet
    pause = next((pause for until, pause in looks if waited < until), LATER)
    return ShownInstance(phase, None, is_asked, is_begun, is_delayed, pause)
