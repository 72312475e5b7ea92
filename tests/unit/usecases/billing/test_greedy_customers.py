"""A customer who tries to use more than was paid, by what the billing page offers; and beside each
attempt what remains allowed.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.billing.cancellation_rules import retention_offer
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.errors import AlreadySubscribed, CardDeclined, NotPossible
from chalicelib.domain.policy.policy import CancelPolicy, RetentionOffer
from chalicelib.usecases.billing.actions import preview_change
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave, take_alternative
from chalicelib.usecases.billing.withdrawal import last_withdrawal, shown_refund
from tests.fakes.faults import crashing_after
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import DAY, SimLife, crashes
from tests.unit.usecases.billing.test_actions import (
    DECLINES,
    change,
    finished_with,
    paid,
    paying,
    reactivate,
    subscription,
)
from tests.unit.usecases.billing.test_checkout import on_trial

PAUSABLE = replace(QUIET, cancel=CancelPolicy({"unused": RetentionOffer("pause", days=60)}))


def offered(life: SimLife) -> SimLife:
    """A customer to whom a pause is offered."""
    life.policy = life.place.policy = PAUSABLE
    return life


def pausing(days: float = 20) -> SimLife:
    """A customer who took the pause of sixty days in the first paid month, which is paid until the
    45th day.
    """
    life = offered(paying(days=days))
    assert take_alternative(life.account, "unused", life.services)
    life.hear()
    return life


def credit(life: SimLife) -> int:
    """What the customer has at Stripe for later invoices."""
    return -int(life.only("customer")["balance"] or 0)


def test_a_pause_taken_by_the_customer_gives_no_more_than_what_is_paid() -> None:
    life = pausing()
    assert life.stands() == ("full", "active")
    paid_until = life.account.own_pause and life.account.own_pause.paid_until
    assert life.standing.until == paid_until
    life.days(46)
    assert life.stands() == ("limited", "collection_paused")
    life.days(85)
    assert life.stands() == ("limited", "collection_paused"), "the pause is over, nothing is paid"
    life.days(108)
    assert life.stands() == ("full", "active")
    assert paid(life) == [4900, 4900]


def test_credit_that_pays_a_month_of_the_pause_does_not_open_the_next_one() -> None:
    life = offered(paying(days=20))
    life.stage.post(f"/v1/customers/{life.only('customer')['id']}", balance=-7000)
    assert take_alternative(life.account, "unused", life.services)
    life.hear()
    life.days(46)
    assert life.stands() == ("full", "active"), "the credit paid this month"
    life.days(74)
    assert life.stands() == ("full", "active")
    life.days(79)
    assert life.stands() == ("limited", "collection_paused"), "it was not enough for this one"


def test_a_pause_that_ends_within_the_paid_period_changes_nothing() -> None:
    life = pausing()
    life.days(30)
    assert reactivate(life).action == "resumed"
    life.hear()
    assert life.stands() == ("full", "active")
    life.days(46)
    assert life.stands() == ("full", "active")
    assert paid(life) == [4900, 4900]


def test_who_ends_the_pause_later_begins_a_new_period_and_pays_it() -> None:
    life = pausing()
    life.days(50)
    assert reactivate(life).action == "resumed"
    life.hear()
    assert life.stands() == ("full", "active")
    assert paid(life) == [4900, 4900]
    life.days(52)
    with pytest.raises(AlreadySubscribed):
        reactivate(life)
    life.days(79)
    assert life.stands()[0] == "full"
    assert paid(life) == [4900, 4900]


def test_who_cannot_pay_the_new_period_stays_limited() -> None:
    life = pausing()
    life.days(50)
    life.gives_card(DECLINES)
    for _ in range(3):
        with pytest.raises(CardDeclined):
            reactivate(life)
        life.hear()
        assert life.stands() == ("limited", "collection_paused")
    life.gives_card()
    assert reactivate(life).action == "resumed"
    life.hear()
    assert life.stands() == ("full", "active")
    assert paid(life) == [4900, 4900]


def test_the_teams_own_pause_keeps_what_the_policy_says() -> None:
    life = paying()
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}", pause_collection={"behavior": "void"}
    )
    life.days(60)
    assert life.stands() == ("full", "active")


def test_a_trial_and_what_is_not_paid_cannot_be_paused_by_the_customer() -> None:
    trial = offered(on_trial().gives_card())
    assert retention_offer(trial.account, PAUSABLE, "unused", trial.place.now.at) is None
    owing = offered(paying(days=20).gives_card(DECLINES))
    owing.days(46)
    assert retention_offer(owing.account, PAUSABLE, "unused", owing.place.now.at) is None
    free = offered(voided())
    assert retention_offer(free.account, PAUSABLE, "unused", free.place.now.at) is None


def voided() -> SimLife:
    """A subscription that runs in a period whose invoice the team's pause has voided."""
    life = paying()
    path = f"/v1/subscriptions/{subscription(life)['id']}"
    life.stage.post(path, pause_collection={"behavior": "void"})
    life.days(46)
    life.stage.post(path, pause_collection="")
    life.hear()
    return life


def test_a_smaller_plan_in_a_period_that_nobody_paid_gives_no_credit() -> None:
    life = paying()
    change(life, "scale")
    path = f"/v1/subscriptions/{subscription(life)['id']}"
    life.stage.post(path, pause_collection={"behavior": "void"})
    life.days(46)
    life.stage.post(path, pause_collection="")
    life.hear()
    assert change(life, "pro").standing.plan == "pro"
    assert credit(life) == 0
    life.days(77)
    assert paid(life)[-1] == 4900


def test_what_costs_more_in_a_period_that_nobody_paid_begins_a_new_one() -> None:
    life = voided()
    preview = preview_change(life.account_id, PlanRequest("scale"), life.services)
    assert preview.due_now == 19900
    assert change(life, "scale").standing.plan == "scale"
    assert paid(life) == [4900, 19900]
    life.hear()
    assert change(life, "pro").standing.plan == "pro"
    assert 0 < credit(life) <= 19900 - 4900, "what was paid is credited again"


def test_a_smaller_plan_after_a_paid_invoice_has_its_credit() -> None:
    life = paying()
    change(life, "scale")
    life.hear()
    before = sum(paid(life))
    change(life, "pro")
    assert 0 < credit(life) <= before


def test_a_draft_is_not_paid_even_if_it_has_not_been_reported() -> None:
    life = on_trial().gives_card()
    life.stage.engine.store.settings["invoice_draft_seconds"] = 3600
    life.days(13.9)
    change(life, "pro", quantity=40)
    life.days(14.02, deaf=True)
    with pytest.raises(NotPossible, match="not paid yet"):
        change(life, "pro", quantity=1)
    assert credit(life) == 0


def test_while_a_payment_is_disputed_it_gives_no_credit() -> None:
    life = paying()
    change(life, "scale")
    life.hear()
    disputed: Any = life.account
    life.place.accounts.save(
        disputed, replace(disputed, version=disputed.version + 1, disputes={"dp_1": "lost"})
    )
    change(life, "pro")
    assert credit(life) == 0


def withdrawing() -> SimLife:
    """A customer who has the larger plan's credit, and withdraws."""
    life = paying(days=15)
    life.policy = life.place.policy = replace(QUIET, cancel=CancelPolicy(withdrawal_days=14))
    change(life, "scale", quantity=3)
    life.hear()
    life.minutes(5)
    change(life, "pro", quantity=1)
    life.hear()
    assert credit(life) > 50000
    return life


def withdraws(life: SimLife) -> None:
    ask_to_leave(life.account, "withdraw", None, None, life.services)
    wish = life.account.leave
    assert wish
    leave(life.account, wish, life.services)
    life.hear()


def kept(life: SimLife) -> int:
    """What was paid and not paid back."""
    return sum(one["amount"] - one["amount_refunded"] for one in life.objects("charge"))


def test_a_withdrawal_takes_the_credit_away_and_pays_all_back() -> None:
    life = withdrawing()
    withdraws(life)
    assert (credit(life), kept(life)) == (0, 0)
    assert life.account.withdrawn_refund == Refund(sum(paid(life)), "usd")


def test_credit_that_was_spent_elsewhere_is_taken_off_the_newest_refund() -> None:
    life = withdrawing()
    customer = life.only("customer")["id"]
    life.stage.post("/v1/invoiceitems", customer=customer, amount=20000, currency="usd")
    invoice = life.stage.post(
        "/v1/invoices", customer=customer, pending_invoice_items_behavior="include"
    )["id"]
    life.stage.post(f"/v1/invoices/{invoice}/finalize")
    life.hear()
    withdraws(life)
    assert (credit(life), kept(life)) == (0, 20000)
    newest, first = [one for one in life.objects("charge") if one["paid"]]
    assert first["amount_refunded"] == first["amount"]
    assert newest["amount_refunded"] == newest["amount"] - 20000
    assert life.account.withdrawn_refund == Refund(sum(paid(life)) - 20000, "usd")


def test_credit_that_the_team_gave_stays() -> None:
    life = withdrawing()
    customer = life.only("customer")["id"]
    life.stage.post(f"/v1/customers/{customer}/balance_transactions", amount=-1500, currency="usd")
    withdraws(life)
    assert (credit(life), kept(life)) == (1500, 0)


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_a_withdrawal_stops_too_much_is_never_paid_back(reply_lost: bool) -> None:
    for n in range(1, 40):
        life = withdrawing()
        everything = sum(paid(life))
        ask_to_leave(life.account, "withdraw", None, None, life.services)
        wish = life.account.leave
        assert wish
        life.calls = crashing_after(n, reply_lost=reply_lost)
        crashed = crashes(partial(leave, life.account, wish, life.services))
        life.calls.crash_at = None
        assert everything - kept(life) + credit(life) <= everything
        leave(life.account, wish, life.services)
        finished_with(life)
        assert (credit(life), kept(life)) == (0, 0), n
        assert life.account.withdrawn_refund == Refund(everything, "usd")
        if not crashed:
            assert n > 8
            return
    raise AssertionError("it makes more calls than that")


def buys_again(life: SimLife) -> None:
    life.completes(life.opens("pro", "month"))
    life.hear()
    assert life.stands() == ("full", "active")


def test_the_second_withdrawal_of_a_year_keeps_the_days_that_were_used() -> None:
    life = withdrawing()
    withdraws(life)
    everything = sum(paid(life))
    buys_again(life)
    life.advance(life.place.now.at + 10 * DAY)
    shown = shown_refund(life.account, life.place.now.at, life.services)
    assert shown == Refund(4900 * 21 // 31, "usd")
    withdraws(life)
    assert sum(paid(life)) - everything == 4900
    assert kept(life) == 4900 - shown.amount
    assert life.account.withdrawn_refund == shown


def test_after_a_year_a_withdrawal_is_whole_again() -> None:
    life = withdrawing()
    withdraws(life)
    life.place.now.at += 366 * DAY
    life.stage.advance(int(life.place.now.at.timestamp()))
    buys_again(life)
    life.advance(life.place.now.at + 2 * DAY)
    assert shown_refund(life.account, life.place.now.at, life.services) is None
    withdraws(life)
    assert kept(life) == 0


def test_the_owner_may_refuse_the_second_withdrawal() -> None:
    life = withdrawing()
    withdraws(life)
    buys_again(life)
    cancel = replace(life.policy.cancel, withdrawal_again="refuse")
    life.policy = life.place.policy = replace(life.policy, cancel=cancel)
    with pytest.raises(NotPossible):
        withdraws(life)


def test_the_year_is_counted_for_the_mailbox_and_not_for_the_account() -> None:
    life = withdrawing()
    withdraws(life)
    other = replace(life.account, id="acc_other", signup=None, withdrawn_at=None, customers={})
    profile = replace(other.profile, email="Ada+second@example.com")
    other = replace(other, profile=profile, profile_changes={})
    assert last_withdrawal(other, life.services) == life.account.withdrawn_at
    stranger = replace(other, profile=replace(profile, email="bob@example.com"))
    assert last_withdrawal(stranger, life.services) is None
