"""The names of work at Stripe, and the idempotency keys under which it is done.

Stripe does again what comes under another key. So a release must use the keys of the one before,
to the letter. The keys are those that the simulated Stripe received; in them and in paths an id of
Stripe's is reduced to its kind: `in_1Abc` to `in_*`. `data/stripe_keys.json` is not generated anew.
"""

import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.billing.idempotency import IdempotentRequest
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.errors import CardDeclined, Unavailable
from chalicelib.domain.policy.policy import CancelPolicy
from chalicelib.usecases.accounts.sign_up import sign_up
from chalicelib.usecases.billing import actions
from chalicelib.usecases.billing.cancellation import ask_to_leave, leave
from tests.fakes.services import QUIET, proof_of
from tests.fakes.simulated_lifecycles import BEGIN, DAY, WISH, SimLife, returns

ID = re.compile(r"\b(cus|sub_sched|sub|in|ch|cs_test|pm|re|ii)_[A-Za-z0-9]{14,}")
DECLINES = "4000000000000341"
SECURE = "4000002760003184"
EXPECTED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "stripe_keys.json").read_text()
)


def begun(life: SimLife | None = None) -> SimLife:
    """A customer who has just signed up."""
    life = life or SimLife()
    life.stage.engine.store.chance = random.Random(1)
    life.account_id = "acc_golden"
    sign_up(WISH, False, life.services, "acc_golden")
    life.hear()
    return life


def paying(card: str = "tok_visa", days: float = 16) -> SimLife:
    """A customer with a card, once the trial is over."""
    return begun().gives_card(card).days(days)


def changes(life: SimLife, since: int) -> list[str]:
    """What Billhook changed at Stripe: method, path and idempotency key of each call."""
    return [
        ID.sub(r"\1_*", f"{one.method} {one.path.removeprefix('/v1')} {one.key}")
        for one in life.stage.api.calls[since:]
        if one.method != "GET" and not str(one.key).startswith("key-")
    ]


def gives_card_by_checkout(life: SimLife) -> None:
    session = life.opens()
    life.completes(session)
    life.returns(session)


def withdraws(life: SimLife) -> None:
    life.policy = life.place.policy = replace(QUIET, cancel=CancelPolicy(withdrawal_days=14))
    ask_to_leave(life.account, "withdraw", None, None, life.services)
    assert life.account.leave
    leave(life.account, life.account.leave, life.services)


def without_customer() -> SimLife:
    life = begun()
    life.stage.call("DELETE", f"/v1/customers/{life.only('customer')['id']}")
    life.hear()
    return life


def past_due_with_a_card_of_its_own() -> SimLife:
    """Of a shop that has Stripe reckon taxes."""
    life = begun().gives_card(DECLINES)
    life.policy = life.place.policy = replace(
        QUIET, checkout=replace(QUIET.checkout, automatic_tax=True)
    )
    own = life.only("customer")["invoice_settings"]["default_payment_method"]
    path = f"/v1/subscriptions/{life.only('subscription')['id']}"
    life.stage.call("POST", path, {"default_payment_method": own})
    life.hear()
    return life.days(15)


def owing_for_another_plan() -> SimLife:
    """Somebody in the owner's team changed the plan at Stripe, and the card was declined."""
    life = paying().gives_card(DECLINES)
    subscription = life.only("subscription")
    life.stage.post(
        f"/v1/subscriptions/{subscription['id']}",
        items=[
            {
                "id": subscription["items"]["data"][0]["id"],
                "price": life.stage.price("scale_monthly"),
            }
        ],
        proration_behavior="always_invoice",
        payment_behavior="allow_incomplete",
    )
    life.hear()
    return life


def with_schedule() -> SimLife:
    life = paying()
    life.stage.post("/v1/subscription_schedules", from_subscription=life.only("subscription")["id"])
    return life


def with_coupon() -> SimLife:
    life = paying()
    life.stage.post("/v1/coupons", id="WELCOME", percent_off=20, duration="once")
    return life


def canceling(how: str) -> Callable[[], SimLife]:
    def begin() -> SimLife:
        life = paying()
        if how == "pause":
            actions.pause("acc_golden", IdempotentRequest("a"), BEGIN + 30 * DAY, life.services)
        else:
            actions.cancel(
                "acc_golden", IdempotentRequest("a"), "period_end", None, None, life.services
            )
        life.hear()
        return life

    return begin


def request(name: str) -> Any:
    return IdempotentRequest(name, f"key of {name}")


def charges(bill: str) -> Callable[[SimLife], Any]:
    return lambda life: actions.charge(
        "acc_golden", request(bill), 1500, "usd", "Import", bill, life.services
    )


def charges_twice_declined(life: SimLife) -> None:
    for _ in range(2):
        with pytest.raises(CardDeclined):
            charges("now")(life)


def charges_while_stripe_fails(life: SimLife) -> None:
    life.fault("500", 4, "/v1/invoiceitems")
    with suppress(Unavailable):
        charges("next_invoice")(life)
    life.minutes(180)


def signs_up_while_stripe_fails(life: SimLife) -> None:
    begun(life.fault("500", 4, "/v1/subscriptions"))
    life.minutes(180)


Act = Callable[[SimLife], Any]
STORIES: dict[str, tuple[Callable[[], SimLife], Act]] = {
    "signs up": (SimLife, begun),
    "signs up while Stripe fails": (SimLife, signs_up_while_stripe_fails),
    "opens Checkout after a customer was deleted": (without_customer, lambda life: life.opens()),
    "gives a card in the trial": (begun, gives_card_by_checkout),
    "gives a card once paused": (lambda: begun().days(20), gives_card_by_checkout),
    "gives a card once past due": (past_due_with_a_card_of_its_own, gives_card_by_checkout),
    "comes back once paused": (
        lambda: begun().days(20).gives_card(),
        lambda life: actions.reactivate("acc_golden", request("back"), returns, life.services),
    ),
    "comes back from a pause": (
        canceling("pause"),
        lambda life: actions.reactivate("acc_golden", request("back"), returns, life.services),
    ),
    "takes back a cancellation": (
        canceling("cancel"),
        lambda life: actions.reactivate("acc_golden", request("back"), returns, life.services),
    ),
    "pauses": (
        paying,
        lambda life: actions.pause("acc_golden", request("pause"), BEGIN + 30 * DAY, life.services),
    ),
    "cancels": (
        paying,
        lambda life: actions.cancel(
            "acc_golden", request("cancel"), "period_end", None, None, life.services
        ),
    ),
    "changes the plan": (
        paying,
        lambda life: actions.change_plan(
            "acc_golden", request("plan"), PlanRequest("scale"), life.services
        ),
    ),
    "changes the plan once the bank has confirmed it": (
        lambda: paying().gives_card(SECURE),
        lambda life: actions.change_plan(
            "acc_golden", request("plan"), PlanRequest("scale"), life.services
        ),
    ),
    "cancels what a schedule manages": (
        with_schedule,
        lambda life: actions.cancel(
            "acc_golden", request("cancel"), "period_end", None, None, life.services
        ),
    ),
    "moves the end of the trial": (
        begun,
        lambda life: actions.move_trial_end(
            "acc_golden", request("trial"), BEGIN + timedelta(days=10), life.services
        ),
    ),
    "gets a discount": (
        with_coupon,
        lambda life: actions.give_discount(
            "acc_golden", request("discount"), "WELCOME", life.services
        ),
    ),
    "is charged now": (paying, charges("now")),
    "is charged on the next invoice": (paying, charges("next_invoice")),
    "is charged while Stripe fails": (paying, charges_while_stripe_fails),
    "is charged and declined": (lambda: paying().gives_card(DECLINES), charges_twice_declined),
    "withdraws and is refunded": (paying, withdraws),
    "withdraws while an invoice is open": (owing_for_another_plan, withdraws),
}


def played(story: str) -> dict[str, list[str]]:
    """The calls of a story that changed something, and the names of the work that was done."""
    begin, act = STORIES[story]
    life = begin()
    before, known = len(life.stage.api.calls), set()
    if life.place.accounts.items:
        known = set(life.account.errands)
    act(life)
    names = [ID.sub(r"\1_*", name) for name in life.account.errands if name not in known]
    return {"calls": changes(life, before), "names": names}


@pytest.mark.parametrize("story", STORIES)
def test_work_at_stripe_keeps_its_names_and_keys(story: str) -> None:
    assert played(story) == EXPECTED[story]


def test_every_story_is_pinned() -> None:
    assert EXPECTED.keys() == STORIES.keys()


def test_what_is_made_at_stripe_carries_the_metadata_that_finds_it_again() -> None:
    life = begun()
    life.opens()
    life.gives_card().days(16)
    charges("now")(life)
    made: dict[str, dict[str, str]] = {}
    for one in life.stage.api.calls:
        for name, value in one.pairs:
            if "metadata" in name:
                made.setdefault(one.path, {})[name] = value
    ours = {"metadata[account_id]": "acc_golden", "metadata[made_by]": "billhook"}
    proof = {"metadata[account_proof]": proof_of("acc_golden")}
    assert made == {
        "/v1/customers": {"metadata[account_id]": "acc_golden"} | proof,
        "/v1/subscriptions": {"metadata[account_id]": "acc_golden"} | proof,
        "/v1/checkout/sessions": ours
        | proof
        | {"setup_intent_data[metadata][account_id]": "acc_golden"},
        "/v1/invoices": ours | {"metadata[charge_id]": "chg_3638ff48fc30655eaf54"},
        "/v1/invoiceitems": ours | {"metadata[charge_id]": "chg_3638ff48fc30655eaf54"},
    }
