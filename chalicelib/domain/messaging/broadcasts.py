"""Broadcasts: messages that are sent once to many accounts, within the hours and limits."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.sequences import Step

AUDIENCES = {
    "trialing": "On a free trial.",
    "paying": "With a subscription that is paid, or whose payment is being tried again.",
    "lost": ("Had access and lost it: the trial was not paid for, or the subscription has ended."),
    "everyone": "Every account.",
}
"""The audiences of broadcasts. They are checked again when the message is sent: a customer who came
back meanwhile does not get a message for lost customers.
"""


PAYING = frozenset({"active", "canceling", "past_due_grace", "first_payment"})


TOLERANCE = timedelta(days=7)
"""How long a broadcast may wait for the hours and limits."""


KEPT = timedelta(days=30)
"""How long an account keeps a broadcast. After that only its claim shows that it was sent; the
claim is checked before a broadcast is requested.
"""


def key_of(name: str) -> str:
    """The key of a broadcast's claim."""
    return f"broadcast@{name}"


def fits(account: Account, audience: str) -> bool:
    """Whether the account is in the audience, one of AUDIENCES, by its standing."""
    standing = account.standing
    if audience == "everyone" or standing is None:
        return audience == "everyone"
    if audience == "lost":
        return standing.access == "none" and account.departed_at is not None
    return standing.reason in (ON_TRIAL if audience == "trialing" else PAYING)


def since(account: Account, audience: str) -> datetime | None:
    """Since when the account is in the audience: for `lost` the end of access, else the first known
    subscription or signup.
    """
    if audience == "lost":
        return account.departed_at
    known = [one.value.created for one in account.subscriptions.values()] + (
        [account.signup.at] if account.signup else []
    )
    return min(known, default=None)


def steps_of(account: Account) -> Iterator[Step]:
    """The steps of the account's broadcasts; each has an anchor of its own."""
    for name, broadcast in account.broadcasts.items():
        yield Step(
            "broadcast",
            "broadcasts",
            f"broadcast:{name}",
            timedelta(0),
            broadcast.message,
            "lifecycle",
            TOLERANCE,
        )


def unexpired(account: Account, now: datetime) -> dict[str, Broadcast]:
    """The broadcasts without those that are older than KEPT."""
    return {name: one for name, one in account.broadcasts.items() if one.at > now - KEPT}
