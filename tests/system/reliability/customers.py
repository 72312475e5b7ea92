"""Use cases of the customer's own hand: signing up, paying, coming back; what stands at the door;
all with the simulated Stripe behind them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import OutcomeUnknown
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.usecases.accounts.abuse_guard import admit
from chalicelib.usecases.accounts.api_keys import KeyRing, create_key
from chalicelib.usecases.accounts.sign_up import ask_to_sign_in
from chalicelib.usecases.billing.checkout import open_portal
from chalicelib.usecases.services import SignupGuard
from tests.fakes.faults import OutsideCalls
from tests.fakes.services import POLICY
from tests.fakes.simulated_lifecycles import BEGIN, WISH, SimLife
from tests.system.reliability.clock import until_later
from tests.system.reliability.run import UseCase
from tests.unit.usecases.accounts.test_api_keys import Store
from tests.unit.usecases.billing.test_checkout import gone, on_trial

AGENDA = timedelta(hours=4)


def at_stripe(life: SimLife) -> Any:
    """What there is at Stripe, by kind and what matters of it."""
    alive = [one for one in life.objects("customer") if not one.get("deleted")]
    return {
        "customers": len(alive),
        "cards": sum(bool(one["invoice_settings"]["default_payment_method"]) for one in alive),
        "subscriptions": Counter(one["status"] for one in life.objects("subscription")),
        "sessions": Counter(
            (one["mode"], one["status"])
            for one in life.objects("checkout.session")
            if one["status"] != "expired"
        ),
        "paid": sum(one["amount"] for one in life.objects("charge") if one["paid"]),
    }


def end_of_life(life: SimLife) -> Any:
    """Both sides: what is at Stripe, and what is known of it here."""
    accounts = [
        account for id in life.place.accounts.items if (account := life.place.accounts.load(id))
    ]
    known = [
        (
            life.stands() if life.account_id else None,
            len(one.customers),
            sorted(held.value.status for held in one.subscriptions.values()),
            sorted(billed.value.status for billed in one.invoices.values()),
            {
                name.partition(":")[0]
                for name, operation in one.errands.items()
                if operation.done_at
            },
            one.asks,
            one.checkout
            and (
                one.checkout.order.mode,
                one.checkout.order.plan,
                one.checkout.closed,
                bool(one.checkout.session),
            ),
        )
        for one in accounts
    ]
    happened = Counter(
        entry.type for entry in life.place.timeline.entries.values() if entry.kind == "happening"
    )
    return at_stripe(life), known, happened


def settle(life: SimLife, calls: OutsideCalls, time: timedelta = AGENDA) -> None:
    """Stripe's events arrive, and the agenda goes on."""
    for _ in range(2):
        life.hear()
        until_later(life.place, life.services, time / 2)
        life.stage.advance(int(life.place.now.at.timestamp()))


def sign_up(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    life.sign_up()


def sign_up_again(life: SimLife, calls: OutsideCalls) -> None:
    """Who had no answer tries again; who has an account needs not."""
    life.calls = calls
    if not life.place.accounts.items:
        life.sign_up()
    (life.account_id,) = life.place.accounts.items
    settle(life, calls)


def begun_in_doubt() -> SimLife:
    """A signup of which Stripe made the customer, and its reply was lost."""
    life = SimLife().fault("timeout_after", 2, "/v1/customers")
    life.sign_up()
    life.stage.api.faults.clear()
    due_at = life.account.due_at
    assert due_at
    # The key under which it was made is not relied on any more.
    life.place.now.at = due_at + timedelta(days=1)
    life.stage.advance(int(life.place.now.at.timestamp()))
    return life


def agenda(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    until_later(life.place, life.services, timedelta(seconds=1))


def agenda_on(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    settle(life, calls)


def ask_link(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    ask_to_sign_in(WISH.email, life.services)


def end_of_link(life: SimLife) -> Any:
    return life.account.sign_in_asked_at is not None, len(life.place.accounts.items)


def to_change_his_mind() -> SimLife:
    """One who has left, and has the Checkout of a plan open that he does not want any more."""
    life = gone()
    life.opens("pro")
    return life


def after_a_doubtful_one() -> SimLife:
    """One who has left; Stripe failed at his Checkout, and may have made it."""
    life = gone().fault("500_after", 1, "/v1/checkout/sessions")
    with pytest.raises(OutcomeUnknown):
        life.opens("pro")
    life.stage.api.faults.clear()
    return life


def open_checkout(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    life.opens("scale")


def click_again(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    life.opens("scale")


def portal(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    life.place.metrics["opened"] = bool(
        open_portal(life.account_id, lambda account: "https://b.example", life.services)
    )


def paid_at_stripe() -> SimLife:
    """One whose trial has paused for want of a card, who has just given one on Stripe's page."""
    life = on_trial()
    life.place.now.at = BEGIN + timedelta(days=15)
    life.stage.advance(int(life.place.now.at.timestamp()))
    settle(life, OutsideCalls(), timedelta(minutes=5))
    life.completes(life.opens())
    return life


def come_back(life: SimLife, calls: OutsideCalls) -> None:
    life.calls = calls
    life.returns(life.only("checkout.session")["id"])


def bought() -> SimLife:
    """One who has left, and has just bought again on Stripe's page."""
    life = gone()
    life.completes(life.opens("scale"))
    return life


@dataclass
class Gate:
    """A visitor before the door, or a program with its key."""

    counted: Counter[str] = field(default_factory=Counter)
    keys: Store = field(default_factory=Store)
    passed: int = 0
    token: str = ""

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        self.counted[kind] += 1
        return self.counted[kind]

    def solved(self, token: str, address: str) -> bool:
        return True


@dataclass(frozen=True)
class Watched:
    limits: Any
    captcha: Any
    keys: Any


def knock(gate: Gate, calls: OutsideCalls) -> None:
    beside = calls.watch_parts(Watched(gate, gate, gate.keys), "limits", "captcha")
    assert POLICY.signup
    policy: SignupPolicy = replace(POLICY.signup, captcha="turnstile")
    admit(
        "ada@example.com",
        "203.0.113.7",
        "token",
        policy,
        SignupGuard(beside.limits, beside.captcha, lambda metric, by: None),
        BEGIN,
    )
    gate.passed = 1


def with_key() -> Gate:
    gate = Gate()
    gate.token = create_key(gate.keys, "read", "test", BEGIN)
    return gate


def show_key(gate: Gate, calls: OutsideCalls) -> None:
    KeyRing(calls.watch_parts(Watched(gate, gate, gate.keys), "keys").keys).check(
        f"Bearer {gate.token}", "read", BEGIN
    )
    gate.passed = 1


def _case(
    name: str, next_run: str, begin: Any, run: Any, again: Any, end: Any = end_of_life
) -> UseCase:
    return UseCase(
        name,
        next_run,
        begin,
        run,
        again,
        end,
        clock=lambda life: life.place.now,
        stripe_faults=lambda life: life.stage.api.faults,
    )


AGENDA_OR_VISITOR = (
    "if the account was not written, the visitor gets a 503 and tries again;"
    " else the schedule continues"
)

USE_CASES = (
    UseCase(
        "Admit a signup",
        "the visitor gets a 503 and tries again",
        Gate,
        knock,
        knock,
        lambda gate: gate.passed,
    ),
    _case("Sign up", AGENDA_OR_VISITOR, SimLife, sign_up, sign_up_again),
    _case(
        "Start a trial that may exist already",
        "the schedule tries again",
        begun_in_doubt,
        agenda,
        agenda_on,
    ),
    _case(
        "Request a sign-in link",
        "the customer gets a 503 and asks again",
        on_trial,
        ask_link,
        ask_link,
        end_of_link,
    ),
    _case(
        "Open a Checkout that replaces another",
        "the customer gets a 503 and clicks again",
        to_change_his_mind,
        open_checkout,
        click_again,
    ),
    _case(
        "Open a Checkout after one with an unknown outcome",
        "the customer gets a 503 and clicks again",
        after_a_doubtful_one,
        open_checkout,
        click_again,
    ),
    _case(
        "Return from Checkout with a card, and pay open invoices",
        "Stripe's events, and the schedule",
        paid_at_stripe,
        come_back,
        agenda_on,
    ),
    _case(
        "Return from a purchase", "Stripe's events, and the schedule", bought, come_back, agenda_on
    ),
    _case(
        "Open the portal",
        "the customer gets a 503 and clicks again",
        on_trial,
        portal,
        portal,
        lambda life: life.place.metrics["opened"],
    ),
    UseCase(
        "Check an API key",
        "the product gets a 503 and calls again",
        with_key,
        show_key,
        show_key,
        lambda gate: gate.passed,
    ),
)
