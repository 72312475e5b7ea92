"""The rehearsal as a calendar: who gets which message when, between the customer's actions and the
changes of the account.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.account.queries import wanted_language
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.people.events import STEP
from chalicelib.domain.policy.policy import Policy
from chalicelib.outreach.rendering import language_for, render
from chalicelib.outreach.variables import variables
from ops.rehearsal.customers import CUSTOMERS, DEEDS, Customer
from ops.rehearsal.player import Played, Sent, play
from ops.rehearsal.script import ACCOUNT, script

LINKS = ("unsubscribe_url", "preferences_url", "billing_url", "link_url", "feedback_url")
"""The links of a message; in a rehearsal they lead nowhere."""

UNSAID = frozenset({"account.created", "trial.started"})
"""Domain events that every signup causes."""

ORDER = ("deed", "happening", "mail")
"""The order of rows with the same time: actions, events, messages."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `kind` is one of ORDER; `name` is that of the step, the event or the action. `words`
    is what a person reads: the subject of a mail.
    """

    at: datetime
    day: int
    kind: str
    name: str
    words: str
    occasion: str = ""
    stream: str = ""
    hold_out: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one customer. Times are in the policy's zone; `day` counts from the day of
    the signup, which is 0.
    """

    customer: Customer
    rows: tuple[Row, ...]

    @property
    def mails(self) -> tuple[Row, ...]:
        """The rows of messages."""
        return tuple(row for row in self.rows if row.kind == "mail")


def rehearse(
    policy: Policy, start: datetime, days: int, customers: Sequence[Customer] = CUSTOMERS
) -> list[Calendar]:
    """The calendars of customers who sign up at `start` (whole seconds), for a number of days.
    Raises InvalidInput.
    """
    if policy.mail is None:
        raise InvalidInput(
            "billing.toml has no table [mail]: nobody is written to, so there is nothing to"
            " rehearse.",
            "mail",
        )
    until = start + timedelta(days=days)
    played = [
        (one, play(Account(ACCOUNT), script(one, policy, start, days), policy, until))
        for one in customers
    ]
    zone = ZoneInfo(policy.mail.timezone)
    return [
        Calendar(
            one,
            tuple(
                sorted(
                    _rows(life, policy, start, zone),
                    key=lambda row: (row.at, ORDER.index(row.kind)),
                )
            ),
        )
        for one, life in played
    ]


def calendar_lines(calendars: Sequence[Calendar], policy: Policy, days: int) -> Iterator[str]:
    """The calendars as text."""
    assert policy.mail is not None
    first = min((row.at for calendar in calendars for row in calendar.rows), default=None)
    yield (
        f"{days} days from {first:%A, %d %B %Y, %H:%M}, by the clock of {policy.mail.timezone}."
        f" Policy {policy.hash}."
        if first
        else "Nothing happens."
    )
    for calendar in calendars:
        yield (
            f"\n{calendar.customer.name}: {calendar.customer.story}"
            f" {_number(len(calendar.mails), 'mail')}."
        )
        for row in calendar.rows:
            mark = {"deed": "*", "happening": "-", "mail": ">"}[row.kind]
            but = f"  (but for {row.hold_out:.0%}, held out)" if row.hold_out else ""
            about = f"{row.name:<16} {row.words}{but}" if row.kind == "mail" else row.words
            yield f"  day {row.day:>3}  {row.at:%a %d %b %H:%M}  {mark} {about}"
    yield "\n* the customer does   - it happens   > a mail goes out"


def _number(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _rows(life: Played, policy: Policy, start: datetime, zone: ZoneInfo) -> Iterator[Row]:
    def local(at: datetime) -> tuple[datetime, int]:
        there = at.astimezone(zone)
        return there, (there.date() - start.astimezone(zone).date()).days

    yield Row(*local(start), "deed", "signs up", "signs up")
    for at, deed in life.deeds:
        yield Row(*local(at), "deed", deed, DEEDS[deed])
    for one in life.happened:
        if one.type in UNSAID or (one.type == "access.granted" and not one.data["access_before"]):
            continue
        yield Row(*local(one.at), "happening", one.type, CATALOGUE[one.type].meaning.rstrip("."))
    for sent in life.sent:
        subject, text = _written(sent, policy)
        step = sent.mail.step
        yield Row(
            *local(sent.at),
            "mail",
            step.id,
            subject,
            sent.mail.occasion.anchor,
            step.stream,
            step.hold_out,
            text,
        )


def _written(sent: Sent, policy: Policy) -> tuple[str, str]:
    """The subject and the text of a message as the reader gets it, except for its links. Raises
    BrokenMessage, UnknownMessage.
    """
    if sent.mail.step.via:
        told = f"{STEP}{sent.mail.step.id}"
        return f"{told} to {sent.mail.step.via}", f"The event {told}. No mail is sent."
    lifecycle = sent.mail.step.stream == "lifecycle"
    links = {
        name: f"{policy.base_url}/…" if lifecycle or name in {"billing_url", "link_url"} else ""
        for name in LINKS
    }
    assert policy.mail is not None
    language = language_for(
        sent.mail.step.message, wanted_language(sent.account, policy), policy.mail.language
    )
    mail = render(
        sent.mail.step.message,
        variables(sent.account, sent.mail, policy, sent.at, links, language),
        language,
    )
    return mail.subject, mail.text
