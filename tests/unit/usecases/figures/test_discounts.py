"""Discounts count from the day on which Stripe gives them, however late and in whatever version
Billhook hears of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Truth
from tests.fakes.services import FakeServices
from tests.fakes.stripe.reader import FakeReader, reading

Object = dict[str, Any]

CUSTOMER = "cus_of_few_words"
FIRST = date(2026, 3, 2)


def second(day: int, hour: int = 9) -> int:
    return int(datetime(2026, 3, day, hour, tzinfo=UTC).timestamp())


def coupon(percent_off: float, duration: str = "forever") -> Object:
    return {
        "id": f"OFF_{percent_off}",
        "object": "coupon",
        "percent_off": percent_off,
        "amount_off": None,
        "currency": None,
        "duration": duration,
    }


def discount(id: str, day: int, percent_off: float, subscription: str | None = None) -> Object:
    return {
        "id": id,
        "object": "discount",
        "customer": CUSTOMER,
        "subscription": subscription,
        "start": second(day),
        "end": None,
        "coupon": coupon(percent_off),
    }


def by_reference(whole: Object) -> Object:
    """A discount since clover: it names its coupon only by the id."""
    source = {"type": "coupon", "coupon": whole["coupon"]["id"]}
    return {key: value for key, value in whole.items() if key != "coupon"} | {"source": source}


def customer(discount: Object | None = None) -> Object:
    return {
        "id": CUSTOMER,
        "object": "customer",
        "email": "ada@example.com",
        "created": second(2),
        "metadata": {},
        "discount": discount,
    }


def subscription(status: str = "active", **changes: Any) -> Object:
    price = {
        "id": "price_pro",
        "lookup_key": "pro_monthly",
        "unit_amount": 10000,
        "currency": "usd",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": CUSTOMER,
        "status": status,
        "created": second(3),
        "ended_at": None,
        "items": {"data": [{"id": "si_1", "quantity": 1, "price": price}]},
        **changes,
    }


@dataclass
class Told:
    """What arrives, an event at a time."""

    reader: FakeReader = field(default_factory=FakeReader)

    def __post_init__(self) -> None:
        self.place = FakeServices(stripe=reading(self.reader))
        self.place.now.at = datetime(2026, 3, 20, tzinfo=UTC)
        self.events = 0

    def tell(
        self,
        type: str,
        thing: Object,
        day: int,
        previous: Mapping[str, Any] | None = None,
        hour: int = 9,
    ) -> None:
        self.events += 1
        data = {"object": thing} | ({"previous_attributes": previous} if previous else {})
        event = {
            "id": f"evt_{self.events}",
            "object": "event",
            "type": type,
            "created": second(day, hour),
            "livemode": False,
            "data": data,
        }
        (outcome,) = ingest([Message(event["id"], json.dumps(event))], self.place.services)
        assert outcome.failure is None

    @property
    def mrr(self) -> dict[int, int]:
        """MRR by the day of the month, of the days on which it changes."""
        rows = revenue(self.place.services, FIRST, date(2026, 3, 20))["usd"].days
        found, before = {}, 0
        for row in rows:
            if row.mrr != before:
                found[row.date.day] = before = row.mrr
        return found


def test_a_customer_may_get_a_discount_before_billhook_knows_the_customer() -> None:
    told = Told()
    off = discount("di_1", 2, 20)
    told.reader.truth = Truth({CUSTOMER: customer(off)}, {"sub_1": subscription()}, {})
    told.tell("customer.created", customer(), 2)
    told.tell("customer.subscription.created", subscription(), 3)
    assert told.mrr == {3: 8000}


def test_the_coupon_of_a_customer_is_asked_for_where_it_is_named_by_its_id() -> None:
    terms = DiscountTerms(
        datetime(2026, 3, 2, 9, tzinfo=UTC),
        datetime(2026, 3, 2, 9, tzinfo=UTC),
        "forever",
        "20",
        customer=CUSTOMER,
    )

    class Reader(FakeReader):
        def customer_discount(self, customer: str) -> dict[str, DiscountTerms]:
            super().customer_discount(customer)
            return {"di_1": terms}

    told = Told(Reader())
    off = by_reference(discount("di_1", 2, 20))
    told.reader.truth = Truth({CUSTOMER: customer(off)}, {"sub_1": subscription()}, {})
    told.tell("customer.subscription.created", subscription(), 3)
    told.tell("customer.updated", customer(off), 4)
    assert told.mrr == {3: 8000}
    assert told.reader.asked.count(f"discount of {CUSTOMER}") == 1


def test_another_coupon_of_the_customer_takes_the_place_of_the_first() -> None:
    told = Told()
    told.reader.truth = Truth({CUSTOMER: customer()}, {"sub_1": subscription()}, {})
    told.tell("customer.subscription.created", subscription(), 3)
    told.tell("customer.discount.created", discount("di_1", 5, 20), 5)
    told.tell("customer.discount.updated", discount("di_2", 8, 10), 8)
    assert told.mrr == {3: 10000, 5: 8000, 8: 9000}


@pytest.mark.parametrize("first_told", ["with it", "without it"])
def test_a_discount_in_an_event_is_known_from_it_when_stripe_has_it_no_more(
    first_told: str,
) -> None:
    """Before basil a subscription's events hold its discount whole."""
    told = Told()
    ended = subscription("canceled", ended_at=second(9), discount=None)
    told.reader.truth = Truth({CUSTOMER: customer()}, {"sub_1": ended}, {})
    off = discount("di_1", 3, 25, "sub_1")
    if first_told == "with it":
        told.tell("customer.subscription.created", subscription(discount=off), 3)
    previous = {"discount": off}
    told.tell("customer.subscription.updated", subscription(discount=None), 6, previous)
    if first_told == "without it":
        told.tell("customer.subscription.created", subscription(discount=off), 3)
    told.tell("customer.subscription.deleted", ended, 9)
    assert told.mrr == {3: 7500, 6: 10000, 9: 0}
    assert not [one for one in told.reader.asked if one.startswith("discounts")]


def test_a_discount_that_arrives_first_and_is_over_when_the_rest_comes_counts() -> None:
    told = Told()
    over = subscription(discounts=[])
    told.reader.truth = Truth({CUSTOMER: customer()}, {"sub_1": over}, {})
    told.tell("customer.discount.created", discount("di_1", 3, 25, "sub_1"), 3)
    told.tell("customer.subscription.created", subscription(discounts=["di_1"]), 3)
    told.tell("customer.subscription.updated", over, 6, {"discounts": ["di_1"]})
    assert told.mrr == {3: 7500, 6: 10000}


def test_a_discount_of_a_customer_of_another_product_adopts_nobody() -> None:
    told = Told()
    other = subscription()
    other["items"]["data"][0]["price"] |= {"id": "price_other", "lookup_key": "other"}
    told.reader.truth = Truth({CUSTOMER: customer()}, {"sub_1": other}, {})
    told.tell("customer.discount.created", discount("di_1", 3, 25), 3)
    assert not told.place.accounts.items


def test_more_discounts_than_are_kept_leave_the_days_right() -> None:
    told = Told()
    held, expected = "di_0", {3: 9000}
    last = subscription(discounts=["di_80"])
    told.reader.truth = Truth({CUSTOMER: customer()}, {"sub_1": last}, {})
    told.tell("customer.subscription.created", subscription(discounts=[held]), 3, hour=0)
    told.tell("customer.discount.created", discount(held, 3, 10, "sub_1"), 3, hour=0)
    for number in range(1, 81):
        day, hour = 3 + number // 5, number % 5 + 1
        id, percent_off = f"di_{number}", 10 + number % 7
        off = discount(id, day, percent_off, "sub_1") | {"start": second(day, hour)}
        told.tell(
            "customer.subscription.updated",
            subscription(discounts=[id]),
            day,
            {"discounts": [held]},
            hour,
        )
        told.tell("customer.discount.created", off, day, hour=hour)
        held, expected[day] = id, 10000 - percent_off * 100
    assert told.mrr == {day: mrr for day, mrr in expected.items() if mrr != expected.get(day - 1)}
