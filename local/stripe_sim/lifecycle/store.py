"""What the simulated Stripe holds: objects by kind and id, the events that tell of them, and the
second in which it is working.
"""

import random
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import stripe

from local.stripe_sim.api.errors import missing
from local.stripe_sim.api.object_shapes import Object, blank, copied

API_VERSION = stripe.api_version

PREFIXES = {
    "product": "prod",
    "price": "price",
    "customer": "cus",
    "payment_method": "pm",
    "setup_intent": "seti",
    "payment_intent": "pi",
    "charge": "ch",
    "debit": "py",
    "refund": "re",
    "dispute": "du",
    "subscription": "sub",
    "subscription_item": "si",
    "invoice": "in",
    "line_item": "il",
    "invoiceitem": "ii",
    "invoice_payment": "inpay",
    "mandate": "mandate",
    "subscription_schedule": "sub_sched",
    "checkout.session": "cs_test",
    "billing_portal.session": "bps",
    "billing_portal.configuration": "bpc",
    "webhook_endpoint": "we",
    "v2.core.event_destination": "ed_test",
    "coupon": "co",
    "promotion_code": "promo",
    "discount": "di",
    "customer_balance_transaction": "cbtxn",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "event": "evt",
}
"""How ids of each kind of object begin."""

LETTERS = string.ascii_letters + string.digits

SETTINGS = {
    "invoice_draft_seconds": (0, "How long a renewal's invoice stays a draft; at Stripe an hour."),
    "every_event": (
        False,
        "Also send the events that only Stripe itself sends: see docs/stripe-sim.md.",
    ),
    "after_retries": (
        "canceled",
        "What becomes of a subscription whose last retry failed: canceled, unpaid or past_due.",
    ),
    "payment_tries": (8, "How often a payment is tried in all, evenly spread over 14 days."),
    "debit_days": (5, "How long a bank debit is under way before it succeeds or fails."),
}
"""What `POST /_test/settings` changes: the value at the start, and what it is."""


@dataclass
class Request:
    """The call that is being answered, as events tell of it."""

    id: str | None = None
    idempotency_key: str | None = None
    version: str = API_VERSION


@dataclass
class Store:
    """`second` is the moment that is being worked on: that of a call, or of what falls due."""

    now: Callable[[], int]
    chance: random.Random = field(default_factory=random.SystemRandom)
    objects: dict[str, dict[str, Object]] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    second: int = 0
    request: Request = field(default_factory=Request)
    settings: dict[str, Any] = field(
        default_factory=lambda: {name: value for name, (value, _) in SETTINGS.items()}
    )
    heard: Callable[[Object], None] = lambda event: None
    told: Callable[[], list[Object]] = list
    """Subscriptions of recordings, which stand in the list of all beside those that live here."""
    currency_options: dict[str, Object] = field(default_factory=dict)
    """By price, then by currency: what Stripe only tells where it is asked for."""

    def id(self, kind: str) -> str:
        """A new id."""
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in self.chance.randbytes(24))
        return f"{PREFIXES[kind]}_{letters}"

    def make(self, kind: str, model: Any, /, **values: Any) -> Object:
        """A new object of a class of the SDK's, kept. `created` is now, where the class has it."""
        values = {"id": self.id(kind)} | values
        if "created" in model.__annotations__:
            values.setdefault("created", self.second)
        thing = blank(model, **values)
        self.objects.setdefault(kind, {})[thing["id"]] = thing
        return thing

    def find(self, kind: str, id: Any, param: str = "id", status: int | None = None) -> Object:
        """The object. Raises StripeRefusal: 404 for an id of the path, 400 for one of a parameter,
        unless `status` says otherwise.
        """
        found = self.objects.get(kind, {}).get(str(id))
        if found is None:
            raise missing(kind, str(id), param, status)
        return found

    def all(self, kind: str) -> list[Object]:
        """All of a kind, the newest first."""
        return list(reversed(self.objects.get(kind, {}).values()))

    def tell(
        self, type: str, thing: Object, before: Object | None = None, extra: bool = False
    ) -> None:
        """An event about an object as it is now; an `extra` one only where every event is wanted.
        `before` makes `previous_attributes`.
        """
        if extra and not self.settings["every_event"]:
            return
        data: Object = {"object": copied(shown(thing))}
        if before is not None:
            changes = differences(before, data["object"])
            if not changes:
                return
            data["previous_attributes"] = changes
        event = {
            "id": self.id("event"),
            "object": "event",
            "api_version": self.request.version,
            "created": self.second,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request.id, "idempotency_key": self.request.idempotency_key},
            "type": type,
        }
        self.events.append(event)
        self.heard(event)

    @contextmanager
    def changing(self, thing: Object, type: str, extra: bool = False) -> Iterator[Object]:
        """What is changed inside is sent afterwards, as an event of this type with the previous
        attributes; nothing if nothing was.

        A change within a change is told by the outer one, and of what has ended inside no more is
        told.
        """
        with self.quietly(thing) as outermost:
            before = copied(shown(thing))
            yield thing
        if outermost and not thing.get("_ended"):
            self.tell(type, thing, before, extra)

    @contextmanager
    def quietly(self, thing: Object) -> Iterator[bool]:
        """Changes inside are not told by themselves; gives whether this is the
        outermost of such."""
        outermost = not thing.get("_changing")
        thing["_changing"] = True
        try:
            yield outermost
        finally:
            if outermost:
                del thing["_changing"]


def shown(thing: Object) -> Object:
    """An object as others see it: without what is kept beside it."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def differences(before: Object, after: Object) -> Object:
    """`previous_attributes`: what was otherwise before; of a hash only what
    changed, of a list all."""
    found: Object = {}
    for name in {*before, *after}:
        was, is_ = before.get(name), after.get(name)
        if isinstance(was, dict) and isinstance(is_, dict):
            if inner := differences(was, is_):
                found[name] = inner
        elif was != is_:
            found[name] = was
    return found
