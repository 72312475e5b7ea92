"""What is taken and given back, to the cent: prorations, seats, coupons, charges; each once,
whatever fails.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import floor
from typing import Any

import pytest

from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.errors import (
    BillhookError,
    CardDeclined,
    IdempotencyConflict,
    InvalidInput,
    NoCard,
    NoSubscription,
    SubscriptionEnded,
    Unavailable,
)
from chalicelib.usecases.billing import actions
from local.stripe_sim.lifecycle.engine import CataloguePrice
from tests.fakes.faults import crashing_after
from tests.fakes.grids import grid
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import DAY, SimLife, crashes
from tests.unit.usecases.billing.test_actions import (
    DECLINES,
    change,
    finished_with,
    paid,
    paying,
    subscription,
)
from tests.unit.usecases.billing.test_checkout import gone, on_trial
from tests.unit.usecases.billing.test_start_trial import CALLS, FAULTS

LEFT = Fraction(25, 31)
"""What is left of the period from 16 March to 16 April on the 22nd."""


def share(amount: int) -> int:
    """What is left of an amount, of a credit below zero: Stripe rounds each line down."""
    return floor(amount * LEFT)


def charge(
    life: SimLife, amount: int = 1500, bill: str = "now", key: str = "key-1", currency: str = "usd"
) -> Outcome:
    asked = IdempotentRequest(f"charge {amount} {bill} {currency}", key)
    return actions.charge(
        life.account_id, asked, amount, currency, "Import of an archive", bill, life.services
    )


def discount(life: SimLife, coupon: str, key: str | None = None) -> Outcome:
    return actions.give_discount(
        life.account_id, IdempotentRequest(f"discount {coupon}", key), coupon, life.services
    )


def preview(
    life: SimLife,
    plan: str,
    interval: str | None = None,
    quantity: int | None = None,
    prorate: str = "now",
) -> Preview:
    return actions.preview_change(
        life.account_id, PlanRequest(plan, interval, quantity, prorate), life.services
    )


def in_yen() -> SimLife:
    """A customer who pays in a currency without cents."""
    plans = {
        id: replace(plan, lookup_keys={"month": f"{id}_jpy"}) for id, plan in QUIET.plans.items()
    }
    life = SimLife(replace(QUIET, currency="jpy", plans=plans))
    life.stage.engine.register(
        (
            CataloguePrice("pro", "Pro", "pro_jpy", "month", 5000, "jpy"),
            CataloguePrice("scale", "S", "scale_jpy", "month", 20001, "jpy"),
        )
    )
    life.sign_up()
    life.hear()
    return life.gives_card().days(20)


def test_an_upgrade_in_mid_period_costs_at_once_what_the_preview_said() -> None:
    life = paying()
    told = preview(life, "scale")
    assert (told.due_now, told.currency) == (share(19900) + share(-4900), "usd")
    life.minutes(5)
    asked = IdempotentRequest("plan scale")
    outcome = actions.change_plan(
        life.account_id, asked, PlanRequest("scale", as_of=told.as_of), life.services
    )
    assert outcome.standing.plan == "scale"
    assert paid(life) == [4900, told.due_now]
    life.days(50)
    assert paid(life) == [4900, told.due_now, 19900]


def test_a_downgrade_leaves_credit_that_the_next_invoice_uses() -> None:
    life = paying()
    change(life, "scale")
    up = share(19900) + share(-4900)
    assert change(life, "pro").standing.plan == "pro"
    assert paid(life) == [4900, up], "nothing is paid back to the card"
    life.days(46)
    assert paid(life) == [4900, up], "the credit pays the next invoice"
    credit = share(19900) - share(4900)
    assert life.only("customer")["balance"] == 4900 - credit


def test_on_the_next_invoice_the_difference_is_added_to_it() -> None:
    life = paying()
    told = preview(life, "scale", prorate="next_invoice")
    difference = share(19900) + share(-4900)
    assert (told.due_now, told.next_amount) == (0, 19900 + difference)
    change(life, "scale", prorate="next_invoice")
    assert paid(life) == [4900]
    life.days(46)
    assert paid(life) == [4900, 19900 + difference]


def test_without_proration_the_period_costs_what_it_did() -> None:
    life = paying()
    assert preview(life, "scale", prorate="none").due_now == 0
    change(life, "scale", prorate="none")
    life.days(46)
    assert paid(life) == [4900, 19900]


def test_seats_are_billed_for_the_rest_of_the_period() -> None:
    life = paying()
    told = preview(life, "pro", quantity=3)
    outcome = change(life, "pro", quantity=3)
    assert outcome.standing.quantity == 3
    assert paid(life) == [4900, told.due_now]
    assert told.due_now == share(3 * 4900) + share(-4900)


def test_a_yearly_price_begins_a_new_period_and_gives_credit_for_the_old_one() -> None:
    life = paying()
    told = preview(life, "pro", "year")
    assert told.due_now == 49000 + share(-4900)
    outcome = change(life, "pro", "year")
    assert outcome.standing.access == "full"
    assert paid(life) == [4900, told.due_now]
    assert life.account.subscriptions[subscription(life)["id"]].value.items[0].interval == "year"


def test_a_change_in_the_trial_costs_nothing_now() -> None:
    life = on_trial().gives_card()
    assert preview(life, "scale").due_now == 0
    assert preview(life, "pro").change is None, "all is so already"


def test_a_coupon_takes_its_share_off_what_comes_and_is_given_once() -> None:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    life.stage.post("/v1/coupons", id="SORRY", amount_off=500, currency="usd", duration="once")
    for _ in range(2):
        discount(life, "LOYAL20")
        discount(life, "SORRY", "key-1")
    assert len(subscription(life)["discounts"]) == 2
    life.days(50)
    assert paid(life) == [4900, 4900 * 80 // 100 - 500]
    life.days(80)
    assert paid(life)[2] == 4900 * 80 // 100


def test_a_charge_billed_now_is_an_invoice_of_its_own_and_sweeps_nothing_along() -> None:
    life = paying()
    customer = life.only("customer")["id"]
    life.stage.post(
        "/v1/invoiceitems",
        customer=customer,
        amount=777,
        currency="usd",
        description="Of the owner's own",
    )
    life.stage.post("/v1/coupons", id="HALF", percent_off=50, duration="forever")
    discount(life, "HALF")
    outcome = charge(life, 1500)
    assert outcome.charged
    invoice = life.stage.get(f"/v1/invoices/{outcome.charged.invoice}")
    assert (invoice["status"], invoice["amount_paid"], len(invoice["lines"]["data"])) == (
        "paid",
        1500,
        1,
    )
    assert paid(life) == [4900, 1500]


def test_a_charge_on_the_next_invoice_waits_for_it() -> None:
    life = paying()
    outcome = charge(life, 1500, "next_invoice")
    assert outcome.charged
    assert (outcome.charged.status, outcome.charged.invoice) == ("pending", None)
    assert paid(life) == [4900]
    life.days(46)
    assert paid(life) == [4900, 6400]


def test_money_without_cents_is_charged_and_prorated_in_whole_units() -> None:
    life = in_yen()
    assert paid(life) == [5000]
    charge(life, 1500, currency="jpy")
    told = preview(life, "scale")
    assert (told.due_now, told.currency) == (share(20001) + share(-5000), "jpy")
    change(life, "scale")
    charge(life, 300, "next_invoice", "key-2", "jpy")
    life.days(46)
    assert paid(life) == [5000, 1500, told.due_now, 20301]


def test_the_same_key_is_one_charge_for_ever_and_another_body_a_conflict() -> None:
    life = paying()
    first = charge(life)
    assert charge(life) == first
    with pytest.raises(IdempotencyConflict):
        charge(life, 1501)
    life.days(100)
    assert charge(life) == first
    assert paid(life).count(1500) == 1


def test_two_keys_are_two_charges() -> None:
    life = paying()
    ids = {
        outcome.charged.charge.id
        for outcome in (charge(life), charge(life, key="key-2"))
        if outcome.charged
    }
    assert len(ids) == 2
    assert paid(life) == [4900, 1500, 1500]


def test_a_charge_that_is_declined_leaves_no_debt_and_stays_declined_under_its_key() -> None:
    life = paying()
    life.gives_card(DECLINES)
    with pytest.raises(CardDeclined):
        charge(life)
    assert [one["status"] for one in life.objects("invoice") if one["amount_due"] == 1500] == [
        "void"
    ]
    life.hear()
    life.gives_card()
    life.minutes(600)
    with pytest.raises(CardDeclined):
        charge(life)
    assert paid(life) == [4900]
    charge(life, key="key-2")
    assert paid(life) == [4900, 1500]


MISTAKES: list[
    tuple[str, Callable[[], SimLife], Callable[[SimLife], Any], type[BillhookError], str | None]
] = [
    ("nothing", paying, lambda life: charge(life, 0), InvalidInput, "amount"),
    ("less than nothing", paying, lambda life: charge(life, -1), InvalidInput, "amount"),
    (
        "more than Stripe takes",
        paying,
        lambda life: charge(life, 100_000_000),
        InvalidInput,
        "amount",
    ),
    (
        "another currency",
        paying,
        lambda life: charge(life, currency="eur"),
        InvalidInput,
        "currency",
    ),
    (
        "no next invoice",
        gone,
        lambda life: charge(life, bill="next_invoice"),
        SubscriptionEnded,
        None,
    ),
    ("no card", on_trial, lambda life: charge(life), NoCard, "bill"),
    (
        "a coupon of who has ended",
        gone,
        lambda life: discount(life, "LOYAL20"),
        SubscriptionEnded,
        None,
    ),
]


@pytest.mark.parametrize(
    ("begin", "act", "error", "field"),
    [row[1:] for row in MISTAKES],
    ids=[row[0] for row in MISTAKES],
)
def test_what_cannot_be_charged_is_told_and_nothing_is_done(
    begin: Callable[[], SimLife],
    act: Callable[[SimLife], Any],
    error: type[BillhookError],
    field: str | None,
) -> None:
    life = begin()
    before, calls = life.account, len(life.stage.api.calls)
    with pytest.raises(error) as refusal:
        act(life)
    assert (type(refusal.value), refusal.value.field) == (error, field)
    assert life.account == before
    assert len(life.stage.api.calls) == calls


def test_a_coupon_that_stripe_does_not_have_is_named() -> None:
    life = paying()
    with pytest.raises(InvalidInput) as refusal:
        discount(life, "NOPE")
    assert refusal.value.field == "coupon"
    assert not subscription(life)["discounts"]
    life.minutes(600)
    assert not [
        name for name, operation in life.account.errands.items() if operation.done_at is None
    ]


def test_who_has_no_subscription_and_no_card_can_be_charged_in_no_way() -> None:
    waiting = SimLife()
    waiting.sign_up(confirm=True)
    with pytest.raises(NoCard):
        charge(waiting)
    with pytest.raises(NoSubscription):
        charge(waiting, bill="next_invoice")


WAYS = {"now": (4900, 1500, 4900), "next_invoice": (4900, 6400)}


def charged_once(life: SimLife, bill: str, why: object) -> None:
    finished_with(life)
    life.days(46)
    assert tuple(paid(life)) == WAYS[bill], why
    invoices = [
        one["amount_due"]
        for one in life.objects("invoice")
        if one["billing_reason"] == "manual" and one["status"] != "void"
    ]
    assert invoices == ([1500] if bill == "now" else []), why


@pytest.mark.parametrize(("bill", "reply_lost"), grid(WAYS, [True, False]))
def test_wherever_a_charge_ends_it_is_made_once(bill: str, reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = paying()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        if not crashes(lambda life=life: charge(life, bill=bill)):  # type: ignore[misc]
            assert n > 5
            return
        life.calls.crash_at = None
        if n % 2 and any(name.startswith("do:") for name in life.account.errands):
            finished_with(life)
        first = charge(life, bill=bill)
        charged_once(life, bill, n)
        assert charge(life, bill=bill) == first
    raise AssertionError("it makes more calls than that")


@pytest.mark.parametrize(
    ("bill", "how", "path", "late"),
    grid(
        WAYS,
        [how for how in FAULTS if how != "402"],
        ["/v1/invoiceitems", "/v1/invoices"],
        [timedelta(0), timedelta(hours=30)],
    ),
)
def test_whatever_stripe_answers_a_charge_is_made_once(
    bill: str, how: str, path: str, late: timedelta
) -> None:
    life = paying().fault(how, 2, path)
    try:
        first = charge(life, bill=bill)
    except Unavailable:
        if late:
            life.place.now.at += (
                late  # nobody was there to go on with it: the key is not relied on any more
            )
            life.stage.advance(int(life.place.now.at.timestamp()))
        life.stage.api.faults.clear()
        first = charge(life, bill=bill)
    charged_once(life, bill, how)
    assert charge(life, bill=bill) == first


@pytest.mark.parametrize(
    ("step", "how"), grid(["/finalize", "/pay"], ["timeout_after", "500_after", "500", "409"])
)
def test_an_invoice_that_was_begun_is_gone_on_with(step: str, how: str) -> None:
    life = paying()
    began = len(life.stage.api.calls)
    make = life.stage.api.answer

    def answer(asked: Any) -> Any:
        if asked.path.endswith(step) and not getattr(life, "failed", 0):
            life.failed = 1  # type: ignore[attr-defined]
            life.fault(how, 2, asked.path)
        return make(asked)

    life.stage.api.answer = answer  # type: ignore[method-assign]
    try:
        charge(life)
    except Unavailable:
        life.minutes(5)
    charge(life)
    charged_once(life, "now", how)
    assert len(life.stage.api.calls) > began


def test_the_day_brings_the_subscriptions_renewal_and_not_a_second_charge() -> None:
    life = paying()
    charge(life)
    life.advance(life.place.now.at + 40 * DAY)
    assert paid(life) == [4900, 1500, 4900]
