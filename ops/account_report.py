"""Reports of one account: for the operator as text, for the person concerned as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.aws.items import Item
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.links import is_opening_ended
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.due_work import due_work, is_dead
from chalicelib.localization.amounts import money
from ops.export.lines import line_of

NEWEST = 20
"""How many entries of the timeline are shown."""

ABOUT = (
    "All that Billhook holds of this person. Stripe holds the customer, its payments and its cards;"
    " SES does not keep messages. Logs hold the account's id for 30 days, backups of this data 35"
    " days."
)


def account_lines(
    account: Account, entries: Sequence[Entry], policy: Policy, now: datetime
) -> Iterator[str]:
    """The account in lines of text: its standing now, Stripe's objects, its messages, its due work,
    and the newest entries of its timeline.
    """
    is_ = standing(account, policy, now)
    yield f"{account.id}  {account.email or 'no address'}" + (
        f"  ({account.name})" if account.name else ""
    )
    until = f", until {_at(is_.until)}" if is_.until else ""
    yield f"access        {is_.access} ({is_.reason}), plan {is_.plan or '-'}{until}"
    if account.refused_join and account.refused_join.waits:
        yield f"names         {account.refused_join.account_id} without a proof: accounts joins"
    for id, known in account.customers.items():
        card = "card on file" if known.value.card else "no card"
        yield f"customer      {id}  {'deleted' if known.value.deleted else card}"
    for id, sub in account.subscriptions.items():
        yield f"subscription  {id}  {sub.value.status}, as reported {_at(sub.seen)}"
    for id, billed in account.invoices.items():
        yield (
            f"invoice       {id}  {billed.value.status}"
            f"  {money(billed.value.amount_due, billed.value.currency or policy.currency)}"
        )
    for key, mailed in sorted(account.mails.items(), key=lambda one: one[1].at):
        yield f"mail          {_at(mailed.at)}  {mailed.outcome:<8}{key}"
    for stream, since in account.unsubscribed.items():
        yield f"unsubscribed  {stream} since {_at(since)}"
    yield from _openings(account)
    if is_dead(account):
        yield "waits         for nothing: it failed too often. accounts revive tries again"
    for waiting in () if is_dead(account) else due_work(account, policy, now):
        yield f"waits         {_at(waiting.at)}  {waiting.what}"
    for entry in entries[:NEWEST]:
        yield f"happened      {_at(entry.at)}  {entry.kind:<10}{entry.type}"


def _openings(account: Account) -> Iterator[str]:
    for one in account.openings:
        ended = ", ended" if is_opening_ended(account, one.link) else ""
        yield f"page opened   {_at(one.at)}  {one.link}  {one.browser or 'unknown'}{ended}"


def person(account: Account, items: Iterable[Item]) -> dict[str, Any]:
    """All data about one person: the account, and the other items of its partition."""
    beside = [line_of(item) for item in items]
    return {
        "about": ABOUT,
        "account": msgspec.to_builtins(account),
        "timeline": [line for file, line in beside if file == "timeline"],
        "messages": [line for file, line in beside if file == "messages"],
        "audit": [line for file, line in beside if file == "audit"],
        "others": [line for file, line in beside if file not in {"timeline", "messages", "audit"}],
    }


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
