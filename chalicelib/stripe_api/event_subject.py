"""What an event of Stripe's is about, as far as it says so: for people, where ingestion cannot read
it.
"""

from typing import Any

from chalicelib.stripe_api import objects
from chalicelib.stripe_api.envelope import opened
from chalicelib.stripe_api.fields import if_readable, mapping


def looks_like_event(raw: Any) -> bool:
    """Whether a message has the form of an event, in an envelope of EventBridge's or without."""
    event = mapping(if_readable(opened, raw))
    return event.get("object") == "event" or isinstance(event.get("data"), dict)


def subject_of(raw: Any) -> tuple[Any, Any, Any]:
    """(the type, the id, the account or customer) that an event names. Each may be anything, None
    where it names none.
    """
    event = mapping(if_readable(opened, raw))
    thing = mapping(mapping(event.get("data")).get("object"))
    about = if_readable(objects.account_id_of, thing) or if_readable(objects.customer_of, thing)
    return event.get("type"), event.get("id"), about
