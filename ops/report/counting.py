"""Counts the results of each step's messages from timelines. Entries may come in any order and
repeatedly. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.changes.conversions import is_conversion
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.figures.interval import difference
from chalicelib.domain.messaging.mail_counts import counted_as

WITHIN = timedelta(days=14)
"""A conversion counts for a message that was sent or held out at most this long before it."""

TAKEN = frozenset(
    {"mail.accepted", "mail.delivered", "mail.delayed", "mail.bounced", "mail.complained"}
)
"""Reports of SES that prove that it accepted a message. For a message whose reply was lost, this is
the only proof.
"""

NOT_TAKEN = frozenset({"mail.rejected", "mail.not_rendered"})


@dataclass(frozen=True, slots=True)
class Line:
    """One step. `converted` counts the messages after which the reader became a paying customer, or
    became one again.
    """

    step: str
    sent: int = 0
    delivered: int = 0
    unsubscribed: int = 0
    converted: int = 0
    held_out: int = 0
    held_out_converted: int = 0
    young: int = 0

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """The share of conversions among those sent minus that among those held out, and its 95 %
        interval; None if nobody was held out.
        """
        return difference(self.converted, self.sent, self.held_out_converted, self.held_out)


@dataclass(slots=True)
class _Message:
    """What is known about one `step@occasion` of one account. `at` is the earliest time of any
    entry.
    """

    key: str
    at: datetime | None = None
    sent: bool = False
    refused: bool = False
    delivered: bool = False
    held_out: bool = False

    @property
    def counts(self) -> bool:
        return self.held_out or (self.sent and not self.refused)


@dataclass(slots=True)
class _Account:
    messages: dict[str, _Message] = field(default_factory=dict)
    conversions: set[datetime] = field(default_factory=set)
    leavings: set[datetime] = field(default_factory=set)


class Counting:
    """`add` entries, then read `lines`. It keeps a few words for each message."""

    def __init__(self) -> None:
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    def add(self, entries: Iterable[Entry]) -> None:
        """Count entries of kind `mail` and `happening`; others are ignored."""
        for entry in entries:
            if entry.kind == "mail":
                self._add_mail(entry)
            elif entry.kind == "happening" and is_conversion(entry.type, entry.data or {}):
                self._accounts[entry.account_id].conversions.add(entry.at)

    def _add_mail(self, entry: Entry) -> None:
        account = self._accounts[entry.account_id]
        if entry.type == "mail.unsubscribed":
            account.leavings.add(entry.at)
        elif entry.type in {"mail.sent", "mail.held_out"} | TAKEN | NOT_TAKEN:
            key = (
                entry.id
                if entry.type in {"mail.sent", "mail.held_out"}
                else str(entry.data["message"])
            )
            message = account.messages.setdefault(key, _Message(key))
            message.at = min(message.at or entry.at, entry.at)
            message.held_out |= entry.type == "mail.held_out"
            message.sent |= entry.type == "mail.sent" or entry.type in TAKEN
            message.delivered |= entry.type == "mail.delivered"
            message.refused |= entry.type in NOT_TAKEN

    def lines(self, now: datetime) -> list[Line]:
        """A line for each step with messages that were sent or held out, by name."""
        tallies: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for account in self._accounts.values():
            by_step: defaultdict[str, list[tuple[datetime, _Message]]] = defaultdict(list)
            for message in account.messages.values():
                if message.counts and message.at:
                    by_step[counted_as(message.key)].append((message.at, message))
            for step, found in by_step.items():
                found.sort(key=lambda pair: (pair[0], pair[1].key))
                converted = _last_before(found, account.conversions)
                for at, message in found:
                    _tally(
                        tallies[step], message, message.key in converted, young=at > now - WITHIN
                    )
            sent = sorted(
                (at, one.key, one)
                for found in by_step.values()
                for at, one in found
                if not one.held_out
            )
            for key in _last_before([(at, one) for at, _, one in sent], account.leavings):
                tallies[counted_as(key)]["unsubscribed"] += 1
        return [Line(step, **tallies[step]) for step in sorted(tallies)]


def _tally(tally: defaultdict[str, int], message: _Message, converted: bool, young: bool) -> None:
    if message.held_out:
        tally["held_out"] += 1
        tally["held_out_converted"] += converted
    else:
        tally["sent"] += 1
        tally["delivered"] += message.delivered
        tally["converted"] += converted
    tally["young"] += young


def _last_before(
    messages: list[tuple[datetime, _Message]], moments: Iterable[datetime]
) -> set[str]:
    """The message to which each conversion is attributed: the last one before it, if that was not
    too long ago. The messages are in the order of time.
    """
    keys = set()
    for moment in moments:
        before = [(at, message.key) for at, message in messages if at <= moment]
        if before and moment <= before[-1][0] + WITHIN:
            keys.add(before[-1][1])
    return keys
