"""How trials end: without a card in each of Stripe's ways, with one given in each way, moved, cut
short; and back again.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.policy.policy import Policy
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from tests.fakes.grids import grid
from tests.fakes.services import POLICY
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, with_end

SOON = timedelta(seconds=1)


def on_trial(policy: Policy, order: Callable[[list[Any]], list[Any]] = list) -> SimLife:
    life = SimLife(policy=policy, order=order)
    life.sign_up()
    life.hear()
    return life


def attached(life: SimLife) -> None:
    """A card that Stripe merely holds."""
    life.stage.call(
        "POST", "/v1/payment_methods/pm_card_visa/attach", {"customer": life.only("customer")["id"]}
    )


def by_portal(life: SimLife) -> None:
    life.gives_card()


def by_checkout(life: SimLife) -> None:
    life.completes(session := life.opens())
    life.returns(session)


def by_checkout_without_coming_back(life: SimLife) -> None:
    life.completes(life.opens())


def for_the_subscription(life: SimLife) -> None:
    """By the product, with Stripe's API."""
    customer = life.only("customer")["id"]
    _, card = life.stage.call(
        "POST", "/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}}
    )
    life.stage.call("POST", f"/v1/payment_methods/{card['id']}/attach", {"customer": customer})
    life.stage.call(
        "POST",
        f"/v1/subscriptions/{life.only('subscription')['id']}",
        {"default_payment_method": card["id"]},
    )


GIVEN = [by_portal, by_checkout, by_checkout_without_coming_back, for_the_subscription]
WITHOUT = {
    "pause": ("none", "paused"),
    "cancel": ("none", "canceled"),
    "create_invoice": ("none", "trial_expired"),
}


@pytest.mark.parametrize("days", [1, 3, 14])
@pytest.mark.parametrize("behavior", WITHOUT)
def test_a_trial_without_a_card_closes_at_its_second_whatever_stripe_makes_of_it(
    behavior: str, days: int
) -> None:
    """16."""
    life = on_trial(with_end(behavior, days))
    end = BEGIN + days * DAY
    life.advance(end - SOON)
    assert life.stands() == ("full", "trialing")
    life.advance(end)
    assert life.stands() == WITHOUT[behavior]
    life.advance(end + 10 * DAY)
    assert life.standing.access == "none"


@pytest.mark.parametrize("behavior", WITHOUT)
def test_with_every_event_lost_it_closes_all_the_same(behavior: str) -> None:
    life = on_trial(with_end(behavior))
    life.days(14, deaf=True)
    assert life.stands() == ("none", "trial_expired")


@pytest.mark.parametrize("behavior", WITHOUT)
def test_a_card_that_is_merely_attached_is_no_card(behavior: str) -> None:
    life = on_trial(with_end(behavior)).days(2)
    attached(life)
    life.days(14)
    assert life.stands() == WITHOUT[behavior]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: given.__name__)
@pytest.mark.parametrize("behavior", WITHOUT)
def test_a_card_given_in_any_way_converts_the_trial(
    behavior: str, given: Callable[[SimLife], None]
) -> None:
    life = on_trial(with_end(behavior)).days(5)
    given(life)
    life.days(14)
    assert life.standing.access == "full"
    life.days(15)
    assert life.stands() == ("full", "active")
    assert [one["status"] for one in life.objects("subscription")] == ["active"]


@pytest.mark.parametrize(("seed", "behavior"), grid(range(5), WITHOUT))
def test_events_out_of_order_and_doubled_end_in_the_same_standing(behavior: str, seed: int) -> None:
    chance = random.Random(seed)

    def mixed(events: list[Any]) -> list[Any]:
        events = events + chance.sample(events, len(events) // 2)
        chance.shuffle(events)
        return events

    without, given = (
        on_trial(with_end(behavior), mixed).days(16),
        on_trial(with_end(behavior), mixed).days(5),
    )
    assert without.stands() == WITHOUT[behavior]
    by_checkout(given)
    assert given.days(16).stands() == ("full", "active")


def test_a_trial_with_the_hour_that_stripe_takes_to_finalize_stays_open_meanwhile() -> None:
    life = on_trial(with_end("pause"))
    life.stage.engine.store.settings["invoice_draft_seconds"] = 3600
    life.gives_card()
    life.days(14)
    assert life.stands() == ("full", "first_payment")
    life.advance(BEGIN + 14 * DAY + timedelta(hours=2))
    assert life.stands() == ("full", "active")


def test_a_card_that_is_declined_at_the_end_closes_after_a_day() -> None:
    life = on_trial(with_end("pause"))
    life.gives_card("4000000000000341")
    life.days(14.5)
    assert life.stands() == ("full", "first_payment")
    life.days(15.1)
    assert life.stands() == ("none", "trial_expired")


def test_a_bank_that_asks_is_told_on_the_timeline_and_confirmed_on_the_invoice_page() -> None:
    life = on_trial(with_end("pause"))
    life.gives_card("4000002760003184")
    life.days(14.1)
    assert "invoice.payment_action_required" in {
        entry.type for entry in life.place.timeline.entries.values()
    }
    (invoice,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    life.stage.engine.checkout.authenticate(invoice)
    life.hear()
    assert life.stands() == ("full", "active")


def test_a_trial_extended_after_the_notice_runs_to_its_new_end() -> None:
    life = on_trial(with_end("pause")).days(12)
    new_end = BEGIN + 30 * DAY
    life.stage.post(
        f"/v1/subscriptions/{life.only('subscription')['id']}", trial_end=int(new_end.timestamp())
    )
    life.hear()
    life.days(14)
    assert life.stands() == ("full", "trialing")
    assert life.standing.until == new_end
    life.days(30)
    assert life.stands() == ("none", "paused")


def test_a_trial_cut_short_is_over_at_once_and_nobody_hears_that_three_days_are_left() -> None:
    """18."""
    life = SimLife(policy=POLICY)
    life.sign_up()
    life.hear()
    life.days(2)
    life.stage.post(f"/v1/subscriptions/{life.only('subscription')['id']}", trial_end="now")
    life.hear()
    life.days(14)
    assert life.standing.access == "none"
    assert not any(
        work["key"].startswith(("three_days", "one_day")) for work in life.place.mail_queue.waiting
    )
    assert any(
        told.startswith("customer.subscription.trial_will_end") for told in life.stage.told()
    ), "Stripe gave notice all the same"


def test_a_trial_of_a_day_gets_no_three_days_mail_although_stripe_gives_notice_at_once() -> None:
    """18."""
    life = SimLife(policy=replace(POLICY, trial=replace(POLICY.trial, days=1)))
    life.sign_up()
    life.hear()
    assert any(
        told.startswith("customer.subscription.trial_will_end") for told in life.stage.told()
    )
    life.days(3)
    assert not any(work["key"].startswith("three_days") for work in life.place.mail_queue.waiting)


def test_a_plan_switched_during_the_trial_is_followed() -> None:
    """23."""
    life = on_trial(with_end("pause")).days(2)
    subscription = life.only("subscription")
    items = [
        {"id": subscription["items"]["data"][0]["id"], "price": life.stage.price("scale_monthly")}
    ]
    life.stage.post(f"/v1/subscriptions/{subscription['id']}", items=items)
    life.hear()
    assert (life.standing.reason, life.standing.plan) == ("trialing", "scale")


def test_paused_and_back_and_through_two_renewals() -> None:
    life = on_trial(with_end("pause")).days(25)
    by_checkout(life)
    assert life.stands() == ("full", "active")
    life.days(90)
    assert life.stands() == ("full", "active")
    assert [one["status"] for one in life.objects("invoice")] == ["paid"] * len(
        life.objects("invoice")
    )


def test_canceled_in_the_trial_and_bought_again_has_no_second_trial() -> None:
    life = on_trial(with_end("cancel")).days(20)
    assert life.stands() == ("none", "canceled")
    life.completes(session := life.opens("pro"))
    life.returns(session)
    assert life.stands() == ("full", "active")
    newest, _ = life.objects("subscription")
    assert newest["trial_end"] is None


@pytest.mark.parametrize(
    ("after", "access"), [("canceled", "none"), ("unpaid", "none"), ("past_due", "limited")]
)
def test_retries_that_all_fail_end_as_the_owner_set_it_at_stripe(after: str, access: str) -> None:
    life = on_trial(with_end("pause"))
    life.stage.engine.store.settings["after_retries"] = after
    life.gives_card()
    life.days(15)
    life.gives_card("4000000000000341")
    life.days(48)
    assert life.standing.reason == "past_due_grace"
    life.days(70)
    assert (life.standing.status, life.standing.access) == (after, access)


def test_a_dispute_stops_lifecycle_mail_is_on_the_timeline_and_is_told() -> None:
    life = on_trial(with_end("pause"))
    life.gives_card()
    life.days(15)
    life.stage.engine.payments.dispute(life.only("charge"), "fraudulent")
    life.hear()
    assert life.account.disputed
    told = {entry.type for entry in life.place.timeline.entries.values()}
    assert {"payment.disputed", "charge.dispute.created"} <= told
    life.stage.engine.payments.close_dispute(life.only("dispute"), "won")
    life.hear()
    assert not life.account.disputed


def test_a_refund_is_on_the_timeline_and_takes_nothing_away() -> None:
    life = on_trial(with_end("pause"))
    life.gives_card()
    life.days(15)
    life.stage.post("/v1/refunds", charge=life.only("charge")["id"], amount=1000)
    life.hear()
    assert life.stands() == ("full", "active")
    (entry,) = [
        entry for entry in life.place.timeline.entries.values() if entry.type == "charge.refunded"
    ]
    assert (entry.data.amount, entry.data.refunded) == (4900, 1000)


@pytest.mark.parametrize("behavior", WITHOUT)
def test_a_trial_that_was_paid_while_every_event_was_lost_heals_by_itself(behavior: str) -> None:
    """12."""
    life = on_trial(with_end(behavior))
    by_checkout(life)
    life.advance(BEGIN + 14 * DAY + timedelta(minutes=59), deaf=True)
    assert life.stands() == ("full", "trialing"), "open while the news is awaited"
    life.advance(BEGIN + 14 * DAY + timedelta(hours=2), deaf=True)
    assert life.stands() == ("full", "active")
    assert life.account.invoices


def test_the_end_of_a_trial_is_asked_for_once_where_the_news_came() -> None:
    life = on_trial(with_end("pause")).days(14)
    calls = len(life.stage.api.calls)
    life.days(20)
    assert len(life.stage.api.calls) == calls


def test_with_stripe_down_at_the_trials_end_it_is_asked_until_it_answers() -> None:
    """13."""
    life = on_trial(with_end("pause"))
    by_checkout(life)
    life.fault("timeout_before", 40, method="GET")
    life.days(15, deaf=True)
    life.stage.api.faults.clear()
    life.days(16, deaf=True)
    assert life.stands() == ("full", "active")


@pytest.mark.parametrize("behavior", WITHOUT)
def test_a_trial_that_ended_is_never_charged_without_access_and_its_revival_leaves_one_subscription(
    behavior: str,
) -> None:
    """35."""
    life = on_trial(with_end(behavior))
    proved = AddressProved(life.place.now.at)  # else the account would be forgotten by then
    apply_facts(life.account, [proved], life.services, None)
    life.days(60)
    assert life.standing.access == "none"
    assert [one for one in life.objects("charge") if one["paid"]] == []
    life.completes(session := life.opens())
    life.returns(session)
    life.days(62)
    assert life.stands() == ("full", "active")
    assert [
        one["status"] for one in life.objects("subscription") if one["status"] != "canceled"
    ] == ["active"]
