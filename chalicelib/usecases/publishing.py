"""Publish an account's domain events: to the team if the policy names them, into the feed, and onto
the timeline.

They are saved with the version of the account that they belong to, in one of two outboxes.

`worker_outbox`: a worker that a queue starts publishes them itself after the save, as its message
comes again until it has. No write clears this outbox. The entries on the timeline are the proof:
the next writer looks for them, and takes along what it does not find.

`outbox`: what nobody repeats, such as a call of the API, leaves its domain events to the table's
stream, and to the schedule if the stream fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.domain_events import went_stale
from chalicelib.domain.changes.event_document import document
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.messaging.team import is_news, notice_of, of_the_day
from chalicelib.usecases.fan_out import add_contact_change, add_deliveries, wake, wake_instances
from chalicelib.usecases.feed import put_events
from chalicelib.usecases.figures.writing import with_written_figures, write_figures
from chalicelib.usecases.messages import SendNotice
from chalicelib.usecases.services import Services
from chalicelib.values import replace

DISPUTES = frozenset({"payment.disputed", "payment.charged_back"})
"""The types of events that the alarm `Disputes` counts."""


def publish(
    events_of: Iterable[tuple[Account, Sequence[DomainEvent]]],
    services: Services,
    beside: Sequence[Entry] = (),
) -> None:
    """Publish domain events of accounts, and put the entries `beside` them onto timelines. The same
    again does no harm: everything has the domain event's id. Raises Unavailable.
    """
    entries, numbered, published = list(beside), list[EventEntry](), list[DomainEvent]()
    accounts = list[Account]()
    for account, saved in events_of:
        accounts.append(account)
        write_figures(account, services)
        events = [_as_stored(event) for event in saved]
        # First, because the entry on the timeline is the proof that all of it was done.
        _notify_team(account, events, services)
        for event in events:
            entry = _entry(account, event)
            if event.sequence is not None:
                numbered.append(EventEntry(entry, document(event, services.livemode is True)))
            else:
                entries.append(entry)
        published += events
    if entries:
        services.stores.timeline.put(entries)
    deliveries = add_deliveries(numbered, services)
    deliveries += [key for entry in entries for key in add_contact_change(entry, services)]
    put_events(numbered, services)
    wake(deliveries, services)
    wake_instances(accounts, services)
    if published:
        services.log_published(published)
    _count(published, services)


def _count(events: Sequence[DomainEvent], services: Services) -> None:
    disputes = sum(event.type in DISPUTES for event in events)
    stalled = sum(event.type == "instance.stalled" for event in events)
    services.metrics.count("Disputes", disputes)
    services.metrics.count("InstancesStalled", stalled)
    services.metrics.count("AccountsStale", sum(went_stale(event) for event in events))


def publish_worker_outbox(account: Account, services: Services) -> None:
    """Publish what the worker that saved this version has to. Raises Unavailable."""
    if account.worker_outbox or account.figures_due:
        publish([(account, account.worker_outbox)], services)


def without_published(account: Account, services: Services) -> Account:
    """The account with only those domain events in `worker_outbox` that were not published: its
    worker was interrupted. If many wait in both outboxes they are published now, and neither has
    any: an account takes some only, and none may be lost. Raises Unavailable.
    """
    return all_without_published({account.id: account}, services)[account.id]


def all_without_published(
    accounts: Mapping[str, Account], services: Services
) -> dict[str, Account]:
    """As `without_published`, for accounts under any keys, with one call."""
    accounts = with_written_figures(accounts, services)
    known = {account.id: account for account in accounts.values() if account.worker_outbox}
    if known:
        waiting = [(account, account.worker_outbox) for account in known.values()]
        left = _unpublished(waiting, services)
        known = {id: replace(one, worker_outbox=left[id]) for id, one in known.items()}
    return {
        key: _with_room(known.get(account.id, account), services)
        for key, account in accounts.items()
    }


def _with_room(account: Account, services: Services) -> Account:
    waiting = (*account.outbox, *account.worker_outbox)
    if len(waiting) <= most("events") // 2:
        return account
    in_order = sorted(waiting, key=lambda event: event.sequence or 0)
    publish([(account, in_order)], services)
    return replace(account, outbox=(), worker_outbox=())


def _unpublished(
    events_of: Sequence[tuple[Account, Sequence[DomainEvent]]], services: Services
) -> dict[str, tuple[DomainEvent, ...]]:
    missing = services.stores.timeline.missing(
        [_entry(account, event) for account, events in events_of for event in events]
    )
    ids = {entry.id for entry in missing}
    return {
        account.id: tuple(event for event in events if event.id in ids)
        for account, events in events_of
    }


def _as_stored(event: DomainEvent) -> DomainEvent:
    """The domain event as it is read from the table, so that a repeat is the same."""
    return replace(event, data={name: v for name, v in event.data.items() if v is not None})


def _entry(account: Account, event: DomainEvent) -> Entry:
    return Entry(account.id, event.at, "happening", event.id, event.type, event.data)


def _notify_team(account: Account, events: Sequence[DomainEvent], services: Services) -> None:
    """Note what the day's digest counts, and queue the notices. Raises Unavailable."""
    operators, mail = services.policy.team, services.policy.mail
    if operators is None or mail is None:
        return
    news = [one for one in events if is_news(account, one)]
    if operators.digest:
        zone = ZoneInfo(mail.timezone)
        entries = [entry for one in news if (entry := of_the_day(account, one, zone))]
        if entries:
            services.stores.timeline.put(entries)
    for one in news:
        if notice_of(one) in operators.notices:
            services.queues.mail.send(SendNotice(account.id, one).dump())
