"""Payments that take days, and payments that the bank wants confirmed: not made again, not called
failed, and told as what they are until they are settled.
"""

from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from chalicelib.domain.errors import (
    CardDeclined,
    ConfirmationRequired,
    PaymentFailed,
    StripeRefused,
    Unavailable,
)
from local.stripe_sim.api.api import ApiRequest
from tests.fakes.simulated_lifecycles import SimLife
from tests.fakes.stripe.answers import Confirmation, Debits, StripeAnswers, refusal
from tests.unit.usecases.billing.test_actions import change, paid, paying, reactivate, subscription
from tests.unit.usecases.billing.test_actions_money import charge, preview
from tests.unit.usecases.billing.test_checkout import on_trial

SECURE = "4000002760003184"
"""A card whose bank wants every payment confirmed."""


def by_debit(life: SimLife, status: str = "processing") -> Debits:
    return Debits(StripeAnswers(life.stage), status)


def attempts(debits: Debits) -> int:
    return len([path for path in debits.answers.paths("POST") if path.endswith("/pay")])


def voided(life: SimLife) -> list[str]:
    return [one["id"] for one in life.objects("invoice") if one["status"] == "void"]


@pytest.mark.parametrize("status", ["processing", "requires_action"])
def test_a_charge_that_is_under_way_is_neither_declined_nor_withdrawn(status: str) -> None:
    life = paying()
    debits = by_debit(life, status)
    outcome = charge(life)
    assert outcome.charged
    assert outcome.payment
    assert (outcome.charged.status, outcome.payment.status) == (status, status)
    assert outcome.payment.url
    assert not voided(life)
    assert not pending(life.account.errands)
    (entry,) = [one for one in life.place.timeline.entries.values() if one.kind == "call"]
    assert (entry.type, entry.data["payment"]) == ("charge.waiting", status)
    life.minutes(600)
    assert attempts(debits) == 1


@pytest.mark.parametrize("status", ["processing", "requires_action"])
def test_the_same_key_tells_that_it_is_under_way_and_later_that_it_is_paid(status: str) -> None:
    life = paying()
    debits = by_debit(life, status)
    first = charge(life)
    assert charge(life) == first
    debits.settle("succeeded")
    life.minutes(600)
    later = charge(life)
    assert later.charged
    assert first.charged
    assert (later.charged.status, later.payment) == ("paid", None)
    assert later.charged.invoice == first.charged.invoice
    assert attempts(debits) == 1
    assert len([one for one in life.objects("invoice") if one["amount_due"] == 1500]) == 1


def test_the_same_key_tells_that_a_debit_was_returned_and_its_invoice_is_withdrawn() -> None:
    life = paying()
    debits = by_debit(life)
    first = charge(life)
    assert first.charged
    debits.settle("requires_payment_method")
    for _ in range(2):
        with pytest.raises(PaymentFailed):
            charge(life)
    assert voided(life) == [first.charged.invoice]
    assert attempts(debits) == 1


def test_a_charge_whose_answer_is_lost_is_found_under_way_and_not_made_again() -> None:
    life = paying()
    debits = by_debit(life)
    lost: list[ApiRequest] = []

    def lose(request: ApiRequest, following: Any) -> Any:
        if request.path.endswith("/pay") and len(lost) < 2:
            lost.append(request)
            following(request)
            debits.intents[request.path.split("/")[3]] = "processing"
            return 500, refusal("An unknown error occurred.", None, "api_error")
        return None

    debits.answers.rules.append(lose)
    outcome = charge(life)
    assert outcome.charged
    assert outcome.charged.status == "processing"
    life.minutes(600)
    assert len({request.key for request in lost}) == 1
    assert not pending(life.account.errands)


def test_a_debit_of_which_nobody_knows_yet_is_found_by_the_schedule_and_not_begun_again() -> None:
    life = paying()
    debits = by_debit(life)
    down = [True]

    def unknown(request: ApiRequest, following: Any) -> Any:
        if not down[0]:
            return None
        if request.path.endswith("/pay"):
            debits.intents[request.path.split("/")[3]] = "processing"
            return 500, refusal("An unknown error occurred.", None, "api_error")
        if request.path == "/v1/invoice_payments":
            return 503, refusal("Down.", None, "api_error")
        return None

    debits.answers.rules.append(unknown)
    with pytest.raises(Unavailable):
        charge(life)
    tried = attempts(debits)
    down[0] = False
    life.minutes(600)
    assert not pending(life.account.errands)
    assert attempts(debits) == tried
    outcome = charge(life)
    assert outcome.payment
    assert outcome.payment.status == "processing"


def test_a_key_that_may_not_read_payments_withdraws_nothing_that_is_under_way() -> None:
    life = paying()
    debits = by_debit(life)
    forbidden = refusal("The key may not do that.")
    debits.answers.reply("GET", "/v1/invoice_payments", 403, forbidden)
    outcome = charge(life)
    assert outcome.payment
    assert outcome.payment.status == "processing"
    assert not voided(life)


@pytest.mark.parametrize("code", ["invoice_already_paid", None])
def test_a_charge_that_was_paid_on_stripes_page_at_that_moment_is_paid(code: str | None) -> None:
    life = paying()
    answers = StripeAnswers(life.stage)

    def paid_by_page(request: ApiRequest, following: Any) -> Any:
        if not request.path.endswith("/pay"):
            return None
        following(request)
        return 400, refusal("Invoice is already paid", code)

    answers.rules.append(paid_by_page)
    outcome = charge(life)
    assert outcome.charged
    assert (outcome.charged.status, outcome.payment) == ("paid", None)
    assert paid(life) == [4900, 1500]


def test_a_charge_that_stripe_does_not_let_be_paid_is_withdrawn() -> None:
    life = paying()
    answers = StripeAnswers(life.stage)
    answers.reply("POST", r"/v1/invoices/in_\w+/pay", 400, refusal("Not like this.", "odd"))
    with pytest.raises(StripeRefused):
        charge(life)
    assert len(voided(life)) == 1
    assert paid(life) == [4900]


def with_open_change(life: SimLife) -> Debits:
    """The invoice of a change of plan is paid by a debit that is under way."""
    debits = by_debit(life)

    def opened(body: Any, request: ApiRequest) -> Any:
        latest = body.get("latest_invoice")
        if not isinstance(latest, dict):
            return body
        debits.intents[latest["id"]] = "processing"
        return body | {"latest_invoice": debits._overlaid(latest)}

    debits.answers.change("POST", r"/v1/subscriptions/sub_\w+", opened)
    return debits


def test_a_change_of_plan_that_a_debit_pays_is_made_and_its_payment_is_under_way() -> None:
    life = paying()
    debits = with_open_change(life)
    outcome = change(life, "scale", key="key-1")
    assert outcome.standing.plan == "scale"
    assert outcome.payment
    assert outcome.payment.status == "processing"
    assert change(life, "scale", key="key-1").payment == outcome.payment
    debits.settle("succeeded")
    assert change(life, "scale", key="key-1").payment is None


def test_a_change_of_plan_that_a_card_pays_asks_stripe_nothing_more() -> None:
    life = paying()
    answers = StripeAnswers(life.stage)
    assert change(life, "scale").payment is None
    assert "/v1/invoice_payments" not in answers.paths("GET")
    assert not [path for path in answers.paths("GET") if path.startswith("/v1/invoices/")]


def test_a_resumption_by_debit_is_under_way_and_pays_once() -> None:
    life = on_trial().days(20).gives_card()
    debits = by_debit(life)
    outcome = reactivate(life, "key-1")
    assert outcome.payment
    assert outcome.payment.status == "processing"
    again = reactivate(life)
    assert again.payment == outcome.payment
    assert attempts(debits) == 1
    assert [one["status"] for one in life.objects("subscription")] == ["paused"]


def test_a_resumption_that_the_bank_wants_confirmed_leads_to_the_page() -> None:
    life = on_trial().days(20).gives_card(SECURE)
    outcome = reactivate(life)
    assert outcome.payment
    assert outcome.payment.status == "requires_action"
    assert str(outcome.payment.url).startswith("http")


def test_a_saved_card_does_not_pay_again_what_a_debit_is_paying() -> None:
    life = paying().gives_card("4000000000000341")
    life.days(50)
    (owed,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    debits = by_debit(life)
    debits.intents[owed["id"]] = "processing"
    session = life.opens()
    life.completes(session)
    assert life.returns(session) == "card_saved"
    assert attempts(debits) == 0
    assert life.place.metrics["ErrandsRefused"] == 0


@pytest.mark.parametrize("status", ["processing", "requires_action"])
def test_a_saved_card_whose_payment_stays_open_is_saved(status: str) -> None:
    life = paying().gives_card("4000000000000341")
    life.days(50)
    debits = by_debit(life, status)
    session = life.opens()
    life.completes(session)
    assert life.returns(session) == "card_saved"
    assert attempts(debits) == 1
    assert life.place.metrics["ErrandsRefused"] == 0


def confirming(life: SimLife) -> Confirmation:
    return Confirmation(StripeAnswers(life.stage))


def test_an_upgrade_that_the_bank_wants_confirmed_leads_to_the_page_and_changes_nothing_yet() -> (
    None
):
    life = paying().gives_card(SECURE)
    answers = confirming(life).answers
    told = preview(life, "scale")
    outcome = change(life, "scale", key="key-1")
    assert outcome.payment
    assert (outcome.payment.status, outcome.payment.url) == (
        "requires_action",
        "https://invoice.stripe.com/i/confirm",
    )
    assert outcome.standing.plan == "pro"
    tried = [
        pairs
        for method, path, pairs in answers.asked
        if method == "POST" and "payment_behavior" in pairs
    ]
    dates = {pairs["proration_date"] for pairs in tried}
    assert dates == {str(int(told.as_of.timestamp()))}, "it costs what the preview said"
    assert not pending(life.account.errands)


def test_once_confirmed_the_same_key_answers_the_new_plan() -> None:
    life = paying().gives_card(SECURE)
    confirmation = confirming(life)
    waiting = change(life, "scale", key="key-1")
    assert change(life, "scale", key="key-1") == waiting
    confirmation.status = "paid"
    item = subscription(life)["items"]["data"][0]
    life.gives_card()
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}",
        items=[{"id": item["id"], "price": life.stage.price("scale_monthly")}],
    )
    life.hear()
    done = change(life, "scale", key="key-1")
    assert (done.payment, done.standing.plan) == (None, "scale")


def test_an_upgrade_that_nobody_confirmed_in_time_has_failed_and_the_plan_is_the_old_one() -> None:
    life = paying().gives_card(SECURE)
    confirmation = confirming(life)
    change(life, "scale", key="key-1")
    confirmation.status = "void"
    with pytest.raises(PaymentFailed):
        change(life, "scale", key="key-1")
    assert life.standing.plan == "pro"


def test_an_upgrade_that_cannot_wait_for_its_confirmation_changes_nothing() -> None:
    life = paying().gives_card(SECURE)
    answers = StripeAnswers(life.stage)

    def refuses(request: ApiRequest, following: Any) -> Any:
        if ("payment_behavior", "pending_if_incomplete") not in request.pairs:
            return None
        return 400, refusal("This subscription has no pending updates.")

    answers.rules.append(refuses)
    with pytest.raises(ConfirmationRequired):
        change(life, "scale")
    assert life.standing.plan == "pro"
    assert not pending(life.account.errands)


def test_a_declined_upgrade_is_still_declined_and_leaves_nothing_to_confirm() -> None:
    life = paying().gives_card("4000000000000341")
    confirmation = confirming(life)
    confirmation.asks = False
    answers = confirmation.answers
    with pytest.raises(CardDeclined):
        change(life, "scale")
    assert not [
        one for one in answers.asked if one[2].get("payment_behavior") == "pending_if_incomplete"
    ]
