"""Customers whom the owner sells to at Stripe, by card, debit or sent invoice, with Billhook beside
it: it hears the events and does what is due.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from tests.fakes.services import QUIET, FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import DAY, SimStage

ACCOUNT = "acc_ada"


@dataclass
class AdoptedLife:
    """One customer at Stripe whose metadata names the account. `arrives` says which of the events
    that Stripe has sent arrive now, and in which order.
    """

    policy: Policy = QUIET
    arrives: Callable[[list[Any]], list[Any]] = list
    stage: SimStage = field(default_factory=SimStage)
    heard: int = 0
    looked: datetime | None = None

    def __post_init__(self) -> None:
        stripe = stripe_over(SimTransport(self.stage))
        self.place = FakeServices(policy=self.policy, stripe=stripe)
        self.place.now.at = at(self.stage.second)
        made = self.stage.post(
            "/v1/customers", email="ada@example.com", metadata={"account_id": ACCOUNT}
        )
        self.customer = str(made["id"])
        self.hear()

    def post(self, path: str, **params: Any) -> Any:
        """A call of the owner's, in the dashboard or by another program."""
        made = self.stage.post(path, **params)
        self.hear()
        return made

    def sells(self, lookup_key: str = "pro_monthly", **more: Any) -> str:
        """A subscription to this product."""
        items = [{"price": self.stage.price(lookup_key)}]
        return str(
            self.post("/v1/subscriptions", customer=self.customer, items=items, **more)["id"]
        )

    def sells_other(self, amount: int = 900, **more: Any) -> str:
        """A subscription to another product, whose price billing.toml does not know."""
        product = self.stage.post("/v1/products", name="Other")["id"]
        price = self.stage.post(
            "/v1/prices",
            product=product,
            currency="usd",
            unit_amount=amount,
            recurring={"interval": "month"},
        )["id"]
        made = self.post(
            "/v1/subscriptions", customer=self.customer, items=[{"price": price}], **more
        )
        return str(made["id"])

    def gives(self, method: str) -> "AdoptedLife":
        """The customer sets a card or a bank account as the default."""
        self.stage.gives(self.customer, method)
        self.hear()
        return self

    def invoices(self, subscription: str | None = None) -> list[Any]:
        """The customer's invoices at Stripe, the newest first."""
        found = self.stage.get("/v1/invoices", customer=self.customer, limit=100)["data"]
        return [one for one in found if subscription in (None, subscription_of(one))]

    def hear(self) -> None:
        fresh = self.stage.engine.store.events[self.heard :]
        self.heard += len(fresh)
        for event in self.arrives(list(fresh)):
            (outcome,) = ingest([Message(event["id"], json.dumps(event))], self.place.services)
            assert outcome.failure is None, outcome

    def days(self, number: float) -> "AdoptedLife":
        """Let time pass: what is due at Stripe and here happens at its moment."""
        to = self.now + timedelta(days=number)
        while self.now < to:
            theirs = self.stage.engine.next_due()
            ours = self.account.due_at if self.knows else None
            looks = (self.looked or self.now) + timedelta(days=1)
            dues = [one for one in (ours, at(theirs) if theirs else None, looks, to) if one]
            later = max(min(dues), self.now + timedelta(seconds=1))
            self.place.now.at = min(later, to)
            self.stage.advance(int(self.now.timestamp()))
            self.hear()
            if self.knows:
                process_due_account(ACCOUNT, self.place.services)
                publish_outbox(ACCOUNT, self.place.services)
            if self.now >= looks:
                self.looked = self.now
                reconcile(self.place.services)
        return self

    @property
    def now(self) -> datetime:
        return self.place.now.at

    @property
    def knows(self) -> bool:
        return ACCOUNT in self.place.accounts.items

    @property
    def account(self) -> Account:
        found: Account | None = self.place.accounts.load(ACCOUNT)
        assert found
        return found

    @property
    def stands(self) -> tuple[str, str]:
        found = standing(self.account, self.policy, self.now)
        return found.access, found.reason

    @property
    def happened(self) -> list[str]:
        """The types of all domain events so far."""
        publish_outbox(ACCOUNT, self.place.services)
        entries = self.place.timeline.entries.values()
        return [one.type for one in entries if one.kind == "happening"]


def subscription_of(invoice: Any) -> str | None:
    """The subscription of an invoice as Stripe shows it."""
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    found = details.get("subscription")
    return str(found) if found else None


BEGIN = datetime.fromtimestamp(SimStage().second, UTC)
MONTH = timedelta(seconds=31 * DAY)
