"""What the pages about leaving and about another plan say."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.cancellation import RetentionOfferAccepted
from chalicelib.domain.account.operations import Change
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import Offer, retention_offer
from chalicelib.domain.billing.decisions import may_change
from chalicelib.domain.billing.preview import Preview, is_fresh
from chalicelib.domain.policy.policy import CancelPolicy, Policy, RetentionOffer
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.domain.stripe_objects.objects import PauseCollection
from chalicelib.pages.cancellation import confirm_view
from chalicelib.pages.customer import billing_view
from chalicelib.pages.plan import plan_view, preview_view
from tests.fakes.services import POLICY
from tests.unit.pages.test_customer import DAY, START, customer

NOW = START + DAY
PAUSE, SMALLER, COUPON = (
    RetentionOffer("pause", days=60),
    RetentionOffer("plan", "pro"),
    RetentionOffer("coupon", "STAY20"),
)


def offering(offer: RetentionOffer, **more: Any) -> Policy:
    return replace(POLICY, cancel=CancelPolicy({"unused": offer}, **more))


def on(plan: str, **more: Any) -> Account:
    account = customer("pm_1", **more)
    known = account.subscriptions["sub_1"]
    items = (replace(known.value.items[0], lookup_key=f"{plan}_monthly"),)
    return replace(
        account, subscriptions={"sub_1": replace(known, value=replace(known.value, items=items))}
    )


@pytest.mark.parametrize(
    ("account", "offer"),
    [
        (on("pro", status="past_due"), PAUSE),
        (on("pro", status="paused"), PAUSE),
        (on("pro", cancel_at_period_end=True), COUPON),
        (on("pro", pause_collection=PauseCollection("void", NOW + DAY)), PAUSE),
        (on("pro"), SMALLER),
        (on("scale"), RetentionOffer("plan", "scale")),
    ],
)
def test_what_cannot_be_had_is_not_offered(account: Account, offer: RetentionOffer) -> None:
    assert retention_offer(account, offering(offer), "unused", NOW) is None


def test_what_was_taken_is_offered_again_after_the_policys_time_and_another_kind_meanwhile() -> (
    None
):
    taken = apply(on("scale"), RetentionOfferAccepted("coupon", NOW))
    assert retention_offer(taken, offering(COUPON), "unused", NOW + 364 * DAY) is None
    assert retention_offer(taken, offering(COUPON), "unused", NOW + 365 * DAY) == COUPON
    assert (
        retention_offer(taken, offering(COUPON, again_after=30 * DAY), "unused", NOW + 30 * DAY)
        == COUPON
    )
    assert retention_offer(taken, offering(SMALLER), "unused", NOW) == SMALLER
    assert retention_offer(taken, offering(SMALLER), "other", NOW) is None


@pytest.mark.parametrize(
    ("coupon", "words"),
    [
        (
            Coupon("STAY20", percent_off=20.0, duration="repeating", months=3),
            "Stay, and get 20% off for 3 months.",
        ),
        (
            Coupon("STAY20", percent_off=12.5, duration="once"),
            "Stay, and get 12.5% off your next invoice.",
        ),
        (
            Coupon("STAY20", amount_off=500, currency="eur", duration="forever"),
            "Stay, and get €5.00 off every invoice from now on.",
        ),
        (
            Coupon("STAY20", amount_off=500, currency="jpy", duration="once"),
            "Stay, and get 500 JPY off your next invoice.",
        ),
    ],
)
def test_a_coupon_is_told_in_words(coupon: Coupon, words: str) -> None:
    assert (
        confirm_view(on("pro"), POLICY, Offer(COUPON, coupon), "unused", "", NOW, "en")[
            "offer_words"
        ]
        == words
    )


def test_the_day_that_access_ends_is_said_and_a_paused_one_ends_at_once() -> None:
    now_too = replace(POLICY, cancel=CancelPolicy(now=True))
    view = confirm_view(on("pro"), now_too, None, None, "", NOW, "en")
    assert (view["ends_on"], view["may_now"], view["offer_label"]) == (
        "Wednesday, 1 April 2026",
        True,
        "",
    )
    trial = confirm_view(
        on("pro", status="trialing", trial_end=START + 14 * DAY), now_too, None, None, "", NOW, "en"
    )
    assert trial["ends_on"] == "Monday, 16 March 2026"
    paused = confirm_view(on("pro", status="paused"), now_too, None, None, "", NOW, "en")
    assert (paused["ends_on"], paused["may_now"]) == ("", False), "one button is enough"


def test_the_way_back_fits_what_there_is_to_come_back_to() -> None:
    labels = {
        "Keep my subscription": on("pro", cancel_at=START + 9 * DAY),
        "End the pause": on("pro", pause_collection=PauseCollection("void")),
        "Continue with the card on file": on("pro", status="paused"),
        "": on("pro"),
    }
    for label, account in labels.items():
        assert billing_view(account, POLICY, NOW, None, "en")["back_label"] == label


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused", "canceled"])
def test_who_owes_changes_no_plan(status: str) -> None:
    assert not may_change(on("pro", status=status), POLICY)


def test_plans_are_offered_with_the_one_there_is_marked() -> None:
    view = plan_view(on("pro"), POLICY, "en")
    assert [(one["value"], one["is_current"]) for one in view["offers"]][:3] == [
        ("pro:month", True),
        ("pro:year", False),
        ("scale:month", False),
    ]
    assert view["seats"] == 2


def preview(due: int, following: int | None = None) -> Preview:
    return Preview(
        Change("scale", "month", 2, "scale_monthly", "now", NOW), due, "usd", NOW, following
    )


def test_what_is_due_now_and_from_when_the_price_counts_is_said() -> None:
    view = preview_view(on("pro"), POLICY, preview(33774), False, "en")
    assert (view["due_now"], view["price"], view["label"], view["counts_from"]) == (
        "$337.74",
        "$398.00 a month",
        "Change and pay $337.74",
        "",
    )
    assert preview_view(on("pro"), POLICY, preview(0), False, "en")["label"] == "Change"
    trial = preview_view(
        on("pro", status="trialing", trial_end=START + 14 * DAY),
        POLICY,
        preview(0, 39800),
        False,
        "en",
    )
    assert (trial["counts_from"], trial["next_amount"], trial["label"]) == (
        "Monday, 16 March 2026",
        "$398.00",
        "Change",
    )


def test_a_preview_is_good_for_a_while_and_never_of_the_future() -> None:
    ages = {-1: False, 0: True, 900: True, 901: False}
    assert {age: is_fresh(NOW - timedelta(seconds=age), NOW) for age in ages} == ages
