"""Withdrawing from the contract: ended and paid back once, whatever fails on the way; and the
answers about who may.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from chalicelib.domain.billing.cancellation_rules import may_withdraw, may_withdraw_until
from chalicelib.domain.errors import NotPossible, Unavailable
from chalicelib.domain.policy.policy import CancelPolicy
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave
from tests.fakes.faults import crashing_after
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import DAY, SimLife, crashes
from tests.fakes.stripe.answers import StripeAnswers, refusal
from tests.unit.usecases.billing.test_actions import FAULTS, finished_with, paying

WITHDRAWABLE = replace(QUIET, cancel=CancelPolicy(withdrawal_days=14))


def asking() -> SimLife:
    """A customer who pays for the second plan's price difference too, and has asked to withdraw."""
    life = paying(days=15)
    life.policy = life.place.policy = WITHDRAWABLE
    life.minutes(5)
    ask_to_leave(life.account, "withdraw", None, None, life.services)
    return life


def confirms(life: SimLife) -> Any:
    wish = life.account.leave
    assert wish
    return leave(life.account, wish, life.services)


def settled(life: SimLife) -> bool:
    charges = [one for one in life.objects("charge") if one["paid"]]
    return (
        bool(charges)
        and all(one["amount_refunded"] == one["amount"] for one in charges)
        and [one["status"] for one in life.objects("subscription")] == ["canceled"]
        and len(life.objects("refund")) == len(charges)
        and life.account.withdrawn_at is not None
        and not [
            name for name, operation in life.account.errands.items() if operation.done_at is None
        ]
    )


def test_a_withdrawal_ends_all_and_stands_on_the_timeline() -> None:
    life = asking()
    outcome = confirms(life)
    assert (outcome.standing.access, outcome.standing.reason) == ("none", "canceled")
    life.hear()
    assert settled(life)
    assert "withdraw.done" in {entry.type for entry in life.place.timeline.entries.values()}
    assert "contract.withdrawn" in {one.type for one in life.account.outbox} | {
        entry.type for entry in life.place.timeline.entries.values()
    }


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_it_ends_it_is_paid_back_once(reply_lost: bool) -> None:
    for n in range(1, 40):
        life = asking()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        crashed = crashes(lambda life=life: confirms(life))  # type: ignore[misc]
        life.calls.crash_at = None
        begun = bool([name for name in life.account.errands if name.startswith("do:")])
        if not (n % 2 and begun):
            confirms(life)
        finished_with(life)
        assert settled(life), n
        if not crashed:
            assert n > 6
            return
    raise AssertionError("it makes more calls than that")


@pytest.mark.parametrize("how", [how for how in FAULTS if how != "402"])
def test_whatever_stripe_answers_it_is_paid_back_once(how: str) -> None:
    for method, path in (("DELETE", ""), ("POST", "/v1/refunds"), ("GET", "/v1/invoice_payments")):
        life = asking().fault(how, 2, method=method, path=path)
        try:
            confirms(life)
        except Unavailable:
            finished_with(life)
        finished_with(life)
        assert settled(life), (how, method)


def test_a_refund_that_stripe_refuses_now_is_owed_and_tried_again() -> None:
    life = asking().fault("403", 1, path="/v1/refunds")
    with pytest.raises(Unavailable, match="goes on by itself"):
        confirms(life)
    assert life.objects("refund") == []
    finished_with(life)
    assert settled(life)


def test_the_right_is_of_so_many_days_from_the_first_payment() -> None:
    life = paying(days=15)
    first = min(
        billed.value.created
        for billed in life.account.invoices.values()
        if billed.value.amount_paid
    )
    assert may_withdraw_until(life.account, WITHDRAWABLE) == first + 14 * DAY
    assert may_withdraw(life.account, WITHDRAWABLE, first + 14 * DAY - timedelta(seconds=1))
    assert not may_withdraw(life.account, WITHDRAWABLE, first + 14 * DAY)
    assert may_withdraw_until(life.account, QUIET) is None
    life.days(50)
    assert may_withdraw_until(life.account, WITHDRAWABLE) == first + 14 * DAY, (
        "a renewal is no new contract"
    )


def test_a_link_that_was_asked_for_in_time_is_in_time() -> None:
    life = asking()
    until = may_withdraw_until(life.account, WITHDRAWABLE)
    assert until
    life.advance(until - timedelta(minutes=1))
    ask_to_leave(life.account, "withdraw", None, None, life.services)
    life.minutes(20)
    assert confirms(life).standing.reason == "canceled"


def test_who_is_too_late_or_has_not_bought_cannot_ask() -> None:
    life = paying(days=15)
    life.policy = life.place.policy = WITHDRAWABLE
    life.days(40)
    with pytest.raises(NotPossible, match="over"):
        ask_to_leave(life.account, "withdraw", None, None, life.services)


@pytest.mark.parametrize(
    ("code", "noted"), [("charge_disputed", True), ("charge_already_refunded", False)]
)
def test_a_refund_that_stripe_refuses_for_good_is_the_teams_and_the_withdrawal_is_done(
    code: str, noted: bool
) -> None:
    life = asking()
    StripeAnswers(life.stage).reply("POST", "/v1/refunds", 400, refusal("It cannot be.", code))
    assert confirms(life).standing.reason == "canceled"
    assert life.account.withdrawn_at
    assert not pending(life.account.errands)
    assert life.place.metrics["ErrandsRefused"] == (1 if noted else 0)
    (entry,) = [one for one in life.place.timeline.entries.values() if one.kind == "call"]
    assert entry.type == "withdraw.done"
    charge = life.only("charge")["id"]
    assert entry.data.get("not_refunded") == ({charge: code} if noted else None)


def test_a_refund_for_which_the_owner_has_no_money_yet_is_tried_again() -> None:
    life = asking()
    answers = StripeAnswers(life.stage)
    body = refusal("Insufficient funds.", "balance_insufficient")
    answers.reply("POST", "/v1/refunds", 400, body, times=1)
    with pytest.raises(Unavailable, match="goes on by itself"):
        confirms(life)
    finished_with(life)
    assert settled(life)


def test_an_invoice_that_a_debit_is_paying_does_not_keep_anybody_from_withdrawing() -> None:
    life = asking().gives_card("4000000000000341")
    one = life.only("subscription")
    item = {"id": one["items"]["data"][0]["id"], "price": life.stage.price("scale_monthly")}
    path = f"/v1/subscriptions/{one['id']}"
    life.stage.post(
        path,
        items=[item],
        proration_behavior="always_invoice",
        payment_behavior="allow_incomplete",
    )
    life.hear()
    (owed,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    answers = StripeAnswers(life.stage)
    body = refusal("Invoices with `processing` payments cannot be voided.")
    answers.reply("POST", r"/v1/invoices/in_\w+/void", 400, body)
    assert confirms(life).standing.reason == "canceled"
    assert len(life.objects("refund")) == 1
    (entry,) = [one for one in life.place.timeline.entries.values() if one.kind == "call"]
    assert entry.data["not_refunded"] == {owed["id"]: "stripe_refused"}
