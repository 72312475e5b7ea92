"""Histories that Stripe could have lived: several changes within a second, on and off and on again,
deletions, many subscriptions.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from chalicelib.domain.stripe_objects.objects import FINAL_STATUSES
from local.recordings import Truth
from tests.fakes.services import proving

Object = dict[str, Any]

ACCOUNT = "acct_x"
START = int(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp())
DAY = 86400
PACES = [
    [0.0, 0.0, 0.2, 0.3, 0.6, 1.0, 2.0, 5.0, 9.0, 11.0],
    [0.0, 0.0, 0.0, 0.2, 0.6, 1.0, 2.0, 5.0, 12.0, 100.0, 25.0 * 3600],
]
"""Seconds that may pass between two changes: all within a second and the window around an answer,
or some far beyond both.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened at Stripe: when, the event that tells of it, and what Stripe holds
    from then on.
    """

    at: float
    event: Object
    held: Truth


@dataclass(frozen=True, slots=True)
class History:
    """Changes in their true order. All customers in it belong to one account; `ours` are those that
    Billhook can know of.
    """

    changes: list[Change]

    @property
    def end(self) -> float:
        return self.changes[-1].at

    @property
    def truth(self) -> Truth:
        """What Stripe holds in the end."""
        return self.changes[-1].held

    def truth_at(self, moment: float) -> Truth:
        """What Stripe holds at a moment."""
        past = bisect_right(self.changes, moment, key=lambda change: change.at)
        return self.changes[past - 1].held if past else Truth({}, {}, {})

    @property
    def ours(self) -> set[str]:
        """The customers that some event adopts: by the account that it names, or by a plan of the
        catalogue.
        """
        return {customer for customer in map(adopted_by, self.changes) if customer}


def adopted_by(change: Change) -> str | None:
    """The customer that an event makes ours by itself."""
    thing = change.event["data"]["object"]
    if thing["object"] == "subscription":
        return str(thing["customer"])
    return str(thing["id"]) if thing["object"] == "customer" and thing["metadata"] else None


def invent(random: Random, steps: int) -> History:
    """A history of so many steps, each of no, one or a few changes."""
    names = random.choice([{"customer"}, {"subscription"}, {"customer", "subscription"}])
    inventor = _Inventor(random, names, subscriptions=random.choice([1, 2, 8]))
    pauses = random.choice(PACES)
    for number in range(random.choice([1, 2])):
        inventor.tell("customer.created", _customer(f"cus_{number}", inventor.metadata("customer")))
    for _ in range(steps):
        inventor.at += random.choice(pauses)
        random.choices(
            [
                inventor.subscribe,
                inventor.change_customer,
                inventor.delete_customer,
                inventor.change_subscription,
                inventor.bill,
            ],
            [20, 10, 3, 45, 22],
        )[0]()
    return History(inventor.changes)


@dataclass(slots=True)
class _Inventor:
    """Stripe, as far as it has come. `names` are the kinds of object whose metadata name the
    account.
    """

    random: Random
    names: set[str]
    subscriptions: int
    at: float = START + 0.1
    things: dict[str, dict[str, Object]] = field(
        default_factory=lambda: {"customer": {}, "subscription": {}, "invoice": {}}
    )
    changes: list[Change] = field(default_factory=list)

    @property
    def second(self) -> int:
        return int(self.at)

    def metadata(self, kind: str) -> Object:
        return proving(ACCOUNT) if kind in self.names else {}

    def tell(
        self, type: str, thing: Object, *, holds: Object | None = None, was: Object | None = None
    ) -> None:
        """Something changed, and an event tells of it with `thing`; what Stripe `holds` is that too
        unless it is said.
        """
        self.things[thing["object"]][thing["id"]] = holds or thing
        event = {
            "id": f"evt_{len(self.changes)}",
            "object": "event",
            "type": type,
            "created": self.second,
            "api_version": "2026-10-28.endive",
            "livemode": False,
            "data": {"object": thing},
        }
        if was and (before := {key: was[key] for key in thing if was[key] != thing[key]}):
            event["data"] = {"object": thing, "previous_attributes": before}
        self.changes.append(
            Change(
                self.at,
                event,
                Truth(
                    *(dict(self.things[kind]) for kind in ("customer", "subscription", "invoice"))
                ),
            )
        )

    def subscribe(self) -> None:
        customer, held = self._living("customer"), self.things["subscription"]
        if customer and len(held) < self.subscriptions:
            trial_end = (
                self.second + self.random.choice([5, 20, DAY])
                if self.random.random() < 0.4
                else None
            )
            status = self.random.choice(["incomplete", "trialing", "active"])
            subscription = _subscription(
                f"sub_{len(held)}",
                customer["id"],
                status,
                self.second,
                trial_end,
                self.metadata("subscription"),
            )
            self.tell("customer.subscription.created", subscription)

    def change_customer(self) -> None:
        if was := self._living("customer"):
            card = self.random.choice([None, "pm_1", "pm_2"])
            self.tell(
                "customer.updated",
                {
                    **was,
                    "name": self.random.choice("AB"),
                    "invoice_settings": {"default_payment_method": card},
                },
                was=was,
            )

    def delete_customer(self) -> None:
        """With all its subscriptions. Stripe then forgets its metadata, so the account's name must
        stand elsewhere too.
        """
        customer = self._living("customer")
        if customer is None or "subscription" not in self.names:
            return
        for subscription in list(self.things["subscription"].values()):
            if (
                subscription["customer"] == customer["id"]
                and subscription["status"] not in FINAL_STATUSES
            ):
                self._end(subscription)
        self.tell(
            "customer.deleted",
            customer,
            holds={"id": customer["id"], "object": "customer", "deleted": True},
        )

    def change_subscription(self) -> None:
        if was := self._living("subscription"):
            self.random.choices(
                [self._update, self._end, self._expire, self._remind, self._pause],
                [65, 12, 3, 10, 10],
            )[0](was)

    def bill(self) -> None:
        """A new invoice, or a step further for one that there is."""
        living = [
            invoice
            for invoice in self.things["invoice"].values()
            if invoice["status"] in {"draft", "open", "uncollectible"}
        ]
        if living and self.random.random() < 0.7:
            self.tell(*self.random.choice(_next_of(self.random.choice(living), self.second)))
        elif subscription := self._any("subscription"):
            number = len(self.things["invoice"])
            self.tell(
                "invoice.created",
                _invoice(
                    f"in_{number:02}", subscription["customer"], subscription["id"], self.second
                ),
            )

    def _update(self, was: Object) -> None:
        """Once, or on and off within the second."""
        for _ in range(self.random.choice([1, 1, 1, 3])):
            now = {
                **was,
                "status": self.random.choice(["active", "past_due", "active", "trialing"]),
                "cancel_at_period_end": self.random.random() < 0.4,
            }
            self.tell("customer.subscription.updated", now, was=was)
            was = now

    def _end(self, was: Object) -> None:
        self.tell(
            "customer.subscription.deleted", {**was, "status": "canceled", "ended_at": self.second}
        )

    def _expire(self, was: Object) -> None:
        self.tell(
            "customer.subscription.updated",
            {**was, "status": "incomplete_expired", "ended_at": self.second},
            was=was,
        )

    def _remind(self, was: Object) -> None:
        self.tell("customer.subscription.trial_will_end", was)

    def _pause(self, was: Object) -> None:
        if was["status"] != "paused":
            now = {**was, "status": "paused"}
            self.tell("customer.subscription.updated", now, was=was)
            self.tell("customer.subscription.paused", now)

    def _living(self, kind: str) -> Object | None:
        return self._any(
            kind,
            lambda thing: not thing.get("deleted") and thing.get("status") not in FINAL_STATUSES,
        )

    def _any(self, kind: str, fit: Callable[[Object], bool] = lambda thing: True) -> Object | None:
        found = [thing for thing in self.things[kind].values() if fit(thing)]
        return self.random.choice(found) if found else None


def _next_of(invoice: Object, second: int) -> list[tuple[str, Object]]:
    """The changes that can come next to an invoice."""
    tried = {**invoice, "attempt_count": invoice["attempt_count"] + 1, "attempted": True}
    paid = ("invoice.paid", {**tried, "status": "paid", "amount_paid": invoice["amount_due"]})
    void = ("invoice.voided", {**invoice, "status": "void"})
    match invoice["status"]:
        case "draft":
            return [
                (
                    "invoice.finalized",
                    {**invoice, "status": "open", "status_transitions": {"finalized_at": second}},
                )
            ]
        case "open":
            given_up = ("invoice.marked_uncollectible", {**invoice, "status": "uncollectible"})
            return [
                ("invoice.payment_failed", tried),
                ("invoice.payment_failed", tried),
                paid,
                paid,
                void,
                given_up,
            ]
    return [paid, void]


def _customer(id: str, metadata: Object) -> Object:
    settings = {"default_payment_method": None}
    return {
        "id": id,
        "object": "customer",
        "email": f"{id}@example.com",
        "name": "A",
        "metadata": metadata,
        "invoice_settings": settings,
    }


def _subscription(
    id: str, customer: str, status: str, created: int, trial_end: int | None, metadata: Object
) -> Object:
    price = {
        "id": "price_1",
        "product": "prod_1",
        "lookup_key": "pro_monthly",
        "unit_amount": 1000,
        "currency": "usd",
    }
    price |= {"recurring": {"interval": "month", "interval_count": 1}}
    line = {
        "id": f"si_{id}",
        "current_period_start": created,
        "current_period_end": created + 30 * DAY,
        "quantity": 1,
        "price": price,
    }
    return {
        "id": id,
        "object": "subscription",
        "customer": customer,
        "status": status,
        "created": created,
        "metadata": metadata,
        "items": {"object": "list", "data": [line]},
        "trial_end": trial_end,
        "cancel_at_period_end": False,
        "ended_at": None,
    }


def _invoice(id: str, customer: str, subscription: str, created: int) -> Object:
    return {
        "id": id,
        "object": "invoice",
        "customer": customer,
        "status": "draft",
        "created": created,
        "parent": {"subscription_details": {"subscription": subscription, "metadata": {}}},
        "currency": "usd",
        "amount_due": 1000,
        "amount_paid": 0,
        "attempt_count": 0,
        "attempted": False,
        "status_transitions": {"finalized_at": None},
    }
