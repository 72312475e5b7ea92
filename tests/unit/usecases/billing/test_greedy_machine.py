"""Whatever buttons a greedy customer presses, in whatever order and in however many tabs: nobody
has more full access than was paid, and no credit that was not paid.

BILLHOOK_MACHINE=examples×steps, such as 300x60, looks longer than CI does.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.access import rules as access_rules
from chalicelib.domain.access.rules import Access, Case
from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.account.queries import plan_of
from chalicelib.domain.account.standing import Standing
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
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, returns

GIFTS = frozenset({"trialing", "first_payment", "past_due_grace", "payment_processing", "granted"})
"""Reasons of full access that billing.toml gives without a payment: trials and graces."""

GRANTED = {
    "payment_processing": 2 * QUIET.access.debit,
    "past_due_grace": QUIET.access.past_due_grace,
    "first_payment": 2 * QUIET.trial.first_payment,
}
"""How long each of them may give full access between two payments with money. A debit counts as
paid while it is under way, and so do those that follow, for as long again once it came back. First
payments are two: that after the trial, and one of a later purchase.
"""

UNPAID = "an unpaid plan"
"""Full access to a plan whose payment failed: nothing grants it."""

DECLINES, PAYS, COMES_BACK, DISPUTED = (
    "4000000000000341",
    "000123456789",
    "000222222227",
    "000555555559",
)
"""A card that declines, and bank accounts whose debits succeed, come back, and are disputed once
they succeeded.
"""

LIVING = frozenset({"active", "past_due"})
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


@dataclass(frozen=True)
class Gift:
    """Full access that nothing paid, for what billing.toml grants it."""

    what: str
    since: datetime
    lasts: timedelta


class CountedLife(SimLife):
    """A life that counts what full access was worth, by the subscription that it came from, in
    minor units; and how long it was full by what the policy grants.
    """

    used: Counter[str]
    gifts: list[Gift]
    worth: list[tuple[datetime, float]]
    """What was used in all, at each moment that was counted."""

    def _stop_at(self, moment: datetime, deaf: bool) -> None:
        self._count(max(moment, self.place.now.at))
        super()._stop_at(moment, deaf)

    def _count(self, moment: datetime) -> None:
        if not self.account_id:
            return
        now, standing = self.place.now.at, self.standing
        self.worth.append((now, sum(self.used.values())))
        end = min(moment, standing.until or moment)
        if standing.access != "full" or end <= now:
            return
        if standing.reason in GIFTS:
            is_greater = any(self.gives_what_is_owed(one) for one in self.living())
            what = UNPAID if is_greater else standing.reason
            self.gifts.append(Gift(what, now, end - now))
            return
        for one in self.living():
            self._count_subscription(one, standing, end - now)

    def living(self) -> list[Any]:
        """The subscriptions that run."""
        return [one for one in self.objects("subscription") if one["status"] in LIVING]

    def gives_what_is_owed(self, one: Any) -> bool:
        """Whether the account has a greater plan, or more, than before a change that is owed."""
        unpaid, item = self.unpaid_change(one), one["items"]["data"][0]
        if unpaid is None or unpaid["id"] == (self.under_way(one) or {}).get("id"):
            return False
        present = Terms(item["price"], item["quantity"])
        given = self.standing.plan, self.standing.quantity
        if given != (present.plan, present.quantity):
            return False
        before = self.terms_before(unpaid)
        is_larger = POLICY.rank(present.plan) > POLICY.rank(before.plan)
        return is_larger or present.quantity > before.quantity

    def terms_before(self, invoice: Any) -> "Terms":
        """What the subscription was before the change that made an invoice, as its events told it:
        several changes may fall into one second.
        """
        id = invoice["parent"]["subscription_details"]["subscription"]
        told = [event["data"]["object"] for event in self.stage.engine.store.events]
        of_it = (one for one in told if one["id"] == id)
        *_, last = takewhile(lambda one: one["latest_invoice"] != invoice["id"], of_it)
        item = last["items"]["data"][0]
        return Terms(item["price"], item["quantity"])

    def _count_subscription(self, one: Any, standing: Standing, time: timedelta) -> None:
        """Count what the product gave for a subscription, by its plan and quantity. A debit that is
        under way counts as paid, as the policy says.
        """
        items = [Terms(item["price"], item["quantity"]) for item in one["items"]["data"]]
        under_way = self.under_way(one)
        if under_way and under_way["billing_reason"] != "subscription_update":
            self.gifts.append(Gift("payment_processing", self.place.now.at, time))
            return
        if under_way and standing.plan == items[0].plan and standing.quantity == items[0].quantity:
            self.gifts.append(Gift(under_way["id"], self.place.now.at, time))
            items = self.credited(under_way)
        elif (standing.plan, standing.quantity) != (items[0].plan, items[0].quantity):
            unpaid = self.unpaid_change(one)
            assert unpaid, "another plan than at Stripe, and no change is owed"
            items = self.credited(unpaid)
        for item in items:
            self.used[one["id"]] += item.cost * (time / item.period)  # type: ignore[assignment]

    def under_way(self, one: Any) -> Any:
        """The invoice of a subscription for which a debit is under way."""
        intents = self.stage.engine.invoices.intents
        return next(
            (found for found in self.open_invoices(one) if intents.is_processing(found)), None
        )

    def unpaid_change(self, one: Any) -> Any:
        """The oldest invoice of a change that is not paid."""
        found = self.open_invoices(one)
        return next((one for one in found if one["billing_reason"] == "subscription_update"), None)

    def open_invoices(self, one: Any) -> list[Any]:
        """The oldest first."""
        return [
            invoice
            for invoice in reversed(self.objects("invoice"))
            if invoice["status"] in {"open", "uncollectible"}
            and invoice["parent"]["subscription_details"]["subscription"] == one["id"]
        ]

    def credited(self, invoice: Any) -> list["Terms"]:
        """What the invoice of a change takes away."""
        return [
            Terms(
                self.stage.engine.store.find("price", line["pricing"]["price_details"]["price"]),
                line["quantity"],
            )
            for line in invoice["lines"]["data"]
            if line["amount"] < 0
        ]

    def used_since(self, moment: datetime) -> float:
        """What was used since a moment."""
        before = [worth for at, worth in self.worth if at <= moment]
        return sum(self.used.values()) - (before[-1] if before else 0)


@dataclass(frozen=True)
class Terms:
    """A price at Stripe, and how often."""

    price: Any
    quantity: int

    @property
    def plan(self) -> str:
        """The plan of billing.toml."""
        return str(self.price["lookup_key"]).partition("_")[0]

    @property
    def cost(self) -> int:
        """What a period costs, in minor units."""
        return int(self.price["unit_amount"] * self.quantity)

    @property
    def period(self) -> timedelta:
        """How long a period is: the shortest month is not, so that no use is counted twice."""
        return timedelta(days=31 if self.price["recurring"]["interval"] == "month" else 366)


class GreedyMachine(RuleBasedStateMachine):
    """One customer, everything that the billing page has, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.life = CountedLife(POLICY)
        self.life.used, self.life.gifts, self.life.worth = Counter(), [], []
        self.sessions: list[str] = []
        self.links: list[CancellationRequest] = []
        self.previews: list[tuple[PlanRequest, datetime]] = []
        self.forgiven: dict[str, datetime] = {}
        self.used_before_a_loss = 0.0

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
            self.saves_a_card(DECLINES if fails else "tok_visa")
            self.waits(15, True)
        if come_to == "a larger plan":
            self._change(PlanRequest("scale", None, 3))
            self.life.hear()

    @rule(card=st.sampled_from(["tok_visa", DECLINES, PAYS, COMES_BACK, COMES_BACK, DISPUTED]))
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

    @rule(plan=st.sampled_from(["pro", "scale"]), card=st.sampled_from(["tok_visa", COMES_BACK]))
    def buys(self, plan: str, card: str = "tok_visa") -> None:
        self.goes_to_checkout(plan)
        if self.sessions:
            self.completes_a_checkout(0, card)
        self.life.hear()

    @rule(
        bank_account=st.sampled_from([PAYS, COMES_BACK, COMES_BACK]),
        plan=st.sampled_from(["pro", "scale"]),
        seats=st.sampled_from([1, 3, 40]),
    )
    def takes_a_larger_plan_by_debit(self, bank_account: str, plan: str, seats: int) -> None:
        self.saves_a_card(bank_account)
        self._change(PlanRequest(plan, None, seats))
        self.waits(1, True)

    @rule(back=st.integers(0, 3))
    def disputes_a_payment(self, back: int) -> None:
        charges = [one for one in self.life.objects("charge") if one["paid"]]
        charges = [one for one in charges if not one["disputed"] and not one["amount_refunded"]]
        if charges:
            self.life.stage.engine.payments.dispute(charges[back % len(charges)], "fraudulent")
        self.life.hear()

    @rule(status=st.sampled_from(["lost", "lost", "won"]))
    def the_bank_decides(self, status: str) -> None:
        for dispute in self.life.objects("dispute"):
            if dispute["status"] == "needs_response":
                self.life.stage.engine.payments.close_dispute(dispute, status)
                if status == "lost":
                    self.loses(dispute)
        self.life.hear()

    def loses(self, dispute: Any) -> None:
        """What was used for a payment until the bank took it back is used."""
        charge = next(one for one in self.life.objects("charge") if one["id"] == dispute["charge"])
        used = self.life.used_since(datetime.fromtimestamp(charge["created"], UTC))
        self.used_before_a_loss += min(used, charge["amount"])

    @rule(plan=st.sampled_from(["pro", "scale"]))
    def takes_credit_and_the_payment_back(self, plan: str) -> None:
        self._change(PlanRequest("pro", None, 1))
        self.disputes_a_payment(0)
        self.waits(10, True)
        self.the_bank_decides("lost")
        self.waits(32, True)
        self._change(PlanRequest(plan, None, 3))

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
        living = [one["id"] for one in self.life.objects("subscription") if one["status"] in LIVING]
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
    @rule(
        back=st.integers(0, 3),
        card=st.sampled_from(["tok_visa", DECLINES, PAYS, COMES_BACK, DISPUTED]),
    )
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
        lost = sum(one["amount"] for one in self.life.objects("dispute") if one["status"] == "lost")
        paid = sum(one["amount"] - one["amount_refunded"] for one in charges)
        credit = sum(-min(0, one["balance"] or 0) for one in self.life.objects("customer"))
        usable = max(0, credit - lost)  # what was lost gives no access as credit either
        used = sum(worth for id, worth in self.life.used.items() if id not in self.forgiven)
        invoices = len(self.life.objects("invoice"))
        assert credit <= paid, f"credit of {credit}, and {paid} was paid"
        stays = paid - lost + self.used_before_a_loss
        assert used + usable <= stays + ROUNDED * (1 + invoices), (
            f"{used:.0f} was used and {usable} is left as credit, and {stays:.0f} was paid"
        )

    @invariant()
    def nobody_has_more_than_the_policy_grants(self) -> None:
        """What debits and graces give without money is bounded between two payments with money."""
        paid_at = [
            datetime.fromtimestamp(one["created"], UTC)
            for one in self.life.objects("charge")
            if one["paid"]
        ]
        begun = max(paid_at, default=BEGIN)
        unpaid = [one for one in self.life.gifts if one.what == UNPAID]
        assert not unpaid, f"a greater plan than was paid: {unpaid}"
        for what, most in GRANTED.items():
            given = [
                one.lasts for one in self.life.gifts if one.what == what and one.since >= begun
            ]
            assert sum(given, timedelta(0)) <= most, f"{what} gave more than was paid: {given}"

    @invariant()
    def one_debit_a_year_gives_a_plan_ahead_of_its_money(self) -> None:
        ahead = {one.what: one.since for one in self.life.gifts if one.what in self._came_back()}
        assert all(
            later - earlier >= A_YEAR for earlier, later in pairwise(sorted(ahead.values()))
        ), f"more was used than was paid, ahead of debits that came back: {ahead}"

    def _came_back(self) -> set[str]:
        """The invoices whose debit came back, also if they were paid later."""
        intents = {one["id"]: one for one in self.life.objects("payment_intent")}
        return {
            intents[one["payment_intent"]]["payment_details"]["order_reference"]
            for one in self.life.objects("charge")
            if one["status"] == "failed" and one["id"].startswith("py_")
        }

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


def _takes_more_by_debits_that_come_back(machine: GreedyMachine) -> None:
    machine.signs_up("a paid period")
    for seats in (40, 60):
        machine.takes_a_larger_plan_by_debit(COMES_BACK, "scale", seats)
        machine.waits(10, True)
        machine.saves_a_card("tok_visa")
        machine.pays_on_the_invoices_page()
        machine.waits(32, True)


def _pays_by_one_failing_debit_after_another(machine: GreedyMachine) -> None:
    machine.signs_up("a trial")
    machine.saves_a_card(COMES_BACK)
    machine.waits(20, True)
    for _ in range(6):
        machine.pays_on_the_invoices_page()
        machine.waits(6, True)


def _takes_the_payment_back_that_made_the_credit(machine: GreedyMachine) -> None:
    machine.signs_up("a larger plan")
    machine.takes_credit_and_the_payment_back("pro")
    machine.waits(65, True)


def _without_pauses(case: Case) -> Access:
    tables = (rule for rule in access_rules.RULES if rule is not PAUSED_BY_CUSTOMER)
    return next(access for rule in tables if (access := rule.decide(case)))


PAUSED_BY_CUSTOMER = next(
    one for one in access_rules.RULES if one.when.startswith("The customer took a pause")
)
CURES: dict[str, tuple[str, Any, Callable[[GreedyMachine], None]]] = {
    "a pause ends access with what is paid": (
        "chalicelib.domain.access.standing.access_of",
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
    "a change that is not paid gives the plan of before it": (
        "chalicelib.domain.access.standing.paid_plan",
        lambda case: plan_of(case.account, case.subscription, case.policy),
        _takes_more_by_debits_that_come_back,
    ),
    "debits that all come back count as paid once": (
        "chalicelib.domain.account.payments._first_return",
        lambda account: None,
        _pays_by_one_failing_debit_after_another,
    ),
    "credit of a payment that was taken back gives nothing": (
        "chalicelib.domain.access.rules.is_paid_by_lost_credit",
        lambda account, subscription: False,
        _takes_the_payment_back_that_made_the_credit,
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
    recount(held)
    monkeypatch.setattr(target, broken)
    machine = GreedyMachine()
    story(machine)
    with pytest.raises(AssertionError, match="was paid"):
        recount(machine)


def test_money_for_the_running_period_makes_up_for_no_other_that_was_taken_back() -> None:
    machine = GreedyMachine()
    machine.signs_up("a larger plan")
    machine.saves_a_card(PAYS)
    machine.takes_credit_and_the_payment_back("pro")
    machine.takes_credit_and_the_payment_back("scale")
    machine.waits(10, False)
    machine.saves_a_card(COMES_BACK)
    machine.waits(65, False)
    recount(machine)


def test_a_smaller_plan_that_is_owed_is_no_greater_one_after_two_changes_in_one_second() -> None:
    machine = GreedyMachine()
    machine.signs_up("a larger plan")
    machine.saves_a_card(COMES_BACK)
    machine.changes_the_plan("pro", "year", 3, twice=False)
    machine.waits(10, True)
    recount(machine)


def recount(machine: GreedyMachine) -> None:
    machine.nobody_has_more_than_was_paid()
    machine.nobody_has_more_than_the_policy_grants()
    machine.one_debit_a_year_gives_a_plan_ahead_of_its_money()
