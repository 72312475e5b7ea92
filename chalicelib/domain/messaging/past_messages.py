"""Messages of the past: the step and the occasion of one by its key, and its outcome."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.broadcasts import steps_of
from chalicelib.domain.messaging.occasions import Occasion, occasions
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS, Step
from chalicelib.values import frozen

STATES = {
    "complained": "The reader reported it as spam.",
    "bounced": "It bounced: the reader's mail server refused it.",
    "rejected": "SES took it, and then did not send it.",
    "not_rendered": "SES could not render it.",
    "delivered": "The reader's mail server took it.",
    "delayed": "The reader's mail server does not take it yet.",
    "sent": "SES took it, or the people system was told of it.",
    "queued": "It waits in the mail queue.",
    "passed": "It was not sent in time.",
    "refused": "It was not sent: the address is suppressed, or SES rejected it.",
    "held_out": "It was not sent: the account is among those whom the step leaves out, to measure"
    " what it achieves.",
    "over_limit": "It was not sent: the mailbox has had enough mail that visitors caused.",
    "unclear": "SES may have taken it: it is not sent again.",
}
"""State → what it means. What SES reported comes first, the last word first; then the outcomes of a
record.
"""

REPORTS = ("complained", "bounced", "rejected", "not_rendered", "delivered", "delayed")
"""The states that SES reports, the one that counts most first."""

_ABOUT_IS_ID = frozenset(
    {
        "payment_failed",
        "payment_succeeded",
        "invoice_due",
        "converted",
        "canceled",
        "email_asked",
        "email_changed",
    }
)
"""Anchors whose occasions have the id of what they are about."""

_ABOUT_BEFORE_LAST = frozenset({"next_try", "canceling"})
"""Anchors whose occasions have the id of what they are about, and a number."""


@frozen
class PastMessage:
    """A message of an account: its key, when it was queued or sent, the stream, its state (of
    STATES), and what was written of it, in the order of time.
    """

    key: str
    at: datetime
    stream: str
    state: str
    entries: tuple[Entry, ...] = ()


def past_messages(
    records: Mapping[str, MessageRecord], entries: Iterable[Entry]
) -> list[PastMessage]:
    """The messages of the records and of the timeline's entries, the newest first. A copy for an
    address of before counts for nothing here.
    """
    told: dict[str, list[Entry]] = {}
    for entry in entries:
        key = _key_of(entry)
        if key:
            told.setdefault(key, []).append(entry)
    found = []
    for key in records.keys() | told.keys():
        record = records.get(key)
        of_it = sorted(told.get(key, ()), key=lambda one: (one.at, one.id))
        outcome = record.outcome if record else _outcome_of(of_it)
        reported = {entry.type.removeprefix("mail.") for entry in of_it}
        state = next((name for name in REPORTS if name in reported), outcome)
        at = record.at if record else of_it[0].at
        stream = record.stream if record else _stream_of(of_it)
        found.append(PastMessage(key, at, stream, state, tuple(of_it)))
    return sorted(found, key=lambda one: (one.at, one.key), reverse=True)


def step_of(key: str, account: Account, policy: Policy) -> Step | None:
    """The step of a message's key, as billing.toml has it today; None if it has it no more."""
    name, _, id = key.partition("@")
    if name == "broadcast":
        return next((one for one in steps_of(account) if one.anchor == f"broadcast:{id}"), None)
    return next((one for one in (*policy.steps, *TRANSACTIONAL_STEPS) if one.id == name), None)


def occasion_of(
    step: Step, id: str, at: datetime, account: Account, policy: Policy
) -> tuple[Occasion, bool]:
    """The occasion with this id of a message that was sent at `at`, and whether it still stands.
    One that has lapsed is made of its id, as far as that tells it.
    """
    for one in occasions(account, policy):
        if one.anchor == step.anchor and one.id == id:
            return one, True
    return Occasion(step.anchor, id, _moment_in(id) or at - step.offset, _about(step, id)), False


def _about(step: Step, id: str) -> str:
    if step.anchor in _ABOUT_IS_ID:
        return id
    if step.anchor in _ABOUT_BEFORE_LAST:
        return id.rpartition("-")[0]
    if step.anchor == "card_expires":
        return id.rsplit("-", 2)[0]
    if step.anchor == "milestone_waits":
        return id.partition("-")[0]
    return id if step.anchor == "trial_started" and id.startswith("sub_") else ""


def _moment_in(id: str) -> datetime | None:
    """The second that begins or ends an occasion's id, if one does."""
    found = re.fullmatch(r"(?:.*-)?(\d{9,11})|(\d{9,11})-\d+", id)
    return datetime.fromtimestamp(int(found[1] or found[2]), UTC) if found else None


def _key_of(entry: Entry) -> str:
    """The key of the message that an entry is about; empty if it is about none."""
    if entry.kind != "mail":
        return ""
    data = entry.data if isinstance(entry.data, Mapping) else {}
    if data.get("copy"):
        return ""
    return str(data.get("message") or (entry.id if "@" in entry.id else ""))


def _outcome_of(entries: list[Entry]) -> str:
    names = [entry.type.removeprefix("mail.") for entry in entries]
    return next((name for name in reversed(names) if name in STATES), "sent")


def _stream_of(entries: list[Entry]) -> str:
    streams = (entry.data.get("stream") for entry in entries if isinstance(entry.data, Mapping))
    return str(next((stream for stream in streams if stream), ""))
