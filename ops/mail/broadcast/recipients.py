"""Finds the recipients of a broadcast among all accounts, before anything is written."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.broadcasts import fits, key_of, since
from chalicelib.domain.policy.policy import Policy

LEFT_OUT = {
    "had": "have had it, or it is on its way to them",
    "no_address": "have no address",
    "unsubscribed": "have unsubscribed",
    "disputed": "dispute a payment",
    "unproved": "have an address that nobody has proved to be theirs",
}
"""Why an account of the audience does not get it."""

SHOWN = 5
"""How many accounts are listed before anything is done."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A broadcast's name and its audience. `since`, if given: how recently an account must have
    joined that audience.
    """

    name: str
    to: str
    since: datetime | None = None


@dataclass(slots=True)
class RecipientList:
    """The ids of the accounts that get it, the first of them in full, and how many of the audience
    do not get it, by reason.
    """

    ids: list[str] = field(default_factory=list)
    first: list[Account] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def listed(
    pages: Iterator[Sequence[Account]],
    aim: Aim,
    policy: Policy,
    now: datetime,
    claimed: Callable[[Sequence[str]], set[str]],
) -> RecipientList:
    """The recipients among all accounts. `claimed` returns which ids of a page had the message
    before: an account does not keep that for ever.
    """
    found = RecipientList()
    for page in pages:
        wanted = []
        for account in page:
            verdict = judged(account, aim, policy, now)
            if verdict == "gets":
                wanted.append(account)
            elif verdict:
                found.left_out[verdict] += 1
        had = claimed([account.id for account in wanted]) if wanted else set()
        found.left_out["had"] += len(had)
        fresh = [account for account in wanted if account.id not in had]
        found.ids += [account.id for account in fresh]
        found.first += fresh[: SHOWN - len(found.first)]
    found.left_out = +found.left_out
    return found


def judged(account: Account, aim: Aim, policy: Policy, now: datetime) -> str:
    """`gets`, one of LEFT_OUT, or None for an account outside the audience."""
    account = replace(account, standing=standing(account, policy, now))
    began = since(account, aim.to)
    if not fits(account, aim.to) or (aim.since and (began is None or began < aim.since)):
        return ""
    if aim.name in account.broadcasts or key_of(aim.name) in account.mails:
        return "had"
    hindered = {
        "no_address": not account.email,
        "unsubscribed": "lifecycle" in account.unsubscribed,
        "disputed": account.disputed,
        "unproved": not account.proved,
    }
    return next((why for why, is_so in hindered.items() if is_so), "gets")
