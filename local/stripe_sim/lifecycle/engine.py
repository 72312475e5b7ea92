"""The simulated Stripe put together: one lock, one clock, and everything that falls
due by itself."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import stripe

from local.stripe_sim.api.object_shapes import Object, copied
from local.stripe_sim.billing.credit_notes import CreditNotes
from local.stripe_sim.billing.discounts import ending
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.payments import Payments
from local.stripe_sim.billing.periods import FINAL
from local.stripe_sim.billing.prices import make_price
from local.stripe_sim.hosted.checkout import Checkout
from local.stripe_sim.lifecycle.pending_updates import PendingUpdates
from local.stripe_sim.lifecycle.schedules import Schedules
from local.stripe_sim.lifecycle.store import Store
from local.stripe_sim.lifecycle.subscriptions import Subscriptions

SOONEST_FIRST = (
    "debit",
    "phase",
    "fall_due",
    "discount",
    "pending",
    "retry",
    "bill_draft",
    "attempt",
    "void",
    "overdue",
    "expire",
)
"""Of several things due in one second the earlier in this list happens first."""

FINISHED = {
    "subscription": FINAL,
    "invoice": frozenset({"paid", "void"}),
    "subscription_schedule": frozenset({"completed", "canceled", "released"}),
    "payment_intent": frozenset({"succeeded", "canceled"}),
    "checkout.session": frozenset({"complete", "expired"}),
}
"""The kinds to whose objects something happens by itself, and the statuses in which that is over,
which last.
"""

Due = tuple[int, int, str, Callable[[], Any]]
Waiting = tuple[int | None, str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class CataloguePrice:
    """A price that the simulated Stripe begins with: a plan of billing.toml, by interval. `amount`
    in minor units.
    """

    plan: str
    name: str
    lookup_key: str
    interval: str
    amount: int
    currency: str


class Engine:
    """Everything that the simulated Stripe knows and does. Calls from outside hold `lock` and begin
    with `catch_up`. `home` is the address that its pages link back to, if there is one.
    """

    def __init__(self, now: Callable[[], int], base: Callable[[], str]) -> None:
        self.store = Store(now)
        self.lock = threading.RLock()
        self._known_due: int | None = None
        self._is_known = False
        self._seen: dict[str, set[str]] = {kind: set() for kind in FINISHED}
        self._open: dict[str, dict[str, Object]] = {kind: {} for kind in FINISHED}
        self._base = base
        self.home = ""
        self.payments = Payments(self.store)
        self.invoices = Invoices(self.store, self.payments, base)
        self.subscriptions = Subscriptions(self.store, self.payments, self.invoices)
        self.schedules = Schedules(self.store, self.subscriptions)
        self.credit_notes = CreditNotes(self.store, self.payments, self.invoices)
        self.pending = PendingUpdates(self.store, self.subscriptions, self.invoices)
        self.checkout = Checkout(self.store, self.payments, self.invoices, self.subscriptions, base)

    def register(self, prices: Iterable[CataloguePrice]) -> None:
        """Products and prices to begin with, as though they had been there for long: no events.
        What is registered already is left.
        """
        with self.lock:
            self.store.second = self.store.now()
            known = {price["lookup_key"] for price in self.store.all("price")}
            for one in prices:
                if one.lookup_key not in known:
                    self._register(one)

    def _register(self, one: CataloguePrice) -> None:
        products = self.store.objects.setdefault("product", {})
        product = f"prod_{one.plan}"
        if product not in products:
            self.store.make(
                "product",
                stripe.Product,
                type="service",
                id=product,
                name=one.name,
                active=True,
                updated=self.store.second,
            )
        make_price(
            self.store,
            {
                "product": product,
                "currency": one.currency,
                "unit_amount": one.amount,
                "lookup_key": one.lookup_key,
                "recurring": {"interval": one.interval},
            },
        )

    def copied(self, customer: str | None) -> "Engine":
        """One that knows what this one does of a customer, and of what can be bought; what is done
        with it is told to no one.
        """
        made = Engine(self.store.now, self._base)
        known = {
            kind: {id: one for id, one in things.items() if one.get("customer") in (None, customer)}
            for kind, things in self.store.objects.items()
        }
        known["customer"] = {
            id: one for id, one in self.store.objects.get("customer", {}).items() if id == customer
        }
        made.store.objects = copied(known)
        made.store.currency_options, made.store.settings = (
            self.store.currency_options,
            dict(self.store.settings),
        )
        made.store.second = self.store.second
        return made

    def next_due(self) -> int | None:
        """The next second at which something happens by itself."""
        with self.lock:
            if not self._is_known:
                self._known_due, self._is_known = (
                    min((at for at, _, _, _ in self._due()), default=None),
                    True,
                )
            return self._known_due

    def catch_up(self, to_act: bool = True) -> None:
        """Do all that is due by now, in order, each at its own second. Who will not act, but only
        reads, may say so: then what is due next need not be looked for again.
        """
        with self.lock:
            now = self.store.now()
            if not self._is_known or (self._known_due is not None and self._known_due <= now):
                self._do_all_due(now)
                self._is_known = False
            self.store.second = max(now, self.store.second)
            if to_act:
                self._is_known = False
            else:
                self.next_due()

    def _do_all_due(self, now: int) -> None:
        request, self.store.request = self.store.request, type(self.store.request)()
        while due := min(
            (one for one in self._due() if one[0] <= now), key=lambda one: one[:3], default=None
        ):
            at, _, _, act = due
            self.store.second = max(self.store.second, at)
            act()
        self.store.request = request

    def _due(self) -> list[Due]:
        """Everything that waits: when, which comes first within a second, of what, what to do."""
        return [
            (at, SOONEST_FIRST.index(what), one["id"], act)
            for kind in FINISHED
            for one in self._unfinished(kind)
            for at, what, act in self._waiting(kind, one)
            if at is not None
        ]

    def _unfinished(self, kind: str) -> list[Object]:
        """Those to which something may still happen. Most objects are finished for good: they are
        left out once they are, or each look would take longer with every invoice.
        """
        held, seen, open = self.store.objects.get(kind, {}), self._seen[kind], self._open[kind]
        for id in takewhile(lambda id: id not in seen, reversed(held)):
            open[id] = held[id]
        seen.update(open)
        for id, one in list(open.items()):
            over = one["status"] in FINISHED[kind] and not any(
                at is not None for at, _, _ in self._waiting(kind, one)
            )
            if over or id not in held:
                del open[id]
        return list(open.values())

    def _waiting(self, kind: str, one: Object) -> Iterator[Waiting]:
        match kind:
            case "subscription":
                yield from self._waiting_of_subscription(one)
            case "invoice":
                yield from self._waiting_of_invoice(one)
            case "subscription_schedule":
                at = self.schedules.next_due(one)
                yield at, "phase", partial(self.schedules.fall_due, one)
            case "payment_intent":
                yield one.get("_ends_at"), "debit", partial(self.end_debit, one)
            case "checkout.session":
                at = one["expires_at"] if one["status"] == "open" else None
                yield at, "expire", partial(self.checkout.expire, one)

    def _waiting_of_subscription(self, one: Object) -> Iterator[Waiting]:
        yield (
            self.subscriptions.next_due(one),
            "fall_due",
            partial(self.subscriptions.fall_due, one),
        )
        if one["pending_update"]:
            act = partial(self.pending.expire, one)
            yield one["pending_update"]["expires_at"], "pending", act
        for discount in ending(self.store, one):
            act = partial(self.subscriptions.end_discount, one, discount)
            yield discount["end"], "discount", act

    def _waiting_of_invoice(self, one: Object) -> Iterator[Waiting]:
        if one["status"] == "draft":
            act = partial(self.subscriptions.bill_draft, one)
            yield one.get("_finalize_at"), "bill_draft", act
        elif one["status"] == "open":
            yield one["next_payment_attempt"], "retry", partial(self.subscriptions.retry, one)
            yield one.get("_attempt_at"), "attempt", partial(self._attempt_once, one)
            yield one.get("_void_at"), "void", partial(self.invoices.void, one)
            late = None if one.get("_overdue") else one["due_date"]
            yield late, "overdue", partial(self.invoices.fall_overdue, one)

    def end_debit(self, intent: Object, outcome: str | None = None) -> None:
        """A debit that was under way ends: as its account says, or as it is told. Raises
        StripeRefusal.
        """
        self.invoices.end_debit(intent, outcome)
        self.checkout.debit_ended(
            self.store.find("invoice", intent["payment_details"]["order_reference"])
        )

    def _attempt_once(self, invoice: Object) -> None:
        """Try to have a resumption's invoice paid, unless there is no card: then it waits, and is
        void after 23 hours.
        """
        del invoice["_attempt_at"]
        customer = self.store.find("customer", invoice["customer"])
        if self.payments.default_of(customer, self.invoices.subscription_of(invoice)):
            self.invoices.attempt(invoice)
