"""Use cases that end, change or charge: asked for by the product or the customer, and done at
Stripe, with the simulated Stripe behind them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.usecases.billing import actions
from chalicelib.usecases.billing.cancellation import leave
from tests.fakes.faults import OutsideCalls
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife
from tests.system.reliability.customers import end_of_life, settle
from tests.system.reliability.run import UseCase
from tests.unit.usecases.billing.test_actions import (
    cancel,
    canceling,
    change,
    extend,
    grant,
    paying,
    reactivate,
)
from tests.unit.usecases.billing.test_actions_money import charge, discount
from tests.unit.usecases.billing.test_checkout import gone, on_trial
from tests.unit.usecases.billing.test_withdraw import asking

KEY = "key-1"
UNTIL = BEGIN + 40 * DAY


def to_be_resumed() -> SimLife:
    """A trial that has paused for want of a card, which has one now."""
    return on_trial().days(15).gives_card()


def with_coupon() -> SimLife:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    return life


def pause(life: SimLife) -> None:
    actions.pause(life.account_id, IdempotentRequest("pause", KEY), UNTIL, life.services)


def withdraw(life: SimLife) -> None:
    """The mailed link's button."""
    account = life.services.stores.accounts.load(life.account_id)
    assert account
    assert account.leave
    leave(account, account.leave, life.services)


def money_at_stripe(life: SimLife) -> Any:
    """All that was billed, taken and given back, and what is to be billed."""
    subscriptions = [
        (
            one["status"],
            (
                one["cancel_at_period_end"],
                one["cancel_at"],
                one["trial_end"],
                one["pause_collection"],
            ),
            [(line["price"]["lookup_key"], line["quantity"]) for line in one["items"]["data"]],
            len(one["discounts"]),
        )
        for one in life.objects("subscription")
    ]
    return (
        subscriptions,
        Counter(
            (one["billing_reason"], one["status"], one["amount_due"], one["amount_paid"])
            for one in life.objects("invoice")
        ),
        Counter((one["amount"], bool(one["invoice"])) for one in life.objects("invoiceitem")),
        Counter(
            (one["amount"], one["paid"], one["amount_refunded"]) for one in life.objects("charge")
        ),
        Counter(one["amount"] for one in life.objects("refund")),
    )


def end_of_action(life: SimLife) -> Any:
    """Both sides, what the timeline says was asked for, and what is answered under a key for ever:
    of a reactivation and a charge no standing is."""
    account = life.account
    told = Counter(
        entry.type for entry in life.place.timeline.entries.values() if entry.kind == "call"
    )
    kept = {
        key: answer.outcome
        for id, key in life.place.responses.kept
        if (answer := life.place.responses.load(id, key))
    }
    answers = {
        key: outcome.action
        or (outcome.charged and outcome.charged.status)
        or outcome.standing.access
        for key, outcome in kept.items()
    }
    here = (
        account.grants,
        account.withdrawn_at is not None,
        [name for name, operation in account.errands.items() if operation.done_at is None],
    )
    return (*end_of_life(life), money_at_stripe(life), here, told, answers)


def _case(
    name: str, begin: Callable[[], SimLife], act: Callable[[SimLife], Any], next_run: str = ""
) -> UseCase:
    def run(life: SimLife, calls: OutsideCalls) -> None:
        life.calls = calls
        act(life)

    def again(life: SimLife, calls: OutsideCalls) -> None:
        run(life, calls)
        settle(life, calls)

    return UseCase(
        name,
        next_run
        or "the caller gets a 503 and repeats the call under its key; Stripe's events, and"
        " the schedule",
        begin,
        run,
        again,
        end_of_action,
        clock=lambda life: life.place.now,
        stripe_faults=lambda life: life.stage.api.faults,
    )


LINK = "the customer gets a 503 and opens the mailed link again; Stripe's events, and the schedule"

USE_CASES = (
    _case("Cancel at the end of the period", paying, lambda life: cancel(life, key=KEY)),
    _case("Cancel now", paying, lambda life: cancel(life, "now", KEY)),
    _case("Undo a cancellation", canceling, lambda life: reactivate(life, KEY)),
    _case(
        "Resume a paused subscription, and pay for it",
        to_be_resumed,
        lambda life: reactivate(life, KEY),
    ),
    _case("Change the plan, billed now", paying, lambda life: change(life, "scale", key=KEY)),
    _case("Move the end of a trial", on_trial, lambda life: extend(life, UNTIL, KEY)),
    _case("Add a discount", with_coupon, lambda life: discount(life, "LOYAL20", KEY)),
    _case("Charge, billed now", paying, lambda life: charge(life, key=KEY)),
    _case(
        "Charge on the next invoice",
        paying,
        lambda life: charge(life, bill="next_invoice", key=KEY),
    ),
    _case("Grant access", gone, lambda life: grant(life, UNTIL, "scale", KEY)),
    _case("Pause collection", paying, pause),
    _case("Withdraw from the contract, with a refund", asking, withdraw, LINK),
)
