"""What Stripe refuses for good: told with Stripe's code and words, changed nowhere, and never tried
again by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.account.operations import REFUSED_FOR, pending
from chalicelib.domain.errors import BillhookError, Refused, StripeRefused, Unavailable
from chalicelib.usecases.billing.checkout import open_portal
from tests.fakes.grids import grid
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife
from tests.fakes.stripe.answers import StripeAnswers, refusal
from tests.unit.usecases.billing.test_actions import (
    cancel,
    canceling,
    change,
    extend,
    paid,
    paying,
    reactivate,
)
from tests.unit.usecases.billing.test_actions_money import charge, discount, preview
from tests.unit.usecases.billing.test_checkout import gone, on_trial

SUBSCRIPTION = r"/v1/subscriptions/sub_\w+"


@dataclass(frozen=True)
class Case:
    """An action, and the call to Stripe that is refused."""

    begin: Callable[[], SimLife]
    act: Callable[[SimLife], Any]
    method: str
    path: str


def with_coupon() -> SimLife:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    return life


CASES = {
    "discount": Case(with_coupon, lambda life: discount(life, "LOYAL20"), "POST", SUBSCRIPTION),
    "cancel": Case(paying, cancel, "POST", SUBSCRIPTION),
    "cancel now": Case(paying, lambda life: cancel(life, "now"), "DELETE", SUBSCRIPTION),
    "uncancel": Case(canceling, reactivate, "POST", SUBSCRIPTION),
    "resume": Case(
        lambda: on_trial().days(20).gives_card(), reactivate, "POST", f"{SUBSCRIPTION}/resume"
    ),
    "plan": Case(paying, lambda life: change(life, "scale"), "POST", SUBSCRIPTION),
    "preview": Case(
        paying, lambda life: preview(life, "scale"), "POST", "/v1/invoices/create_preview"
    ),
    "trial": Case(on_trial, lambda life: extend(life, BEGIN + 30 * DAY), "POST", SUBSCRIPTION),
    "charge": Case(paying, charge, "POST", "/v1/invoiceitems"),
    "charge later": Case(
        paying, lambda life: charge(life, bill="next_invoice"), "POST", "/v1/invoiceitems"
    ),
    "checkout": Case(gone, lambda life: life.opens(), "POST", "/v1/checkout/sessions"),
    "portal": Case(
        paying,
        lambda life: open_portal(
            life.account_id, lambda account: "https://a.example", life.services
        ),
        "POST",
        "/v1/billing_portal/sessions",
    ),
}
FINAL = {
    400: refusal("This cannot be used because of a rule.", "rule_broken"),
    404: refusal("No such thing.", "resource_missing"),
    409: refusal("It is in another state.", "state_conflict"),
    402: refusal("It is not that kind of payment.", "unsupported"),
}
"""Status → the body of a refusal that no repetition changes."""


ENDED = ("cancel now", 404)
"""A subscription that Stripe does not know any more has ended, which is what was wanted."""


@pytest.mark.parametrize(("name", "status"), [one for one in grid(CASES, FINAL) if one != ENDED])
def test_a_refusal_is_told_in_stripes_words_and_nothing_goes_on_by_itself(
    name: str, status: int
) -> None:
    case = CASES[name]
    life = case.begin()
    answers, before = StripeAnswers(life.stage), paid(life)
    answers.reply(case.method, case.path, status, FINAL[status])
    with pytest.raises(StripeRefused) as caught:
        case.act(life)
    error = FINAL[status]["error"]
    assert caught.value.stripe_code == error["code"]
    assert error["message"] in caught.value.message
    assert not pending(life.account.errands)
    calls = len(answers.asked)
    life.minutes(600)
    assert not [one for one in answers.asked[calls:] if one[0] != "GET"]
    assert paid(life) == before


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, refusal("In use.", "idempotency_key_in_use", "idempotency_error")),
        (429, refusal("Locked.", "lock_timeout")),
        (429, refusal("Too many.", "rate_limit")),
        (503, refusal("Down.", None, "api_error")),
    ],
)
@pytest.mark.parametrize("name", ["cancel", "plan", "charge", "discount"])
def test_a_race_or_an_overload_goes_on_by_itself(name: str, status: int, body: Any) -> None:
    case = CASES[name]
    life = case.begin()
    answers = StripeAnswers(life.stage)
    answers.reply(case.method, case.path, status, body, times=2)
    with pytest.raises(Unavailable, match="goes on by itself"):
        case.act(life)
    assert pending(life.account.errands)
    life.minutes(600)
    assert not pending(life.account.errands)


def test_what_was_refused_can_be_requested_again_once_it_is_mended() -> None:
    life = with_coupon()
    answers = StripeAnswers(life.stage)
    answers.reply("POST", SUBSCRIPTION, 400, FINAL[400], times=1)
    with pytest.raises(StripeRefused):
        discount(life, "LOYAL20", "key-1")
    discount(life, "LOYAL20", "key-1")
    types = [entry.type for entry in life.place.timeline.entries.values() if entry.kind == "call"]
    assert sorted(types) == ["discount.done", "discount.refused"]


def test_the_timeline_says_what_stripe_refused() -> None:
    life = paying()
    StripeAnswers(life.stage).reply("POST", SUBSCRIPTION, 400, FINAL[400])
    with pytest.raises(StripeRefused):
        cancel(life)
    (entry,) = [one for one in life.place.timeline.entries.values() if one.kind == "call"]
    assert entry.type == "cancel.refused"
    assert (entry.data["failure"], entry.data["stripe_code"]) == ("stripe_refused", "rule_broken")


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/subscriptions"])
def test_a_trial_that_stripe_refuses_runs_here_is_seen_by_the_team_and_ends(path: str) -> None:
    life = SimLife()
    answers = StripeAnswers(life.stage)
    answers.reply("POST", path, 400, refusal("Invalid email address.", "email_invalid"), 10**6)
    life.sign_up()
    assert life.stands() == ("full", "trial_starting")
    assert life.place.metrics["ErrandsRefused"] == 1
    life.days(15)
    assert life.stands() == ("none", "trial_expired")
    assert life.place.metrics["ErrandsRefused"] > 10
    calls = len(answers.asked)
    life.days(40)
    assert len(answers.asked) == calls, "nothing is tried for ever"
    assert not pending(life.account.errands)


def test_a_trial_whose_refusal_the_owner_mends_starts_by_itself() -> None:
    life = SimLife()
    answers = StripeAnswers(life.stage)
    answers.reply(
        "POST", "/v1/subscriptions", 400, refusal("No such price.", "resource_missing"), 4
    )
    life.sign_up()
    life.days(2)
    assert life.stands() == ("full", "trialing")
    assert life.only("subscription")["trial_end"] == int((BEGIN + 14 * DAY).timestamp())


def test_a_card_that_stripe_refuses_to_use_is_told_and_not_tried_for_ever() -> None:
    life = on_trial()
    session = life.opens()
    life.completes(session)
    answers = StripeAnswers(life.stage)
    answers.reply("POST", r"/v1/customers/cus_\w+", 400, refusal("The card is gone."), 10**6)
    assert life.returns(session) == "refused"
    life.advance(life.place.now.at + REFUSED_FOR + DAY)
    assert not pending(life.account.errands)
    entries = [one.type for one in life.place.timeline.entries.values() if one.kind == "call"]
    assert "card.refused" in entries
    calls = len(answers.asked)
    life.advance(life.place.now.at + 20 * DAY)
    assert not [one for one in answers.asked[calls:] if one[1].startswith("/v1/customers")]


def test_an_invoice_that_stripe_does_not_let_be_paid_does_not_keep_a_new_card_from_being_used() -> (
    None
):
    life = paying().gives_card("4000000000000341")
    life.days(50)
    assert life.standing.status == "past_due"
    session = life.opens()
    life.completes(session)
    answers = StripeAnswers(life.stage)
    answers.reply("POST", r"/v1/invoices/in_\w+/pay", 400, refusal("It cannot be paid."))
    assert life.returns(session) == "card_saved"
    assert life.place.metrics["ErrandsRefused"] == 1


def test_a_key_that_may_not_do_it_is_the_owners_to_mend_and_not_the_callers() -> None:
    life = paying().fault("403", 1, method="POST")
    with pytest.raises(Refused) as caught:
        cancel(life)
    assert not isinstance(caught.value, StripeRefused)
    assert not pending(life.account.errands)


def test_a_price_that_stripe_has_no_more_is_a_refusal_of_the_change() -> None:
    life = paying()
    for price in life.objects("price"):
        price["active"] = price["lookup_key"] != "scale_monthly"
    with pytest.raises(StripeRefused, match="scale_monthly"):
        change(life, "scale")
    assert not pending(life.account.errands)


def test_an_error_is_never_answered_with_success() -> None:
    life = paying()
    StripeAnswers(life.stage).reply("GET", SUBSCRIPTION, 400, FINAL[400])
    for act in (cancel, lambda life: change(life, "scale"), lambda life: preview(life, "scale")):
        with pytest.raises(BillhookError):
            act(life)
