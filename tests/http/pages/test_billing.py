"""Changing the plan, canceling and coming back on the customer's pages, through API Gateway's
events.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.cancellation import CancellationConfirmed, ContractWithdrawn
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.messaging.due_messages import due_now
from chalicelib.domain.policy.policy import CancelPolicy, RetentionOffer
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from tests.fakes.links import token_to
from tests.fakes.services import POLICY
from tests.fakes.visitors import Page, Person
from tests.http.actions.test_actions import Shop, shop  # noqa: F401 - the fixture

OFFERS = CancelPolicy(
    {
        "unused": RetentionOffer("pause", days=60),
        "too_expensive": RetentionOffer("plan", "pro"),
        "missing_features": RetentionOffer("coupon", "STAY20"),
        "other": RetentionOffer("coupon", "GONE"),
    },
    withdrawal_days=14,
    now=True,
)


@pytest.fixture
def ada(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Person:
    """A paying customer who has opened her billing page."""
    wiring.services.cache_clear()
    monkeypatch.setattr(wiring, "policy", lambda: replace(POLICY, cancel=OFFERS))
    shop.sim.post(
        "/v1/coupons", id="STAY20", percent_off=20, duration="repeating", duration_in_months=3
    )
    return Person(shop).enters()


def stands(person: Person) -> str:
    standing = person.account.standing
    assert standing
    return standing.reason


def upgrade(person: Person, seats: int = 2) -> dict[str, str]:
    """The form that confirms an upgrade whose price was looked at."""
    page = person.posts("/billing/plan", choice="scale:month", seats=seats)
    assert page.status == 200
    return page.form("confirm")


def test_another_plan_costs_to_the_cent_what_was_shown(ada: Person) -> None:
    page = ada.gets("/billing/plan")
    assert 'value="pro:month" checked' in page.text
    form = upgrade(ada)
    due_now = int(form["shown"].split()[0])
    assert due_now > 0
    done = ada.posts("/billing/plan/confirm", **form)
    assert (done.status, done.leads_to) == (303, "/billing?notice=plan_changed")
    assert ada.shop.taken[-1] == due_now
    assert ada.account.standing
    assert (ada.account.standing.plan, ada.account.standing.quantity) == ("scale", 2)
    assert ada.gets(done.leads_to).says("notice") == "Your plan is changed."


def test_a_form_that_is_sent_twice_changes_the_plan_once(ada: Person) -> None:
    form = upgrade(ada)
    for _ in range(2):
        assert ada.posts("/billing/plan/confirm", **form).leads_to == "/billing?notice=plan_changed"
    assert len(ada.shop.taken) == 2


def test_an_amount_that_has_moved_is_asked_again_and_nothing_is_changed(ada: Person) -> None:
    form = upgrade(ada)
    old = form | {"as_of": str(int(form["as_of"]) - 3600)}
    for stale in (
        form | {"shown": "1  usd"},
        old,
        form | {"as_of": str(int(form["as_of"]) + 10**6)},
    ):
        page = ada.posts("/billing/plan/confirm", **stale)
        assert page.status == 200
        assert "nothing was changed" in page.says("moved")
    assert len(ada.shop.taken) == 1
    fresh = ada.posts("/billing/plan/confirm", **old).form("confirm")
    assert ada.posts("/billing/plan/confirm", **fresh).leads_to == "/billing?notice=plan_changed"


def test_a_card_that_is_declined_changes_nothing_and_the_way_to_another_one_is_shown(
    ada: Person,
) -> None:
    ada.shop.pays_with("tok_chargeCustomerFail")
    page = ada.posts("/billing/plan/confirm", **upgrade(ada))
    assert page.status == 402
    assert "Nothing was changed" in page.says("detail")
    assert 'action="/billing/portal"' in page.text
    assert ada.subscription["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"


@pytest.mark.parametrize(
    "fields",
    [
        {"choice": "free:month", "seats": 1},
        {"choice": "pro:week", "seats": 1},
        {"choice": "pro", "seats": 1},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/billing/plan", "/billing/plan/confirm"])
def test_a_choice_that_is_not_on_the_page_is_told_in_words(
    ada: Person, path: str, fields: dict[str, Any]
) -> None:
    assert ada.posts(path, as_of=int(clock.now().timestamp()), **fields).status == 400


@pytest.mark.parametrize("seats", ["0", "-1", "1.5", "99999999999", "²", ""])
def test_seats_are_a_number_that_makes_sense(ada: Person, seats: str) -> None:
    page = ada.posts("/billing/plan", choice="pro:month", seats=seats)
    assert page.status == 400
    assert "number of seats" in page.says("problem")


def test_a_cancellation_says_the_day_and_takes_effect_on_it(ada: Person) -> None:
    assert "Everything stays open" in ada.gets("/billing/cancel").says("detail")
    page = ada.posts("/billing/cancel", reason="low_quality", comment="It  broke\ntwice <b>")
    assert "instead" not in page.text
    form = page.form("cancel")
    assert form["comment"] == "It broke twice &lt;b&gt;"
    done = ada.posts(
        "/billing/cancel/confirm", reason="low_quality", comment="It broke twice", when="period_end"
    )
    assert done.leads_to == "/billing?notice=canceling"
    assert ada.subscription["cancellation_details"]["feedback"] == "low_quality"
    assert ada.subscription["cancellation_details"]["comment"] == "It broke twice"
    assert stands(ada) == "canceling"
    assert ada.gets("/billing/cancel").leads_to == "/billing?notice=nothing_to_cancel"
    back = ada.posts("/billing/reactivate")
    assert back.leads_to == "/billing?notice=uncanceled"
    assert stands(ada) == "active"


def test_a_pause_is_offered_taken_once_and_not_offered_again_for_a_year(ada: Person) -> None:
    page = ada.posts("/billing/cancel", reason="unused")
    assert "nothing is charged until" in page.says("offer")
    assert (
        ada.posts("/billing/cancel/instead", reason="unused").leads_to == "/billing?notice=paused"
    )
    paused = ada.subscription["pause_collection"]
    assert (
        ada.posts("/billing/cancel/instead", reason="unused").leads_to
        == "/billing?notice=nothing_offered"
    )
    assert ada.subscription["pause_collection"] == paused
    assert ada.posts("/billing/reactivate").leads_to == "/billing?notice=resumed"
    assert ada.subscription["pause_collection"] is None
    assert 'id="offer"' not in ada.posts("/billing/cancel", reason="unused").text
    assert (
        ada.posts("/billing/cancel/instead", reason="unused").leads_to
        == "/billing?notice=nothing_offered"
    )


def test_a_coupon_says_what_it_gives_and_is_given_once(ada: Person) -> None:
    assert (
        ada.posts("/billing/cancel", reason="missing_features").says("offer")
        == "Stay, and get 20% off for 3 months."
    )
    assert (
        ada.posts("/billing/cancel/instead", reason="missing_features").leads_to
        == "/billing?notice=discounted"
    )
    assert (
        ada.posts("/billing/cancel/instead", reason="missing_features").leads_to
        == "/billing?notice=nothing_offered"
    )
    assert len(ada.subscription["discounts"]) == 1


def test_a_coupon_that_is_gone_keeps_nobody_from_leaving(ada: Person) -> None:
    assert 'id="offer"' not in ada.posts("/billing/cancel", reason="other").text
    assert (
        ada.posts("/billing/cancel/instead", reason="other").leads_to
        == "/billing?notice=nothing_offered"
    )


def test_a_smaller_plan_is_shown_with_its_price_before_it_is_taken(ada: Person) -> None:
    assert 'id="offer"' not in ada.posts("/billing/cancel", reason="too_expensive").text, (
        "there is none below the smallest"
    )
    ada.posts("/billing/plan/confirm", **upgrade(ada, seats=1))
    page = ada.posts("/billing/cancel", reason="too_expensive")
    assert "Pro costs less" in page.says("offer")
    preview = ada.posts("/billing/cancel/instead", reason="too_expensive")
    assert preview.says("due-now") == "$0.00"
    assert (
        ada.posts("/billing/plan/confirm", **preview.form("confirm")).leads_to
        == "/billing?notice=plan_changed"
    )
    assert ada.account.standing
    assert ada.account.standing.plan == "pro"
    assert "too_expensive" not in ada.account.alternatives
    assert "plan" in ada.account.alternatives


def mailed(person: Person, step: str) -> str:
    """The path of the link in the mail of that step, which is due."""
    (mail,) = [
        one for one in due_now(person.account, wiring.policy(), clock.now()) if one.step.id == step
    ]
    return f"/leave/{token_to(person.account, 'leave', mail.occasion.id)}"


def test_to_end_at_once_is_asked_once_more_by_mail(ada: Person) -> None:
    assert (
        ada.posts("/billing/cancel/confirm", reason="unused", comment="", when="now").leads_to
        == "/billing?notice=leave_asked"
    )
    assert stands(ada) == "active"
    path = mailed(ada, "confirm_cancel")
    visitor = Person(ada.shop)
    assert "ends at once" in visitor.gets(path).text
    assert stands(ada) == "active", "programs that look for bad links open every one"
    assert visitor.posts(path, site="cross-site").status == 403
    for _ in range(2):
        assert visitor.posts(path).says("headline") == "Your subscription has ended"
    assert stands(ada) == "canceled"
    assert ada.shop.taken == [4900]
    assert ada.shop.sim.engine.store.all("refund") == []
    assert visitor.gets(path).status == 404, "it works once"
    assert [
        step.step.id
        for step in due_now(ada.account, wiring.policy(), clock.now())
        if step.step.id == "confirm_cancel"
    ] == []


def test_a_withdrawal_ends_the_contract_and_pays_all_back_once(ada: Person) -> None:
    ada.posts("/billing/plan/confirm", **upgrade(ada))
    assert "within 14 days" in ada.gets("/billing/withdraw").text
    assert ada.posts("/billing/withdraw").leads_to == "/billing?notice=leave_asked"
    path = mailed(ada, "confirm_withdrawal")
    for _ in range(2):
        assert ada.posts(path).says("headline") == "You have withdrawn"
    refunded = [one["amount"] for one in ada.shop.sim.engine.store.all("refund")]
    assert sorted(refunded) == sorted(ada.shop.taken)
    assert len(refunded) == 2
    assert stands(ada) == "canceled"
    assert [
        one.step.id
        for one in due_now(ada.account, wiring.policy(), clock.now())
        if one.step.id == "withdrawn"
    ] == ["withdrawn"]
    assert ada.gets("/billing/withdraw").leads_to == "/billing?notice=no_withdrawal"


def test_who_withdraws_again_sees_the_sum_before_it_is_confirmed(ada: Person) -> None:
    apply_facts(
        ada.account,
        [ContractWithdrawn(clock.now())],
        wiring.services(),
        StripeFetcher(wiring.services()),
    )
    shown = ada.gets("/billing/withdraw").says("refund")
    assert "The days that you have used are kept" in shown
    ada.posts("/billing/withdraw")
    path = mailed(ada, "confirm_withdrawal")
    assert "The days that you have used are kept" in ada.gets(path).text
    ada.posts(path)
    refund = ada.account.withdrawn_refund
    assert refund
    assert refund.amount == 4900, "all of it on the first day"
    assert f"${refund.amount / 100:.2f}" in shown


@pytest.mark.parametrize("policy", [CancelPolicy(), CancelPolicy(withdrawal_days=14)])
def test_what_billing_toml_does_not_allow_is_not_there(
    ada: Person, monkeypatch: pytest.MonkeyPatch, policy: CancelPolicy
) -> None:
    wiring.services.cache_clear()
    monkeypatch.setattr(wiring, "policy", lambda: replace(POLICY, cancel=policy))
    assert "End it today" not in ada.posts("/billing/cancel", reason="unused").text
    assert ada.posts("/billing/cancel/confirm", when="now").status == 409
    assert ("/billing/withdraw" in ada.gets("/billing").text) is bool(policy.withdrawal_days)
    if not policy.withdrawal_days:
        assert ada.posts("/billing/withdraw").leads_to == "/billing?notice=no_withdrawal"
    assert stands(ada) == "active"


def test_an_old_link_and_a_newer_wish_open_nothing(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.posts("/billing/cancel/confirm", when="now")
    wish = ada.account.leave
    assert wish
    path = f"/leave/{token_to(ada.account, 'leave', wish.id)}"
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=31))
    assert (ada.gets(path).status, ada.posts(path).status) == (404, 404), "after half an hour"
    wiring.services.cache_clear()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=20))
    ada.posts("/billing/withdraw")
    assert (ada.gets(path).status, ada.posts(path).status) == (404, 404), "there is a newer one"
    assert stands(ada) == "active"


@pytest.mark.parametrize(
    "purpose", ["billing", "sign-in", "feedback", "unsubscribe", "billing-visit"]
)
def test_a_link_for_something_else_ends_nothing(ada: Person, purpose: str) -> None:
    ada.posts("/billing/cancel/confirm", when="now")
    wish = ada.account.leave
    assert wish
    assert ada.posts(f"/leave/{token_to(ada.account, purpose, wish.id)}").status == 404
    assert stands(ada) == "active"


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "yesterday"},
        {"when": "period_end", "reason": "<b>"},
        {"when": "period_end", "comment": "x" * 501},
        {},
    ],
)
def test_bad_input_to_a_cancellation_is_told_and_nothing_is_done(
    ada: Person, fields: dict[str, str]
) -> None:
    assert ada.posts("/billing/cancel/confirm", **fields).status == 400
    assert stands(ada) == "active"


def test_whoever_owes_reaches_the_card_page_and_buys_nothing_twice(ada: Person) -> None:
    """32."""
    subscription = ada.subscription
    with ada.shop.sim.engine.lock:
        subscription["status"] = "past_due"
    raw = ada.shop.sim.get(f"/v1/subscriptions/{subscription['id']}")
    from chalicelib.domain.account.facts import SubscriptionSnapshot
    from chalicelib.domain.account.ordering import FromFetch
    from chalicelib.stripe_api import objects

    seen = SubscriptionSnapshot(
        objects.subscription(raw),
        FromFetch(clock.now().replace(microsecond=0), ada.account.mark(raw["id"])),
    )
    apply_facts(ada.account, [seen], wiring.services(), None)
    assert ada.gets("/billing/plan").leads_to == "/billing?notice=no_change"
    assert (
        ada.posts("/billing/plan", choice="scale:month", seats=1).leads_to
        == "/billing?notice=no_change"
    )
    assert (
        ada.posts(
            "/billing/plan/confirm",
            choice="scale:month",
            seats=1,
            as_of=int(clock.now().timestamp()),
        ).leads_to
        == "/billing?notice=no_change"
    )
    page = ada.gets("/billing")
    assert "Update your card" in page.text
    assert "Choose a plan" not in page.text
    for buying in ({}, {"plan": "pro", "interval": "month"}):
        assert ada.posts("/billing/checkout", **buying).status == 303
    assert {one["mode"] for one in ada.shop.sim.engine.store.all("checkout.session")} == {"setup"}


def test_after_the_end_one_click_leads_to_a_new_checkout(ada: Person) -> None:
    ada.posts("/billing/cancel/confirm", when="now")
    ada.posts(mailed(ada, "confirm_cancel"))
    page = ada.posts("/billing/reactivate")
    assert page.status == 303
    assert "/c/pay/" in page.headers["Location"]
    assert (
        ada.posts("/billing/cancel", reason="unused").leads_to
        == "/billing?notice=nothing_to_cancel"
    )
    assert ada.gets("/billing/plan").leads_to == "/billing?notice=no_change"


POSTS = [
    "plan",
    "plan/confirm",
    "cancel",
    "cancel/confirm",
    "cancel/instead",
    "reactivate",
    "withdraw",
]


@pytest.mark.parametrize("path", POSTS)
def test_nobody_presses_a_button_from_elsewhere_or_without_a_visit(ada: Person, path: str) -> None:
    before = ada.account
    assert ada.posts(f"/billing/{path}", site="cross-site", when="now").status == 403
    assert Person(ada.shop).posts(f"/billing/{path}", when="now").status == 404
    assert ada.account == before


def question(person: Person, occasion: str = "access_ended@1772442000") -> str:
    return f"/feedback/{token_to(person.account, 'feedback', occasion)}"


def given(page: Page) -> str:
    return page.text.partition("<h1>")[2].partition("</p>")[0]


def test_an_answer_is_kept_once_for_an_occasion_and_may_be_changed_for_a_day(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, person, now = question(ada), Person(ada.shop), clock.now()
    assert person.gets(path).status == 200
    assert ada.account.feedback == {}, "looking is no answer"
    assert person.posts(path).status == 400
    assert person.posts(path, reason="nonsense").status == 400
    assert "helps us" in person.posts(path, reason="unused", comment="No time").text
    person.posts(path, reason="unused", comment="No time")
    assert "helps us" in person.posts(path, reason="too_complex", comment="").text
    assert 'value="too_complex" checked' in person.gets(path).text
    told = [one for one in ada.account.outbox if one.type == "feedback.given"]
    assert [(one.data["answer"], one.data.get("comment")) for one in told] == [
        ("unused", "No time"),
        ("too_complex", None),
    ]
    assert {one.data["occasion"] for one in told} == {"access_ended@1772442000"}
    wiring.services.cache_clear()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1, seconds=1))
    assert "had answered already" in person.posts(path, reason="other").text
    assert ada.account.feedback["access_ended@1772442000"].answer == "too_complex"
    person.posts(question(ada, "access_ended@1800000000"), reason="other")
    assert len(ada.account.feedback) == 2, "another occasion is another question"


def test_a_wish_that_was_confirmed_is_not_confirmed_by_an_older_one(ada: Person) -> None:
    now: datetime = clock.now()
    account = apply(
        apply(ada.account, CancellationConfirmed(now)),
        CancellationConfirmed(now - timedelta(days=1)),
    )
    assert account.left_by == now


def test_an_invoice_leads_to_stripes_page_of_it_and_nobody_elses_does(ada: Person) -> None:
    (id,) = [id for id, billed in ada.account.invoices.items() if billed.value.amount_due]
    assert f'href="/billing/invoices/{id}/pdf"' in ada.gets("/billing").text
    raw = ada.shop.sim.get(f"/v1/invoices/{id}")
    assert ada.gets(f"/billing/invoices/{id}").headers["Location"] == raw["hosted_invoice_url"]
    assert ada.gets(f"/billing/invoices/{id}/pdf").headers["Location"] == (
        raw["invoice_pdf"] or raw["hosted_invoice_url"]
    )
    other = ada.shop.sim.post("/v1/invoices", customer=ada.shop.sim.customer("tok_visa"))["id"]
    for foreign in (other, "in_none", "..", "in_1?x"):
        assert ada.gets(f"/billing/invoices/{foreign}").status == 404
    assert Person(ada.shop).gets(f"/billing/invoices/{id}").status == 404
