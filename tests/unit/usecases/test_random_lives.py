"""Random lives over cards, debits, sent invoices, several subscriptions and other products: what
holds in every one of them, in order and delivered badly.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.adopted_lives import AdoptedLife, subscription_of
from tests.fakes.grids import examples
from tests.fakes.stripe.sim import DAY

METHODS = {
    "a card that pays": "tok_visa",
    "a card that fails": "tok_chargeCustomerFail",
    "an account that pays": "000123456789",
    "an account whose debits come back": "000222222227",
    "an account whose debits hang": "000000000009",
}
GRACE = 7 * DAY + DAY  # and the minutes in which due work is done
DEBIT = 14 * DAY
STEPS = st.one_of(
    st.tuples(st.just("gives"), st.sampled_from(sorted(METHODS))),
    st.tuples(st.just("sells"), st.sampled_from(["charge", "trial", "send", "send after trial"])),
    st.tuples(st.just("sells other"), st.sampled_from(["charge", "send"])),
    st.tuples(st.just("days"), st.sampled_from([0.5, 1, 3, 8, 16, 31, 100])),
    st.tuples(st.just("owner"), st.sampled_from(["void", "pay", "mark_uncollectible"])),
    st.tuples(st.just("cancels"), st.sampled_from(["now", "later"])),
)


@dataclass
class RandomLife(AdoptedLife):
    """A life made of steps, and what of it an oracle has to remember."""

    ours: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    gifts: set[str] = field(default_factory=set)
    """Subscriptions of which the owner voided an invoice that had not failed."""

    def step(self, kind: str, what: Any) -> None:
        match kind:
            case "gives":
                self.gives(METHODS[what])
            case "sells" | "sells other" if len(self.ours) + len(self.other) < 4:
                self._sell(kind, what)
            case "days":
                self.days(what)
            case "owner":
                self._act_on_an_invoice(what)
            case "cancels":
                self._cancel(what)

    def _sell(self, kind: str, what: str) -> None:
        more: dict[str, Any] = {}
        if what.startswith("send"):
            more |= {"collection_method": "send_invoice", "days_until_due": 10}
        if "trial" in what:
            more |= {"trial_period_days": 7}
        sell = self.sells if kind == "sells" else self.sells_other
        items_fail = self.stage.call("GET", f"/v1/customers/{self.customer}")[1]
        default = items_fail["invoice_settings"]["default_payment_method"]
        if not more and default is None:
            return  # Stripe refuses to charge who has nothing on file
        try:
            made = sell(**more)
        except AssertionError:
            return  # a card that is declined sells nothing
        (self.ours if kind == "sells" else self.other).append(made)

    def _act_on_an_invoice(self, what: str) -> None:
        invoices = [one for one in self.invoices() if one["status"] == "open"]
        if not invoices or self._is_processing(invoices[-1]["id"]):
            return
        oldest = invoices[-1]
        if what == "pay":
            self.post(f"/v1/invoices/{oldest['id']}/pay", paid_out_of_band=True)
            return
        self.post(f"/v1/invoices/{oldest['id']}/{what}")
        if what == "void" and (subscription := subscription_of(oldest)):
            self.gifts.add(subscription)

    def _cancel(self, what: str) -> None:
        for id in self.ours[-1:]:
            if self.stage.status(id) in {"canceled", "incomplete_expired", "incomplete"}:
                continue
            if what == "now":
                self.stage.call("DELETE", f"/v1/subscriptions/{id}")
            else:
                self.stage.call("POST", f"/v1/subscriptions/{id}", {"cancel_at_period_end": True})
            self.hear()

    def _is_processing(self, invoice: str) -> bool:
        payments = self.stage.get(
            "/v1/invoice_payments", invoice=invoice, expand=["data.payment.payment_intent"]
        )["data"]
        return any(one["payment"]["payment_intent"]["status"] == "processing" for one in payments)

    def may_have_access(self) -> bool:
        """Whether money, a trial, a debit under way, an invoice that is not long overdue, or a gift
        of the owner's can give access: of this product's subscriptions alone.
        """
        return any(self._gives(id) for id in self.ours)

    def _gives(self, id: str) -> bool:
        found = self.stage.get(f"/v1/subscriptions/{id}")
        if found["status"] in {"canceled", "incomplete_expired"}:
            return False
        now = self.stage.second
        if found["trial_end"] and now < found["trial_end"] + 2 * DAY:
            return True
        return id in self.gifts or any(
            (
                one["status"] == "paid"
                and (one["amount_paid"] or one["billing_reason"] == "subscription_cycle")
            )
            or (one["due_date"] or 0) + GRACE > now
            or (self._is_processing(one["id"]) and one["created"] + DEBIT + DAY > now)
            or one["created"] + DEBIT + GRACE > now
            or one["status"] == "uncollectible"
            for one in self.invoices(id)
        )


def assert_what_always_holds(life: RandomLife) -> None:
    failed_at_stripe = any(
        event["type"] == "invoice.payment_failed" for event in life.stage.engine.store.events
    )
    if "payment.failed" in life.happened:
        assert failed_at_stripe, "nobody is dunned before a payment has failed"
    if life.stands[0] == "full":
        assert life.may_have_access(), "no access without money, a trial or a gift"
    assert set(life.account.subscriptions) <= set(life.ours)
    changed = [
        call
        for call in life.stage.api.calls
        if call.method != "GET" and any(id in call.path for id in life.other)
    ]
    assert changed == [], "nothing is done to a subscription to another product"
    for id in life.ours:
        if id in life.account.ended or id not in life.account.subscriptions:
            continue
        unpaid = {
            one["id"] for one in life.invoices(id) if one["status"] in {"open", "uncollectible"}
        }
        assert unpaid <= life.account.invoices.keys(), "every unpaid invoice is known"


@examples(60)
@given(steps=st.lists(STEPS, min_size=4, max_size=12))
def test_a_life_in_order(steps: list[tuple[str, Any]]) -> None:
    life = RandomLife()
    for kind, what in steps:
        life.step(kind, what)
        assert_what_always_holds(life)


@examples(40)
@given(steps=st.lists(STEPS, min_size=4, max_size=12), seed=st.integers(0, 99))
def test_a_life_whose_events_are_shuffled_doubled_and_lost_heals_in_two_days(
    steps: list[tuple[str, Any]], seed: int
) -> None:
    chance = Random(seed)

    def badly(events: list[Any]) -> list[Any]:
        some = [event for event in events if chance.random() < 0.7]
        return chance.sample([*some, *some[::2]], k=len(some) + len(some[::2]))

    life = RandomLife()
    life.arrives = badly
    for kind, what in steps:
        life.step(kind, what)
    life.arrives = list
    life.days(2)
    assert_what_always_holds(life)
