"""Keeps an account within its bounds (domain/bounds.py): refuses a caller's change that goes over
one, and drops what no rule needs any more.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.operations import PendingOperation, kind_of, pending, unexpired
from chalicelib.domain.account.parts.signup import PendingSignup
from chalicelib.domain.account.queries import has_money
from chalicelib.domain.account.rules.profile import unlapsed_addresses
from chalicelib.domain.account.state import DISPUTES_WON, Account, Grant
from chalicelib.domain.bounds import BOUNDS, most
from chalicelib.domain.errors import TooMany
from chalicelib.domain.messaging.broadcasts import unexpired as unexpired_broadcasts
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from chalicelib.domain.security.openings import ENDED_FOR
from chalicelib.values import frozen, replace

MAILS_KEPT = timedelta(days=30)
"""How long the record of a message is kept once its occasion no longer stands."""

ON_REQUEST = frozenset(step.id for step in TRANSACTIONAL_STEPS)
"""Steps whose message is requested, such as a sign-in link. Only the newest of each can be due."""

V = TypeVar("V")


@frozen
class _Counted:
    """How to count what a bound limits. `fields` are those of the account that it is counted in;
    `advice` says what the caller can do.
    """

    fields: tuple[str, ...]
    count: Callable[[Account, datetime], int]
    advice: str


def refuse_growth(written: Account, updated: Account, now: datetime) -> None:
    """Raises TooMany if a caller's change takes the account over one of its bounds. An account that
    is over a bound already may stay as it is, and shrink.
    """
    for name, counted in _COUNTED.items():
        if all(getattr(written, field) is getattr(updated, field) for field in counted.fields):
            continue
        count = counted.count(updated, now)
        if count > most(name) and count > counted.count(written, now):
            raise TooMany(
                f"An account can have at most {most(name)} {BOUNDS[name].what}. {counted.advice}"
            )


def pruned(account: Account, policy: Policy, now: datetime) -> Account:
    """The account without what no rule needs any more, and within the bounds of what Stripe and
    time add.
    """
    account = unlapsed_addresses(account, now)
    # before the messages, of which each broadcast is an occasion
    account = replace(account, broadcasts=unexpired_broadcasts(account, now))
    return replace(
        account,
        mails=_same_if_equal(account.mails, _mails(account, policy, now)),
        errands=_same_if_equal(account.errands, _operations(account, now)),
        grants=_grants(account, now),
        pending_signups=_pending_signups(account),
        ended=_newest(account.ended, most("ended"), lambda at: at),
        disputes=_disputes(account.disputes),
        ended_links={mark: at for mark, at in account.ended_links.items() if now < at + ENDED_FOR},
        charged_back=_newest(account.charged_back, most("disputes"), lambda at: at),
        feedback=_newest(account.feedback, most("feedback"), lambda given: given.at),
        outbox=account.outbox[-most("events") :],
        worker_outbox=account.worker_outbox[-most("events") :],
    )


def _texts(account: Account, now: datetime) -> int:
    return sum(len(text.encode()) for text in _written_by_callers(account))


def _written_by_callers(account: Account) -> Iterator[str]:
    for name, value in account.profile.attributes.items():
        yield name + value
    for grant in account.grants:
        yield grant.note
    for operation in pending(account.errands).values():
        if operation.task:
            yield operation.task.comment or ""
            yield operation.task.charge.description if operation.task.charge else ""
    for feedback in account.feedback.values():
        yield feedback.comment
    if account.leave:
        yield account.leave.comment or ""
    for event in (*account.outbox, *account.worker_outbox):
        yield str(event.data.get("note") or event.data.get("comment") or "")


_COUNTED: Mapping[str, _Counted] = {
    "ended links": _Counted(
        ("ended_links",),
        lambda account, now: len(account.ended_links),
        "End all links together.",
    ),
    "grants": _Counted(
        ("grants",),
        lambda account, now: sum(now < grant.until for grant in account.grants),
        "Wait until one ends.",
    ),
    "milestones": _Counted(
        ("milestones",),
        lambda account, now: len(account.milestones),
        "Report fewer kinds of milestones.",
    ),
    "operations": _Counted(
        ("errands",),
        lambda account, now: sum(kind_of(name)[0] == "do" for name in pending(account.errands)),
        "They go on by themselves: try again later.",
    ),
    "broadcasts": _Counted(
        ("broadcasts",),
        lambda account, now: len(unexpired_broadcasts(account, now)),
        "Send the next one when the oldest is 30 days old.",
    ),
    "address changes": _Counted(
        ("address_changes",),
        lambda account, now: len(unlapsed_addresses(account, now).address_changes),
        "Each counts for as long as it can be undone.",
    ),
    "texts": _Counted(
        ("profile", "grants", "errands", "feedback", "leave"),
        _texts,
        "Use shorter texts, or try again in a minute.",
    ),
}
"""The bounds that a caller's change can go over."""


def _mails(account: Account, policy: Policy, now: datetime) -> dict[str, MessageRecord]:
    """The records of messages that can come due again, that wait, or that are younger than
    MAILS_KEPT; of those above the bound the oldest go that can neither wait nor come due.
    """
    current = {occasion.id for occasion in occasions(account, policy)}
    newest = _newest_on_request(account.mails)

    def is_needed(key: str, record: MessageRecord) -> bool:
        return record.outcome == "queued" or key.partition("@")[2] in current

    kept = {
        key: record
        for key, record in account.mails.items()
        if is_needed(key, record)
        or (record.at > now - MAILS_KEPT and newest.get(key.partition("@")[0], key) == key)
    }
    spare = {key: record for key, record in kept.items() if not is_needed(key, record)}
    room = max(0, most("messages") - (len(kept) - len(spare)))
    dropped = spare.keys() - _newest(spare, room, lambda record: record.at).keys()
    return {key: record for key, record in kept.items() if key not in dropped}


def _newest_on_request(mails: Mapping[str, MessageRecord]) -> dict[str, str]:
    """The key of the newest record of each step in ON_REQUEST."""
    found: dict[str, str] = {}
    for key, record in mails.items():
        step = key.partition("@")[0]
        if step in ON_REQUEST and (
            step not in found or (record.at, key) > (mails[found[step]].at, found[step])
        ):
            found[step] = key
    return found


def _operations(account: Account, now: datetime) -> dict[str, PendingOperation]:
    """The operations that are not done, and the newest of those that are. Of the cards that wait to
    become the default, of the changes that wait to be made at Stripe, and of the purchases beside
    which sessions expire, only the newest matter: an earlier one never replaces a later one.
    """
    operations = unexpired(account.errands, now)
    waiting = {
        name: operation.not_before
        for name, operation in pending(operations).items()
        if kind_of(name)[0] in {"card", "profile", "sessions"}
    }
    done = {
        name: operation.done_at
        for name, operation in operations.items()
        if operation.done_at and name != "trial"
    }
    dropped = waiting.keys() - _newest(waiting, most("operations"), lambda at: at).keys()
    dropped |= done.keys() - _newest(done, most("operations done"), lambda at: at).keys()
    return {name: operation for name, operation in operations.items() if name not in dropped}


def _grants(account: Account, now: datetime) -> tuple[Grant, ...]:
    """The grants, of ended ones only the last. They are sorted by their end."""
    ended = [grant for grant in account.grants if grant.until <= now]
    dropped = ended[: -most("ended grants")]
    return tuple(grant for grant in account.grants if grant not in dropped)


def _pending_signups(account: Account) -> tuple[PendingSignup, ...]:
    """The signups that wait for a mailed link: none once somebody pays for the account, or was
    granted access to it. Then it is the customer's, whoever signed up since.
    """
    return () if account.grants or has_money(account) else account.pending_signups


def _disputes(disputes: Mapping[str, str]) -> Mapping[str, str]:
    """At most as many disputes as the bound says. Those that the owner won make room first, then
    the oldest.
    """
    over = len(disputes) - most("disputes")
    if over <= 0:
        return disputes
    won_first = sorted(disputes, key=lambda id: disputes[id] not in DISPUTES_WON)
    dropped = set(won_first[:over])
    return {id: status for id, status in disputes.items() if id not in dropped}


def _newest(values: Mapping[str, V], number: int, at: Callable[[V], datetime]) -> Mapping[str, V]:
    """The newest `number` values by their time, in their order."""
    if len(values) <= number:
        return values
    oldest_first = sorted(values, key=lambda key: (at(values[key]), key))
    kept = set(oldest_first[len(values) - number :])
    return {key: value for key, value in values.items() if key in kept}


def _same_if_equal(old: Mapping[str, V], new: Mapping[str, V]) -> Mapping[str, V]:
    return old if len(old) == len(new) else new
