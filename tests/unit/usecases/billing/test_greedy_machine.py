"""Whatever buttons a greedy customer presses, in whatever order and in however many tabs: nobody
has more full access than was paid, and no credit that was not paid.

BILLHOOK_MACHINE=examples×steps, such as 300x60, looks longer than CI does.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain import access_rules
from chalicelib.domain.access_rules import Access, Case
from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.billing.refunds import refund_plan
from chalicelib.domain.errors import BillhookError
from chalicelib.domain.policy.policy import CancelPolicy, RetentionOffer
from chalicelib.usecases.billing import actions
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave, take_alternative
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from local.stripe_sim.api.errors import StripeRefusal
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import DAY, SimLife, returns

GIFTS = frozenset({"trialing", "first_payment", "past_due_grace", "payment_processing", "granted"})
"""Reasons of full access that billing.toml gives without a payment: trials and graces."""

ROUNDED = 100
"""How far the count may be off: Stripe rounds each line of an invoice to a cent."""

A_YEAR = timedelta(days=365)
POLICY = replace(
    QUIET,
    mail=None,
    cancel=CancelPolicy(
        {
            "unused": RetentionOffer("pause", days=60),
            "too_expensive": RetentionOffer("plan", "pro"),
        },
        withdrawal_days=14,
        now=True,
        again_after=timedelta(days=30),
    ),
)


class CountedLife(SimLife):
    """A life that counts what full access was worth, by the subscription that it came from, in
    minor units.
    """

    used: Counter[str]

    def _stop_at(self, moment: datetime, deaf: bool) -> None:
        self._count(max(moment, self.place.now.at))
        super()._stop_at(moment, deaf)

    def _count(self, moment: datetime) -> None:
        if not self.account_id:
            return
        standing = self.standing
        end = min(moment, standing.until or moment)
        if standing.access != "full" or standing.reason in GIFTS or end <= self.place.now.at:
            return
        living = [one for one in self.objects("subscription") if one["status"] == "active"]
        for one in living:
            for item in one["items"]["data"]:
                period = item["current_period_end"] - item["current_period_start"]
                cost = item["price"]["unit_amount"] * item["quantity"]
                share = (end - self.place.now.at).total_seconds() / period
                self.used[one["id"]] += cost * share  # type: ignore[assignment]


class GreedyMachine(RuleBasedStateMachine):
    """One customer, everything that the billing page has, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.life = CountedLife(POLICY)
        self.life.used = Counter()
        self.sessions: list[str] = []
        self.links: list[CancellationRequest] = []
        self.previews: list[tuple[PlanRequest, datetime]] = []
        self.forgiven: dict[str, datetime] = {}

    @initialize(
        come_to=st.sampled_from(
            ["a trial", "a paid period", "a larger plan", "a larger plan", "a failed payment"]
        )
    )
    def signs_up(self, come_to: str) -> None:
        self.life.sign_up()
        self.life.hear()
        # Who presses no button is forgotten a month after the trial.
        proved = AddressProved(self.life.place.now.at)
        apply_facts(self.life.account, [proved], self.life.services, None)
        if come_to != "a trial":
            fails = come_to == "a failed payment"
            self.saves_a_card("4000000000000341" if fails else "tok_visa")
            self.waits(15, True)
        if come_to == "a larger plan":
            self._change(PlanRequest("scale", None, 3))
            self.life.hear()

    @rule(card=st.sampled_from(["tok_visa", "tok_visa", "4000000000000341"]))
    def saves_a_card(self, card: str) -> None:
        self.life.stage.gives(self.life.objects("customer")[0]["id"], card)

    @rule(
        plan=st.sampled_from(["pro", "scale"]),
        interval=st.sampled_from([None, "month", "year"]),
        seats=st.sampled_from([None, 1, 3, 40]),
        twice=st.booleans(),
    )
    def changes_the_plan(
        self, plan: str, interval: str | None, seats: int | None, twice: bool
    ) -> None:
        for _ in range(1 + twice):
            self._change(PlanRequest(plan, interval, seats))

    @rule(plan=st.sampled_from(["pro", "scale"]), seats=st.sampled_from([1, 5]))
    def looks_at_a_price(self, plan: str, seats: int) -> None:
        """The page with the price stays open in a tab."""
        wanted = PlanRequest(plan, None, seats)
        self._tries(
            lambda: actions.preview_change(self.life.account_id, wanted, self.life.services)
        )
        self.previews.append((wanted, self.life.place.now.at.replace(microsecond=0)))

    @precondition(lambda self: self.previews)
    @rule(back=st.integers(0, 3))
    def confirms_in_another_tab(self, back: int) -> None:
        wanted, as_of = self.previews[-1 - back % len(self.previews)]
        if self.life.place.now.at - as_of <= timedelta(minutes=15):
            self._change(replace(wanted, as_of=as_of))

    @rule(reason=st.sampled_from(["unused", "unused", "too_expensive"]))
    def takes_the_offer(self, reason: str) -> None:
        self._tries(lambda: take_alternative(self.life.account, reason, self.life.services))

    @rule()
    def takes_the_pause_and_waits_for_its_end(self) -> None:
        self.takes_the_offer("unused")
        self.waits(65, True)

    @rule(days=st.sampled_from([1, 10]))
    def uses_it_for_some_days_and_withdraws(self, days: float) -> None:
        self.waits(days, True)
        self.asks_to_leave("withdraw")
        if self.links:
            self.opens_a_mailed_link(0, 1)

    @rule(plan=st.sampled_from(["pro", "scale"]))
    def buys(self, plan: str) -> None:
        self.goes_to_checkout(plan)
        if self.sessions:
            self.completes_a_checkout(0, "tok_visa")
        self.life.hear()

    @rule(plan=st.sampled_from(["pro", "scale"]), days=st.sampled_from([1, 10]))
    def withdraws_and_buys_again_and_withdraws(self, plan: str, days: float) -> None:
        self.uses_it_for_some_days_and_withdraws(days)
        self.buys(plan)
        self.uses_it_for_some_days_and_withdraws(days)

    @rule()
    def cancels(self) -> None:
        self._tries(
            lambda: actions.cancel(
                self.life.account_id,
                IdempotentRequest("page cancel"),
                "period_end",
                None,
                None,
                self.life.services,
            )
        )

    @rule()
    def comes_back(self) -> None:
        outcome = self._tries(
            lambda: actions.reactivate(
                self.life.account_id,
                IdempotentRequest("page reactivate"),
                returns,
                self.life.services,
            )
        )
        if outcome and outcome.url:
            self.sessions.append(outcome.url.rpartition("/")[2])

    @rule(what=st.sampled_from(["withdraw", "withdraw", "cancel_now"]))
    def asks_to_leave(self, what: str) -> None:
        self._tries(lambda: ask_to_leave(self.life.account, what, None, None, self.life.services))
        wish = self.life.account.leave
        if wish and wish not in self.links:
            self.links.append(wish)

    @precondition(lambda self: self.links)
    @rule(back=st.integers(0, 3), times=st.integers(1, 2))
    def opens_a_mailed_link(self, back: int, times: int) -> None:
        wish = self.links[-1 - back % len(self.links)]
        if self.life.place.now.at - wish.at > timedelta(minutes=30):
            return  # the link has expired
        before = self.life.account.withdrawn_at
        living = [
            one["id"] for one in self.life.objects("subscription") if one["status"] == "active"
        ]
        for _ in range(times):
            self._tries(lambda: leave(self.life.account, wish, self.life.services))
        at = self.life.account.withdrawn_at
        if at and at != before and (before is None or at >= before + A_YEAR):
            self.forgiven |= dict.fromkeys(living, at)

    @rule(plan=st.sampled_from([None, "pro", "scale"]))
    def goes_to_checkout(self, plan: str | None) -> None:
        session = self._tries(lambda: self.life.opens(plan, "month" if plan else None))
        if session:
            self.sessions.append(session)

    @precondition(lambda self: self.sessions)
    @rule(back=st.integers(0, 3), card=st.sampled_from(["tok_visa", "4000000000000341"]))
    def completes_a_checkout(self, back: int, card: str) -> None:
        session = self.sessions[-1 - back % len(self.sessions)]
        try:
            self.life.completes(session, card)
        except StripeRefusal:
            return
        self._tries(lambda: self.life.returns(session))

    @rule()
    def pays_on_the_invoices_page(self) -> None:
        for invoice in self.life.objects("invoice"):
            if invoice["status"] == "open":
                try:
                    with self.life.stage.engine.lock:
                        self.life.stage.engine.checkout.authenticate(invoice)
                except StripeRefusal:
                    return

    @rule(days=st.sampled_from([0.01, 1, 10, 20, 32, 65]), hears=st.booleans())
    def waits(self, days: float, hears: bool) -> None:
        """Events arrive while time passes. `hears`: the customer looks at the page after that."""
        self.life.hear()
        self.life.advance(self.life.place.now.at + days * DAY)
        if hears:
            self.life.hear()

    @invariant()
    def nobody_has_more_than_was_paid(self) -> None:
        charges = [one for one in self.life.objects("charge") if one["paid"]]
        paid = sum(one["amount"] - one["amount_refunded"] for one in charges)
        credit = sum(-min(0, one["balance"] or 0) for one in self.life.objects("customer"))
        used = sum(worth for id, worth in self.life.used.items() if id not in self.forgiven)
        invoices = len(self.life.objects("invoice"))
        assert credit <= paid, f"credit of {credit}, and {paid} was paid"
        assert used + credit <= paid + ROUNDED * (1 + invoices), (
            f"{used:.0f} was used and {credit} is left as credit, and {paid} was paid"
        )

    def _change(self, wanted: PlanRequest) -> None:
        self._tries(
            lambda: actions.change_plan(
                self.life.account_id,
                IdempotentRequest(f"page plan {wanted}"),
                wanted,
                self.life.services,
            )
        )

    def _tries(self, press: Callable[[], Any]) -> Any:
        """What a button leads to; None if the page says that it cannot be done."""
        try:
            return press()
        except BillhookError:
            return None


examples, _, steps = os.environ.get("BILLHOOK_MACHINE", "20x25").partition("x")
TestGreedyMachine = GreedyMachine.TestCase
TestGreedyMachine.settings = settings(
    max_examples=int(examples),
    stateful_step_count=int(steps),
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def _pauses(machine: GreedyMachine) -> None:
    machine.signs_up("a paid period")
    machine.takes_the_pause_and_waits_for_its_end()


def _takes_credit_of_an_unpaid_period(machine: GreedyMachine) -> None:
    machine.signs_up("a larger plan")
    machine.waits(10, True)
    machine.takes_the_pause_and_waits_for_its_end()
    machine.changes_the_plan("pro", None, 1, False)


def _withdraws_with_credit(machine: GreedyMachine) -> None:
    machine.signs_up("a larger plan")
    machine.changes_the_plan("pro", None, 1, False)
    machine.uses_it_for_some_days_and_withdraws(1)


def _withdraws_twice(machine: GreedyMachine) -> None:
    machine.signs_up("a paid period")
    machine.withdraws_and_buys_again_and_withdraws("scale", 10)


def _without_pauses(case: Case) -> Access:
    tables = (rule for rule in access_rules.RULES if rule is not PAUSED_BY_CUSTOMER)
    return next(access for rule in tables if (access := rule.decide(case)))


PAUSED_BY_CUSTOMER = next(
    one for one in access_rules.RULES if one.when.startswith("The customer took a pause")
)
CURES: dict[str, tuple[str, Any, Callable[[GreedyMachine], None]]] = {
    "a pause ends access with what is paid": (
        "chalicelib.domain.access.access_of",
        _without_pauses,
        _pauses,
    ),
    "nothing is prorated in a period that nobody paid": (
        "chalicelib.usecases.billing.actions.within_paid",
        lambda account, subscription, change, invoices, policy: change,
        _takes_credit_of_an_unpaid_period,
    ),
    "a withdrawal takes the credit away": (
        "chalicelib.usecases.billing.refund.refund_plan",
        lambda *asked: replace(refund_plan(*asked), credit=0),
        _withdraws_with_credit,
    ),
    "the whole sum comes back once a year": (
        "chalicelib.usecases.billing.withdrawal.withdraws_again",
        lambda last, policy, now: False,
        _withdraws_twice,
    ),
}
"""What holds → what is replaced, by what, and what the customer then does."""


@pytest.mark.parametrize("cure", CURES)
def test_the_count_notices_a_cure_that_is_missing(
    cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, broken, story = CURES[cure]
    held = GreedyMachine()
    story(held)
    held.nobody_has_more_than_was_paid()
    monkeypatch.setattr(target, broken)
    machine = GreedyMachine()
    story(machine)
    with pytest.raises(AssertionError, match="was paid"):
        machine.nobody_has_more_than_was_paid()
