"""Where a customer is led to: the instance's URL, checked anew each time."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.hosts import link_to
from chalicelib.domain.policy.policy import Policy

MET_AGAIN = frozenset({"ready", "suspending", "suspended", "resuming"})
"""The statuses of an instance that has a page of its own, which says what is going on."""


def ready_link(account: Account, policy: Policy) -> str | None:
    """The URL of the account's instance, if it is ready. It is on one of the hosts of billing.toml
    as they are now: an older URL may be on one that is not the owner's any more. None otherwise.
    """
    instance = account.instance
    return _link(account, policy) if instance and instance.status == "ready" else None


def known_link(account: Account, policy: Policy) -> str | None:
    """The same of an instance that is ready or suspended, for a customer who comes from there."""
    instance = account.instance
    return _link(account, policy) if instance and instance.status in MET_AGAIN else None


def _link(account: Account, policy: Policy) -> str | None:
    url = account.instance.url if account.instance else None
    if policy.instance is None or url is None:
        return None
    try:
        # A deployment's policy names no host on this machine, so none passes there.
        return link_to(url, policy.instance.hosts, loopback=True)
    except InvalidInput:
        return None
