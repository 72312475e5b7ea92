"""From a published event to the endpoints that want it: one delivery for each.

A delivery is put before the event's entry on the timeline, which is the proof that the event was
published. Whoever is interrupted in between publishes again, and then finds the deliveries that are
there already. What wakes the function that delivers comes last: without it the sweep does.
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.channels import PEOPLE, channels_wanting
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.instances.call_times import is_to_be_called
from chalicelib.domain.people.deliveries import CONTACT_CHANGED, erasure, joined
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.usecases.messages import CallProvisioner, Deliver
from chalicelib.usecases.services import Services

KEYS_OF_A_MESSAGE = 100

LANES = 8
"""How many calls to the provisioner are under way at most. Each account has its lane, a group of
the deliveries queue: a provisioner that hangs keeps this many runs busy, and no endpoint of
webhooks waiting.
"""


def add_deliveries(events: Sequence[EventEntry], services: Services) -> list[DeliveryKey]:
    """Put the deliveries of events to all endpoints that want them, and return their keys. The same
    again puts none anew. The endpoints are those of the last seconds; the sweep delivers what a new
    one misses by that. Raises Unavailable.
    """
    if not events:
        return []
    endpoints = services.stores.endpoints.remembered()
    keys = list[DeliveryKey]()
    for event in events:
        entry, now = event.entry, services.clock.now()
        ids = [endpoint.id for endpoint in endpoints.wanting(entry.type)]
        for id in (*ids, *channels_wanting(services.policy, entry.type)):
            key = DeliveryKey(id, entry.at, entry.id)
            delivery = Delivery(key, entry.type, entry.account_id, entry.at, now, now, version=1)
            services.stores.deliveries.add(delivery)
            keys.append(key)
    return keys


def add_contact_change(event: Entry, services: Services) -> list[DeliveryKey]:
    """Put the delivery of a change of a contact that is no event of the feed, and return its key.
    Raises Unavailable.
    """
    if services.policy.people is None or event.type != CONTACT_CHANGED:
        return []
    now, key = services.clock.now(), DeliveryKey(PEOPLE, event.at, event.id)
    new = Delivery(key, event.type, event.account_id, event.at, now, now, version=1)
    services.stores.deliveries.add(new)
    return [key]


def note_contact(account: Account, reason: str, services: Services) -> None:
    """Have the contact of an account looked at that changes without the account, as by a `reason`
    beside it. The sweep wakes what tells it. Raises Unavailable.
    """
    if services.policy.people is None:
        return
    now = services.clock.now()
    key = DeliveryKey(PEOPLE, now, f"{account.id}.{reason}")
    services.stores.deliveries.add(
        Delivery(key, CONTACT_CHANGED, account.id, now, now, now, version=1)
    )


def forget_person(account: Account, services: Services) -> None:
    """Have an account that is erased deleted in the people system too. Raises Unavailable."""
    if services.policy.people is None:
        return
    person = services.stores.persons.load(account.id)
    gone = erasure(account.id, person.id if person else "", services.clock.now())
    services.stores.deliveries.add(gone)
    wake([gone.key], services)


def join_person(account: Account, into: str, services: Services) -> None:
    """Have the people system told which account takes this one in, which is about to be gone.
    Raises Unavailable.
    """
    if services.policy.people is None:
        return
    person = services.stores.persons.load(account.id)
    told = joined(account.id, person.id if person else "", into, services.clock.now())
    services.stores.deliveries.add(told)
    wake([told.key], services)


def wake(keys: Iterable[DeliveryKey], services: Services) -> None:
    """Have deliveries made now. Raises Unavailable; the sweep wakes what was not woken."""
    of_endpoints: dict[str, list[DeliveryKey]] = {}
    for key in keys:
        of_endpoints.setdefault(key.endpoint_id, []).append(key)
    messages = [
        Deliver(id, tuple(some[start : start + KEYS_OF_A_MESSAGE]))
        for id, some in of_endpoints.items()
        for start in range(0, len(some), KEYS_OF_A_MESSAGE)
    ]
    if messages:
        services.queues.deliveries.send_many([(one.endpoint_id, one.dump()) for one in messages])


def wake_instances(accounts: Iterable[Account], services: Services) -> None:
    """Have the provisioner called now for those accounts that have a call due. Raises Unavailable;
    the sweep finds what was not woken.
    """
    now = services.clock.now()
    due = []
    for account in accounts:
        request = account.instance.request if account.instance else None
        if request and services.policy.instance and is_to_be_called(request, now):
            about = f"{request.id} {request.calls} {now:%Y-%m-%dT%H:%M}"
            lane = f"instances-{crc32(account.id.encode()) % LANES}"
            due.append((lane, CallProvisioner(account.id, about).dump()))
    if due:
        services.queues.deliveries.send_many(due)
