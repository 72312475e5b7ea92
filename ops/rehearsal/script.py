"""The facts about a typical customer: from the signup, from the customer's actions, and from the
simulated Stripe's events.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account.facts import (
    AddressProved,
    Fact,
    MilestoneReached,
    OperationUpdated,
    SignedUp,
)
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.parts.checkout import Order
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.stripe import AFTER_CHECKOUT
from chalicelib.domain.billing.stripe_requests import NewCheckout, NewTrial
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.account_proof import stripe_metadata
from chalicelib.runtime.wiring import stripe_over
from chalicelib.stripe_api.events import read_event
from local.stripe_sim.in_process import InProcessStripe
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.rehearsal.customers import Customer, Deed

ACCOUNT = "acc_rehearsal"
METADATA = stripe_metadata(ACCOUNT, "rehearsed")
EMAIL, NAME = "ada@example.com", "Ada Byron"
CONFIRMED_AFTER = timedelta(minutes=10)
"""How soon everybody confirms the address, where a trial begins with that: without it there is
nothing to rehearse.
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """The facts of one moment, and which of DEEDS the customer did then."""

    at: datetime
    facts: tuple[Fact, ...]
    deeds: tuple[str, ...] = ()


def script(customer: Customer, policy: Policy, start: datetime, days: int) -> list[Heard]:
    """All facts about a customer who signs up at `start`, in whole seconds, within a number of
    days, the earliest first. Raises InvalidInput.
    """
    return _Scene(policy, start).played(customer, start + timedelta(days=days))


class _Scene:
    """One customer, and Stripe."""

    def __init__(self, policy: Policy, start: datetime) -> None:
        self._policy, self._start = policy, start
        self._plan, self._interval = _tried(policy)
        self._stripe = InProcessStripe(int(start.timestamp()), catalogue(policy))
        self._api = stripe_over(self._stripe)
        self._heard: defaultdict[datetime, list[Fact]] = defaultdict(list)
        self._deeds: defaultdict[datetime, list[str]] = defaultdict(list)
        self._cus = ""

    def played(self, customer: Customer, until: datetime) -> list[Heard]:
        self._signs_up()
        for deed in sorted(customer.deeds, key=lambda deed: deed.at_day(self._policy.trial.days)):
            at = self._start + timedelta(
                seconds=round(deed.at_day(self._policy.trial.days) * 86400)
            )
            if at <= until:
                self._listen(at)
                self._do(deed, at)
                self._deeds[at].append(deed.what)
        self._listen(until)
        return [
            Heard(at, tuple(self._heard[at]), tuple(self._deeds[at]))
            for at in sorted({*self._heard, *self._deeds})
        ]

    def _signs_up(self) -> None:
        """As usecases/accounts/sign_up.py does it, with Stripe's trial created in the same
        second.
        """
        start, length = self._start, timedelta(days=self._policy.trial.days)
        confirm = self._policy.signup is not None and self._policy.signup.confirm
        begins = start + CONFIRMED_AFTER if confirm else start
        signup = Signup(
            self._plan,
            start + length,
            start,
            interval=self._interval,
            confirm=confirm,
            identities=(f"email:{EMAIL}",),
        )
        if self._policy.signup:
            self._heard[start].append(SignedUp(signup, Profile(EMAIL, NAME)))
        if confirm:
            self._heard[begins].append(AddressProved(begins))
        self._listen(begins)
        made = self._api.customers.create(f"{ACCOUNT}:customer", METADATA, EMAIL, NAME)
        self._cus = str(made.id)
        key = self._policy.lookup_key(self._plan, self._interval) or ""
        self._api.subscriptions.start_trial(
            f"{ACCOUNT}:trial",
            NewTrial(METADATA, self._cus, key, begins + length, self._policy.trial.without_card),
        )
        self._listen(begins)
        if self._policy.signup:
            self._heard[begins].append(
                OperationUpdated("trial", PendingOperation(begins, begins, done_at=begins))
            )

    def _do(self, deed: Deed, at: datetime) -> None:
        done: list[Fact] = []
        match deed.what:
            case "opens":
                self._heard[at].append(AddressProved(at))
            case "uses":
                self._heard[at] += [MilestoneReached(name, at) for name in self._policy.milestones]
            case "gives a card" | "loses the card":
                card = "tok_visa" if deed.what == "gives a card" else "tok_chargeCustomerFail"
                self._stripe.engine.checkout.set_default_card(
                    self._stripe.engine.store.find("customer", self._cus), card
                )
            case "cancels":
                for subscription in self._living():
                    self._stripe.engine.checkout.portal_cancel(subscription)
            case "buys" if not self._living():
                order, key = (
                    Order("subscription", self._plan, self._interval, 1),
                    self._policy.lookup_key(self._plan, self._interval),
                )
                new = NewCheckout(
                    ACCOUNT,
                    METADATA,
                    self._cus,
                    order,
                    key,
                    self._policy.currency,
                    "https://billing.example/return",
                    "https://billing.example/",
                )
                session = self._api.checkout.create(f"{ACCOUNT}:checkout", new).id
                engine = self._stripe.engine
                engine.checkout.complete(
                    engine.store.find("checkout.session", session), "tok_visa", authenticated=True
                )
                operation = PendingOperation(at, at, done_at=at)
                done.append(
                    OperationUpdated(f"{AFTER_CHECKOUT['subscription']}:{session}", operation)
                )
        self._listen(at)
        self._heard[at] += done

    def _living(self) -> list[dict[str, object]]:
        return [
            one
            for one in self._stripe.engine.store.all("subscription")
            if one["status"] != "canceled"
        ]

    def _listen(self, until: datetime) -> None:
        """Advance Stripe's clock, and read the events on the way."""
        self._stripe.advance(int(until.timestamp()))
        for event in self._stripe.hear():
            at = datetime.fromtimestamp(event["created"], UTC)
            fact = read_event(json.dumps(event), at).fact
            if fact:
                self._heard[at].append(fact)


def _tried(policy: Policy) -> tuple[str, str]:
    """The plan and the interval of the trial: those of signups, else the first that is sold."""
    sold: Sequence[tuple[str, str]] = [
        (plan.id, interval) for plan in policy.plans.values() for interval in plan.lookup_keys
    ]
    wanted = (policy.signup.plan, policy.signup.interval) if policy.signup else None
    if wanted and wanted in sold:
        return wanted
    if not sold:
        raise InvalidInput(
            "No plan of billing.toml has a lookup key: there is nothing to try.", "plans"
        )
    return sold[0]
