"""Subscription schedules: phases that come by the clock, and what Stripe refuses meanwhile."""

from typing import Any

import pytest
import stripe

from local.stripe_sim.api.object_shapes import missing, undeclared
from tests.fakes.stripe.sim import DAY, START, SimStage

APRIL = START + 31 * DAY
MAY, JUNE = APRIL + 30 * DAY, APRIL + 61 * DAY
PATH = "/v1/subscription_schedules"


class Shop(SimStage):
    """One customer with a card."""

    customer_id: str = ""
    id: str = ""

    def sells(self, **more: Any) -> "Shop":
        self.customer_id = self.customer("tok_visa")
        items = [{"price": self.price("pro_monthly"), "quantity": 2}]
        made = self.post("/v1/subscriptions", customer=self.customer_id, items=items, **more)
        self.id = made["id"]
        return self

    def phase(self, price: str, start: int | None, end: int | None, quantity: int = 2) -> Any:
        items = [{"price": self.price(price), "quantity": quantity}]
        times = {"start_date": start, "end_date": end}
        return {"items": items} | {name: at for name, at in times.items() if at is not None}

    def scheduled(self, *phases: Any, **more: Any) -> Any:
        """A schedule of the subscription, with these phases after the one that runs."""
        made = self.post(PATH, from_subscription=self.id)
        now = self.phase("pro_monthly", START, APRIL)
        return self.post(f"{PATH}/{made['id']}", phases=[now, *phases], **more)

    @property
    def subscription(self) -> Any:
        return self.get(f"/v1/subscriptions/{self.id}")

    @property
    def plan(self) -> tuple[str, int]:
        (item,) = self.subscription["items"]["data"]
        return item["price"]["lookup_key"], item["quantity"]

    def paid(self) -> list[int]:
        found = self.get("/v1/invoices", customer=self.customer_id)["data"]
        return [one["amount_paid"] for one in reversed(found)]

    def refused(self, path: str, method: str = "POST", **wanted: Any) -> tuple[int, str]:
        status, body = self.call(method, path, wanted)
        return status, body["error"]["message"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_schedule_of_a_subscription_begins_with_the_period_that_runs(shop: Shop) -> None:
    shop.sells().advance(START + 6 * DAY)
    made = shop.post(PATH, from_subscription=shop.id)
    assert (made["status"], made["subscription"], made["end_behavior"]) == (
        "active",
        shop.id,
        "release",
    )
    assert made["current_phase"] == {"start_date": START, "end_date": APRIL}
    assert made["phases"][0]["items"][0]["price"] == shop.price("pro_monthly")
    assert shop.subscription["schedule"] == made["id"]
    assert shop.told()[-1] == "subscription_schedule.created active"
    whole = shop.get(f"/v1/subscriptions/{shop.id}", expand=["schedule"])["schedule"]
    assert whole["id"] == made["id"]
    assert undeclared(stripe.SubscriptionSchedule, made) == []
    assert missing(stripe.SubscriptionSchedule, made) == []


def test_a_phase_that_begins_with_a_period_changes_what_the_renewal_bills(shop: Shop) -> None:
    shop.sells().scheduled(shop.phase("scale_monthly", APRIL, MAY, 3))
    shop.advance(APRIL - 1)
    assert shop.plan == ("pro_monthly", 2)
    since = len(shop.told())
    shop.advance(APRIL)
    assert shop.plan == ("scale_monthly", 3)
    assert shop.paid() == [9800, 59700]
    assert shop.told(since)[:2] == [
        "customer.subscription.updated active",
        "subscription_schedule.updated active",
    ]
    assert "invoiceitem.created" not in shop.told(since)


def test_a_phase_within_a_period_is_prorated(shop: Shop) -> None:
    shop.sells()
    made = shop.post(PATH, from_subscription=shop.id)
    half = START + 10 * DAY
    phases = [
        shop.phase("pro_monthly", START, half),
        shop.phase("scale_monthly", half, APRIL)
        | {"proration_behavior": "always_invoice", "metadata": {"a": "b"}},
    ]
    shop.post(f"{PATH}/{made['id']}", phases=phases)
    shop.advance(half)
    assert (shop.plan, shop.paid()) == (("scale_monthly", 2), [9800, 26961 - 6639])
    assert shop.subscription["metadata"] == {"a": "b"}


@pytest.mark.parametrize(("behavior", "status"), [("release", "active"), ("cancel", "canceled")])
def test_after_the_last_phase_it_ends_as_it_is_told_to(
    shop: Shop, behavior: str, status: str
) -> None:
    schedule = shop.sells().scheduled(
        shop.phase("scale_monthly", APRIL, MAY), end_behavior=behavior
    )
    planned = MAY if behavior == "cancel" else None
    assert shop.subscription["cancel_at"] == planned
    shop.advance(MAY - 7 * DAY)
    assert shop.told()[-1] == "subscription_schedule.expiring active"
    shop.advance(MAY + DAY)
    assert shop.subscription["status"] == status
    ended = shop.get(f"{PATH}/{schedule['id']}")
    if behavior == "release":
        assert (ended["status"], ended["released_subscription"]) == ("released", shop.id)
        assert (shop.plan, shop.subscription["schedule"]) == (("scale_monthly", 2), None)
        assert shop.paid() == [9800, 39800, 39800]
    else:
        assert (ended["status"], ended["completed_at"]) == ("completed", MAY)
        assert shop.paid() == [9800, 39800]


def test_a_released_subscription_goes_on_as_it_is(shop: Shop) -> None:
    schedule = shop.sells().scheduled(
        shop.phase("scale_monthly", APRIL, MAY), end_behavior="cancel"
    )
    released = shop.post(f"{PATH}/{schedule['id']}/release")
    assert (released["status"], released["subscription"]) == ("released", None)
    assert (released["released_subscription"], released["released_at"]) == (shop.id, START)
    assert shop.told()[-1] == "subscription_schedule.released released"
    assert (shop.subscription["schedule"], shop.subscription["cancel_at"]) == (None, None)
    shop.advance(APRIL)
    assert shop.plan == ("pro_monthly", 2)
    shop.post(f"/v1/subscriptions/{shop.id}", cancel_at_period_end=True)
    assert shop.refused(f"{PATH}/{schedule['id']}/release") == (
        400,
        "You cannot release a subscription schedule that is currently in the `released` status. It"
        " must be in the `not_started` or `active` status.",
    )


def test_the_date_of_a_cancellation_may_be_kept(shop: Shop) -> None:
    schedule = shop.sells().scheduled(
        shop.phase("scale_monthly", APRIL, MAY), end_behavior="cancel"
    )
    shop.post(f"{PATH}/{schedule['id']}/release", preserve_cancel_date=True)
    assert shop.subscription["cancel_at"] == MAY


@pytest.mark.parametrize(
    "wanted",
    [
        {"cancel_at_period_end": True},
        {"cancel_at_period_end": False},
        {"cancel_at": MAY},
        {"cancel_at": ""},
    ],
)
def test_while_a_schedule_manages_it_a_subscription_is_not_canceled_directly(
    shop: Shop, wanted: Any
) -> None:
    schedule = shop.sells().scheduled(shop.phase("scale_monthly", APRIL, MAY))
    before, since = shop.subscription, len(shop.told())
    assert shop.refused(f"/v1/subscriptions/{shop.id}", **wanted) == (
        400,
        f"The subscription is managed by the subscription schedule `{schedule['id']}`, and updating"
        " any cancelation behavior directly is not allowed. Please update the schedule instead.",
    )
    assert (shop.subscription, shop.told(since)) == (before, [])


def test_while_a_schedule_manages_it_its_items_are_not_changed_directly(shop: Shop) -> None:
    shop.sells().scheduled(shop.phase("scale_monthly", APRIL, MAY))
    items = [{"price": shop.price("scale_monthly")}]
    status, message = shop.refused(f"/v1/subscriptions/{shop.id}", items=items)
    assert (status, "is managed by the subscription schedule" in message) == (400, True)
    assert shop.post(f"/v1/subscriptions/{shop.id}", description="x")["description"] == "x"


def test_a_subscription_that_ends_takes_its_schedule_along(shop: Shop) -> None:
    schedule = shop.sells().scheduled(shop.phase("scale_monthly", APRIL, MAY))
    shop.call("DELETE", f"/v1/subscriptions/{shop.id}")
    assert shop.told()[-2:] == [
        "customer.subscription.deleted canceled",
        "subscription_schedule.canceled canceled",
    ]
    late = Shop()
    late.sells().scheduled(late.phase("pro_monthly", APRIL, MAY + 90 * DAY))
    late.gives(late.customer_id, "tok_chargeCustomerFail")
    late.advance(APRIL + 14 * DAY)
    assert "subscription_schedule.aborted canceled" in late.told()
    assert shop.get(f"{PATH}/{schedule['id']}")["canceled_at"] == START


def test_a_canceled_schedule_ends_its_subscription(shop: Shop) -> None:
    schedule = shop.sells().scheduled(shop.phase("scale_monthly", APRIL, MAY))
    shop.advance(START + 10 * DAY)
    canceled = shop.post(f"{PATH}/{schedule['id']}/cancel")
    assert (canceled["status"], shop.subscription["status"]) == ("canceled", "canceled")
    newest = shop.get("/v1/invoices", customer=shop.customer_id)["data"][0]
    assert (newest["status"], newest["total"]) == ("uncollectible", -6639)


def test_a_schedule_may_begin_a_subscription_later(shop: Shop) -> None:
    shop.customer_id = shop.customer("tok_visa")
    later = START + 5 * DAY
    phases = [
        {**shop.phase("pro_monthly", None, None), "duration": {"interval": "month"}},
        {**shop.phase("scale_monthly", None, None), "duration": {"interval": "month"}},
    ]
    made = shop.post(PATH, customer=shop.customer_id, start_date=later, phases=phases)
    assert (made["status"], made["subscription"], made["current_phase"]) == (
        "not_started",
        None,
        None,
    )
    assert [one["id"] for one in shop.get(PATH, scheduled=True)["data"]] == [made["id"]]
    shop.advance(later)
    begun = shop.get(f"{PATH}/{made['id']}")
    shop.id = begun["subscription"]
    assert (begun["status"], shop.subscription["status"], shop.paid()) == (
        "active",
        "active",
        [9800],
    )
    shop.advance(later + 31 * DAY)
    assert (shop.plan, shop.paid()) == (("scale_monthly", 2), [9800, 39800])


def test_a_schedule_that_begins_now_may_begin_with_a_trial(shop: Shop) -> None:
    customer = shop.customer()
    phases = [
        {**shop.phase("pro_monthly", None, START + 7 * DAY), "trial": True},
        shop.phase("pro_monthly", None, START + 37 * DAY),
    ]
    made = shop.post(PATH, customer=customer, start_date="now", phases=phases)
    subscription = shop.get(f"/v1/subscriptions/{made['subscription']}")
    assert (subscription["status"], subscription["trial_end"]) == ("trialing", START + 7 * DAY)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start_date": None}, "missing at least one phase with a `start_date`"),
        ({"start_date": START + 1}, "can not modify the start date of the current phase"),
        ({"start_date": START, "end_date": START}, "must be after its start date"),
        ({"start_date": START, "items": [{"price": "price_none"}]}, "No such price"),
    ],
)
def test_phases_that_make_no_sense_are_refused(shop: Shop, change: Any, words: str) -> None:
    shop.sells()
    made = shop.post(PATH, from_subscription=shop.id)
    phase = {**shop.phase("pro_monthly", START, APRIL), **change}
    phase = {name: value for name, value in phase.items() if value is not None}
    status, message = shop.refused(f"{PATH}/{made['id']}", phases=[phase])
    assert (status, words in message) == (400, True), message
    assert shop.get(f"{PATH}/{made['id']}") == made


def test_a_schedule_comes_from_a_subscription_alone_and_once(shop: Shop) -> None:
    shop.sells()
    phases = [shop.phase("pro_monthly", START, APRIL)]
    assert shop.refused(PATH, from_subscription=shop.id, phases=phases)[0] == 400
    made = shop.post(PATH, from_subscription=shop.id)
    assert shop.refused(PATH, from_subscription=shop.id) == (
        400,
        f"You cannot migrate a subscription that is already attached to a schedule: {made['id']}.",
    )
    assert shop.refused(PATH, customer=shop.customer_id)[0] == 400
    assert shop.refused(f"{PATH}/sub_sched_none/release")[0] == 404
