"""Customers of a stage that has run for a year, to fill a table with: each is as far as a recorded
history had come at one of its events, and began days or months ago.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random

from chalicelib.aws.items import account_of, dump, load
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.audit import AuditEntry
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.figures.closing import ClosedFigures, closed_by, day_text, row_text
from chalicelib.domain.figures.contributions import REVENUE, FigureKey, contributions, moves_in
from chalicelib.domain.figures.movements import summed, totals
from chalicelib.domain.policy.policy import Policy
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.services import Services
from chalicelib.values import replace
from local.recordings import ACCOUNT_ID, EMAIL, STRIPE_ID, Recording
from tests.fakes.services import RECORDINGS, FakeServices
from tests.fakes.stripe.reader import FakeReader, reading

DAY = timedelta(days=1)
BEGAN = (2, 8, 13, 20, 45, 90, 150, 240, 330)
"""So many days ago the histories begin."""

SHARES = {"active": 30, "trialing": 9, "past_due": 4, "canceled": 7, "paused": 4}
"""Status → how many of a hundred customers or so have it; other statuses have one each."""

NAMES = ("Ada Byron", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov")


def invented_customers(number: int, policy: Policy, now: datetime, seed: int = 1) -> list[Account]:
    """So many accounts, `acc_0` and so on, none of which is due. The same seed gives the same."""
    drawn = Random(seed)
    by_status: dict[str, list[Account]] = defaultdict(list)
    for account in _moments(policy, now):
        if account.standing:
            by_status[account.standing.status].append(account)
    statuses = sorted(by_status)
    shares = [SHARES.get(status, 1) for status in statuses]
    return [
        _renamed(drawn.choice(by_status[status]), place, drawn)
        for place, status in enumerate(drawn.choices(statuses, shares, k=number))
    ]


def _moments(policy: Policy, now: datetime) -> Iterator[Account]:
    """The account of each recorded history, as it was after each of its events up to now."""
    for days in BEGAN:
        for recording in RECORDINGS.values():
            moved = recording.moved_to(int((now - days * DAY).timestamp()))
            yield from _played(moved, policy, now)


def _played(recording: Recording, policy: Policy, now: datetime) -> Iterator[Account]:
    place = FakeServices(stripe=reading(FakeReader(recording.truth(1))), policy=policy)
    for number, event in enumerate(recording.events, 1):
        place.now.at = datetime.fromtimestamp(event["created"], UTC)
        if place.now.at > now:
            return
        place.stripe.reader.truth = recording.truth(number)
        ingest([Message("bench", json.dumps(event))], place.services)
        for account in map(account_of, place.accounts.items.values()):
            yield replace(account, standing=standing(account, policy, now))


def _renamed(account: Account, place: int, drawn: Random) -> Account:
    """The account under an id of its own, with ids of its own at Stripe."""
    text = STRIPE_ID.sub(rf"\g<0>x{place}", dump(account))
    text = ACCOUNT_ID.sub(f"acc_{place}", text).replace(f'"{account.id}"', f'"acc_{place}"')
    text = EMAIL.sub(f"ada{place}@example.com", text)
    name = f"{drawn.choice(NAMES)} {place}"
    return replace(
        load(text, Account),
        version=0,
        epoch=0,
        due_at=None,
        outbox=(),
        profile=Profile(f"ada{place}@example.com", name, external_id=f"u-{place}"),
    )


def figures_of(
    accounts: list[Account], policy: Policy, now: datetime
) -> tuple[dict[str, dict[date, str]], Mapping[FigureKey, Mapping[str, str]]]:
    """What the figures of these accounts are: the rows of closed days and weeks by kind, and what
    each account contributes to those that are open.
    """
    by_key: dict[FigureKey, dict[str, str]] = defaultdict(dict)
    for account in accounts:
        for key, text in contributions(account, policy).items():
            by_key[key][account.id] = text
    closed = closed_by(now)
    rows: dict[str, dict[date, str]] = defaultdict(dict)
    moves = {
        key.day: summed(map(moves_in, of.values()))
        for key, of in sorted(by_key.items(), key=lambda one: one[0].day)
        if key.kind == REVENUE and key.day <= closed.revenue
    }
    rows[REVENUE] = {one.day: day_text(one) for one in totals({}, moves)}
    open_ones = {}
    for key, of in by_key.items():
        if key.day > closed.of(key.kind):
            open_ones[key] = of
        elif key.kind != REVENUE:
            rows[key.kind][key.day] = row_text(key.kind, list(of.values()), now)
    return dict(rows), open_ones


def keep_figures(accounts: list[Account], services: Services) -> None:
    """Write the figures of these accounts, as the hourly job leaves them. Raises Unavailable."""
    stores, now = services.stores, services.clock.now()
    rows, open_ones = figures_of(accounts, services.policy, now)
    for kind, texts in rows.items():
        stores.figures.put_rows(kind, texts)
    for key, of in open_ones.items():
        for account_id, text in of.items():
            stores.figures.put(key, account_id, text, 1)
    known = stores.job_states.load(ClosedFigures)
    version = known.version if known else 0
    before = replace(closed_by(now), version=version)
    stores.job_states.save(before, replace(closed_by(now), version=version + 1))


def five_years(account: Account, now: datetime) -> tuple[Account, list[Entry]]:
    """The account with all the records of messages that it may hold, and a timeline of sixty
    months: each has an event of Stripe, three domain events and two mails.
    """
    months = [now - number * 30 * DAY for number in range(60)]
    records = [
        (f"bench_{place}@{at:%Y-%m-%d}", MessageRecord("sent", at, "billing"))
        for place in range(4)
        for at in months
    ]
    entries = [
        Entry(
            account.id, at + timedelta(minutes=place), kind, f"bench.{number}.{place}", type, data
        )
        for number, at in enumerate(months)
        for place, (kind, type, data) in enumerate(_MONTH)
    ]
    return replace(account, mails=dict(records[: most("messages")])), entries


_MONTH = (
    ("stripe", "invoice.paid", {"object": "in_1", "effect": "applied"}),
    ("happening", "payment.succeeded", {"invoice": "in_1", "amount": 4900, "currency": "usd"}),
    ("happening", "subscription.renewed", {"subscription": "sub_1", "plan": "pro"}),
    ("happening", "plan.changed", {"plan": "scale", "plan_before": "pro"}),
    ("mail", "mail.sent", {"step": "receipt", "subject": "Your receipt", "to": "ada@example.com"}),
    ("mail", "mail.delivered", {"step": "receipt"}),
)


def invented_entries(account_of: Callable[[int], str], now: datetime) -> list[AuditEntry]:
    """Entries of the audit log, the newest first: more than a page shows, a minute apart. They are
    about the accounts that `account_of` names for their places.
    """
    return [
        AuditEntry(
            f"aud_{place:016}",
            now - place * timedelta(minutes=1),
            "operator:ada@acme.example",
            "grants.given",
            account_of(place),
            {"until": "2026-12-31", "note": "Ticket 42"},
            "203.0.113.7",
        )
        for place in range(80)
    ]
