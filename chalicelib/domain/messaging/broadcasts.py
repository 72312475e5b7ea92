"""Messages that go once to many: wanted of an account by its name, then due like any other, within
hours and caps.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.sequences import Step

AUDIENCES = {
    "trialing": "On a free trial.",
    "paying": "With a subscription that is paid, or whose payment is being tried again.",
    "lost": (
        "Had access, and has none now: the trial was not paid for, or the subscription has ended."
    ),
    "everyone": "Whoever has an account.",
}
"""Whom a broadcast may go to. It is read again when the message leaves: who came back meanwhile is
not told that we miss them.
"""


PAYING = frozenset({"active", "canceling", "past_due_grace", "first_payment"})


TOLERANCE = timedelta(days=7)
"""How long a broadcast may wait for hours and caps."""


KEPT = timedelta(days=30)
"""How long an account remembers it. Later its claim alone tells that it went out: it is looked at
before anything is wanted.
"""


def key_of(name: str) -> str:
    """Under which key a broadcast is claimed."""
    return f"broadcast@{name}"


def fits(account: Account, audience: str) -> bool:
    """Whether the account is one of AUDIENCES, by its standing."""
    standing = account.standing
    if audience == "everyone" or standing is None:
        return audience == "everyone"
    if audience == "lost":
        return standing.access == "none" and account.departed_at is not None
    return standing.reason in (ON_TRIAL if audience == "trialing" else PAYING)


def since(account: Account, audience: str) -> datetime | None:
    """Since when: of who is lost, that access ended; of others, that they came, as
    far as is known."""
    if audience == "lost":
        return account.departed_at
    known = [one.value.created for one in account.subscriptions.values()] + (
        [account.signup.at] if account.signup else []
    )
    return min(known, default=None)


def steps_of(account: Account) -> Iterator[Step]:
    """The steps of the broadcasts that are wanted of an account; each has an anchor of its own."""
    for name, wanted in account.broadcasts.items():
        yield Step(
            "broadcast",
            "broadcasts",
            f"broadcast:{name}",
            timedelta(0),
            wanted.message,
            "lifecycle",
            TOLERANCE,
        )


def unexpired(account: Account, now: datetime) -> dict[str, Broadcast]:
    """The broadcasts without those of long ago."""
    return {name: one for name, one in account.broadcasts.items() if one.at > now - KEPT}
