"""Events of every API version are read alike; what cannot be read raises Unreadable."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.objects import CancellationDetails, Card, digest
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.events import StripeEvent, read_event
from chalicelib.usecases.ingestion.answers import fetch
from local.recordings import Truth
from tests.fakes.grids import examples
from tests.fakes.services import RECORDINGS, ROOT, at
from tests.fakes.stripe.reader import FakeReader

SHAPES = sorted((ROOT / "tests" / "shapes").glob("*.json"))
VERSIONS = [
    "2022-11-15",
    "2025-03-31.basil",
    "2025-09-30.clover",
    "2026-08-26.dahlia",
    "2026-10-28.endive",
]
NOW = datetime(2026, 4, 16, 9, tzinfo=UTC)


def shape(version: str, kind: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (ROOT / "tests" / "shapes" / f"{version}.{kind}.json").read_text()
    )
    return loaded


def read(raw: object, now: datetime = NOW) -> StripeEvent:
    return read_event(json.dumps(raw), now)


@pytest.mark.parametrize("kind", ["customer", "invoice"])
def test_every_api_version_tells_the_same_of_a_customer_and_an_invoice(kind: str) -> None:
    read_ones = [read(shape(version, kind)) for version in VERSIONS]
    assert all(
        one.fact == read_ones[0].fact and one.customer == read_ones[0].customer for one in read_ones
    )
    assert all(one.version_known for one in read_ones)


def test_every_api_version_tells_the_same_of_a_subscription() -> None:
    told = {version: read(shape(version, "subscription")).fact for version in VERSIONS}
    facts = [fact for fact in told.values() if isinstance(fact, SubscriptionSnapshot)]
    newest = facts[-1].subscription
    assert (newest.period_end, newest.discounts, newest.card) == (
        at(1775120400),
        ("di_1vwz8CCz7hWRKLEp4fYt8uQa",),
        "pm_1vwz8CCz7hWRKLEpU3SJXFaa",
    )
    for version, fact in zip(VERSIONS, facts, strict=True):
        assert fact.subscription.cancels_at == at(1775120400), version
        if version != "2025-09-30.clover":  # there the portal sets cancel_at and leaves the flag
            assert fact.subscription == newest, version


def rate(percentage: object, inclusive: bool = True) -> dict[str, object]:
    return {"id": "txr_1", "object": "tax_rate", "percentage": percentage, "inclusive": inclusive}


@pytest.mark.parametrize(
    ("defaults", "own", "tax"),
    [
        ([], [], None),
        ([rate(20.0)], [], "20"),
        ([rate(20)], [rate(7.5)], "7.5"),
        ([rate(20, inclusive=False)], [], None),
        ([rate(5), rate(9.975)], [], "14.975"),
        ([rate(20)], [rate(20, inclusive=False)], None),
        ([rate(None), "txr_2", rate("20"), rate(-1), rate(0)], None, None),
        (None, None, None),
    ],
)
def test_an_item_has_the_tax_that_its_price_includes(defaults: Any, own: Any, tax: Any) -> None:
    raw = shape(VERSIONS[-1], "subscription")
    thing = raw["data"]["object"]
    thing["default_tax_rates"], thing["items"]["data"][0]["tax_rates"] = defaults, own
    fact = read(raw).fact
    assert isinstance(fact, SubscriptionSnapshot)
    assert fact.subscription.items[0].inclusive_tax == tax


@pytest.mark.parametrize(
    ("told", "amount"), [("12.345", "12.345"), (0.5, "0.5"), (12, "12"), ("a lot", None)]
)
def test_an_amount_with_fractions_is_read_as_a_text_or_a_number(told: Any, amount: Any) -> None:
    raw = shape(VERSIONS[-1], "subscription")
    price = raw["data"]["object"]["items"]["data"][0]["price"]
    price["unit_amount"], price["unit_amount_decimal"] = None, told
    fact = read(raw).fact
    assert isinstance(fact, SubscriptionSnapshot)
    assert fact.subscription.items[0].amount_decimal == amount


@pytest.mark.parametrize("name", ["transform_quantity", "transform_usage"])
def test_a_price_is_for_a_package_of_units(name: str) -> None:
    raw = shape(VERSIONS[-1], "subscription")
    raw["data"]["object"]["items"]["data"][0]["price"][name] = {"divide_by": 5, "round": "up"}
    fact = read(raw).fact
    assert isinstance(fact, SubscriptionSnapshot)
    item = fact.subscription.items[0]
    assert (item.package, item.rounds_up) == (5, True)


def test_an_invoice_says_whose_it_is_in_both_places() -> None:
    for version in VERSIONS:
        event = read(shape(version, "invoice"))
        assert isinstance(event.fact, InvoiceSnapshot)
        assert event.fact.invoice.subscription == "sub_1vwz8CCz7hWRKLEpZH3B4kZx"
        assert event.account_id == "acct_demo"


def test_every_recorded_event_is_read_and_only_handled_types_have_a_fact() -> None:
    for recording in RECORDINGS.values():
        for raw in recording.events:
            event = read(raw)
            # Billhook did not make the recordings' sessions.
            of_others = raw["type"] == "checkout.session.completed"
            assert (event.fact is not None) == (raw["type"] in EVENT_TYPES and not of_others)
            assert event.fact is None or event.customer


def test_previous_attributes_tell_the_state_before() -> None:
    raw = next(
        event
        for event in RECORDINGS["trial_pauses_then_resumes"].events
        if event["type"] == "customer.updated"
    )
    event = read(raw)
    assert isinstance(event.fact, CustomerSnapshot)
    assert isinstance(event.fact.source, FromEvent)
    first = objects.customer(RECORDINGS["trial_pauses_then_resumes"].events[0]["data"]["object"])
    assert event.fact.source.before == digest(first)


@pytest.mark.parametrize(
    "former",
    [
        {"status": "hibernating"},
        {"pause_collection": {"resumes_at": 1}},
        {"items": {"data": [{"price": {"id": None}}]}},
        {"trial_end": "never"},
    ],
)
def test_a_former_state_that_cannot_be_read_hides_nothing_of_the_present_one(former: Any) -> None:
    raw = shape("2026-10-28.endive", "subscription")
    present = read({**raw, "data": {"object": raw["data"]["object"]}}).fact
    fact = read({**raw, "data": {**raw["data"], "previous_attributes": former}}).fact
    assert isinstance(fact, SubscriptionSnapshot)
    assert isinstance(present, SubscriptionSnapshot)
    assert fact == present


def test_a_deleted_customer_is_known_by_the_events_type_alone() -> None:
    raw = {**RECORDINGS["trial_converts"].events[0], "type": "customer.deleted"}
    event = read(raw)
    assert isinstance(event.fact, CustomerSnapshot)
    assert event.fact.customer.deleted
    assert event.fact.customer.email is None


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ({"subscription": "sub_1", "released_subscription": None}, "sub_1"),
        ({"subscription": {"id": "sub_1", "object": "subscription"}}, "sub_1"),
        ({"subscription": None, "released_subscription": "sub_1"}, "sub_1"),
        ({"subscription": None}, None),
    ],
)
def test_a_schedules_event_asks_for_its_subscription(
    named: dict[str, Any], asked: str | None
) -> None:
    raw = RECORDINGS["trial_converts"].events[0]
    schedule = {"id": "sub_sched_1", "object": "subscription_schedule", "customer": "cus_1"}
    told = {"type": "subscription_schedule.updated", "data": {"object": {**schedule, **named}}}
    event = read({**raw, **told})
    assert event.customer == "cus_1"
    assert event.fact == (FetchRequest("subscription", asked) if asked else None)


def test_an_event_with_some_of_the_items_asks_for_its_subscription() -> None:
    raw = shape(VERSIONS[-1], "subscription")
    told = raw["data"]["object"]
    assert isinstance(read(raw).fact, SubscriptionSnapshot)
    told["items"]["has_more"] = True
    assert read(raw).fact == FetchRequest("subscription", told["id"])


def test_an_event_is_stale_after_a_day() -> None:
    raw = RECORDINGS["trial_converts"].events[0]
    for late, stale in [(timedelta(days=1), False), (timedelta(days=1, seconds=1), True)]:
        event = read(raw, at(raw["created"]) + late)
        assert isinstance(event.fact, CustomerSnapshot)
        assert isinstance(event.fact.source, FromEvent)
        assert event.fact.source.stale is stale


def test_an_expanded_reference_is_its_id() -> None:
    raw = shape("2026-10-28.endive", "subscription")
    thing = raw["data"]["object"]
    plain = read(raw).fact
    thing["customer"] = {"id": thing["customer"], "object": "customer"}
    thing["default_payment_method"] = {
        "id": thing["default_payment_method"],
        "object": "payment_method",
    }
    thing["items"]["data"][0]["price"]["product"] = {
        "id": thing["items"]["data"][0]["price"]["product"],
        "object": "product",
    }
    assert read(raw).fact == plain


@pytest.mark.parametrize("version", ["2027-01-27.foxglove", "2019-99-99.x", None, "", "tomorrow"])
def test_an_unknown_api_version_is_read_by_its_shape_and_counted(version: str | None) -> None:
    event = read({**shape("2026-10-28.endive", "subscription"), "api_version": version})
    assert isinstance(event.fact, SubscriptionSnapshot)
    assert not event.version_known


@pytest.mark.parametrize("trial_end", [None, "absent"])
def test_without_a_trial_end_there_is_no_trial(trial_end: str | None) -> None:
    raw = shape("2026-10-28.endive", "subscription")
    raw["data"]["object"]["trial_end"] = None
    if trial_end == "absent":
        del raw["data"]["object"]["trial_end"]
    fact = read(raw).fact
    assert isinstance(fact, SubscriptionSnapshot)
    assert fact.subscription.trial_end is None


def broken(**changes: Any) -> dict[str, Any]:
    raw = shape("2026-10-28.endive", "subscription")
    for path, value in changes.items():
        *way, last = path.split("__")
        place = raw
        for step in way:
            place = place[step]
        place[last] = value
    return raw


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"data": null}',
        '{"data": {"object": []}}',
        "[" * 5000,
        json.dumps(broken(id=None)),
        json.dumps(broken(created="now")),
        json.dumps(broken(created=True)),
        json.dumps(broken(created=-5)),
        json.dumps(broken(data__object__status="dormant")),
        json.dumps(broken(data__object__id=7)),
        json.dumps(broken(data__object__customer=None)),
        json.dumps(broken(data__object__items=[1])),
        json.dumps(broken(data__object__trial_end="soon")),
        json.dumps(broken(data__object__object="charge")),
        json.dumps(broken(data__object__pause_collection={"x": 1})),
        json.dumps(broken(data__object__created=None)),
        json.dumps(
            {
                **shape("2026-10-28.endive", "invoice"),
                "data": {"object": {"object": "invoice", "id": "in_1", "status": "lost"}},
            }
        ),
    ],
)
def test_what_no_retry_can_fix_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        read_event(body, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@examples(200)
@given(st.sampled_from(SHAPES), st.data())
def test_whatever_is_broken_in_an_event_it_is_read_or_unreadable_and_nothing_else(
    path: Any, data: st.DataObject
) -> None:
    raw = json.loads(path.read_text())
    place = raw
    for _ in range(data.draw(st.integers(0, 4))):
        inner = [
            value
            for value in (place.values() if isinstance(place, dict) else place)
            if value and isinstance(value, dict | list)
        ]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    key = data.draw(
        st.sampled_from(sorted(place))
        if isinstance(place, dict)
        else st.integers(0, len(place) - 1)
    )
    place[key] = data.draw(json_values)
    with suppress(Unreadable):
        read_event(json.dumps(raw), NOW)


CARD = {
    "id": "pm_1",
    "object": "payment_method",
    "type": "card",
    "customer": "cus_demo",
    "card": {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2027},
}


def event_of(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    raw = shape("2026-10-28.endive", "subscription")
    return {**raw, "type": kind, "data": {"object": thing}}


@pytest.mark.parametrize("kind", ["attached", "updated", "automatically_updated"])
def test_a_card_is_read_from_the_events_of_its_payment_method(kind: str) -> None:
    event = read(event_of(f"payment_method.{kind}", CARD))
    assert event.customer == "cus_demo"
    assert event.fact == CardSnapshot(Card("pm_1", "visa", "4242", 4, 2027), event.created)


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("sepa_debit", {"last4": "3000", "bank_code": "37040044"}),
        ("us_bank_account", {"last4": "3000", "account_type": "checking"}),
        ("bacs_debit", {"last4": "3000", "sort_code": "108800"}),
    ],
)
def test_a_bank_account_is_known_by_its_last_digits_and_does_not_expire(
    kind: str, details: dict[str, str]
) -> None:
    attached = event_of(
        "payment_method.attached", {**CARD, "type": kind, "card": None, kind: details}
    )
    assert read(attached).fact == CardSnapshot(
        Card("pm_1", "", "3000", 0, 0, kind), read(attached).created
    )


def test_a_payment_that_is_under_way_names_its_invoice_in_old_and_new_versions() -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "status": "processing", "customer": "cus_1"}
    for place in ({"invoice": "in_1"}, {"payment_details": {"order_reference": "in_1"}}):
        event = read(event_of("payment_intent.processing", {**intent, **place}))
        assert event.fact == PaymentSnapshot("in_1", "processing", event.created)
        assert event.customer == "cus_1"
    other = read(event_of("payment_intent.processing", {**intent, "payment_details": None}))
    assert other.fact is None


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            {"code": "payment_intent_payment_attempt_failed"},
            "payment_intent_payment_attempt_failed",
        ),
        ({"code": "card_declined", "decline_code": "debit_not_authorized"}, "debit_not_authorized"),
    ],
)
def test_a_debit_that_failed_says_why_and_since_when_it_was_under_way(
    error: dict[str, str], failure: str
) -> None:
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "requires_payment_method",
        "customer": "cus_1",
        "created": 1_773_000_000,
        "payment_details": {"order_reference": "in_1"},
        "last_payment_error": {**error, "payment_method": {"type": "sepa_debit"}},
    }
    event = read(event_of("payment_intent.payment_failed", intent))
    assert event.fact == PaymentSnapshot(
        "in_1", "failed", event.created, failure, at(1_773_000_000)
    )


def test_an_event_of_a_connected_account_is_set_aside_whatever_it_tells() -> None:
    for kind, thing in (("customer.created", {"id": "cus_1", "object": "customer"}), ("x.y", {})):
        event = read({**event_of(kind, thing), "account": "acct_other"})
        assert (event.set_aside, event.fact) == ("EventsOfOthers", None)
    assert read({**event_of("customer.created", {"id": "cus_1", "object": "customer"})}).fact


def test_a_thin_event_is_set_aside() -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.customer.updated",
        "created": "2026-03-02T09:00:00.000Z",
        "livemode": False,
        "related_object": {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"},
    }
    assert read(thin).set_aside == "ThinEvents"


def test_a_payment_method_that_is_neither_card_nor_bank_account_is_ignored() -> None:
    assert (
        read(event_of("payment_method.attached", {**CARD, "type": "paypal", "card": None})).fact
        is None
    )
    assert (
        read(
            event_of(
                "payment_method.attached",
                {**CARD, "card": {"brand": "visa", "exp_month": 13, "exp_year": 2027}},
            )
        ).fact
        is None
    )


def test_only_the_type_of_an_event_says_that_the_bank_asks() -> None:
    raw = shape("2026-10-28.endive", "invoice")
    for kind, asks in (
        ("invoice.payment_failed", False),
        ("invoice.payment_action_required", True),
    ):
        fact = read({**raw, "type": kind}).fact
        assert isinstance(fact, InvoiceSnapshot)
        assert fact.bank_asks is asks


def test_who_canceled_when_and_why_is_read() -> None:
    raw = shape("2026-10-28.endive", "subscription")
    details = {
        "comment": "too dear",
        "feedback": "too_expensive",
        "reason": "cancellation_requested",
    }
    raw["data"]["object"] |= {"canceled_at": raw["created"], "cancellation_details": details}
    fact = read(raw).fact
    assert isinstance(fact, SubscriptionSnapshot)
    assert fact.subscription.canceled_at == at(raw["created"])
    assert fact.subscription.cancellation_details == CancellationDetails(
        "cancellation_requested", "too_expensive", "too dear"
    )
    raw["data"]["object"]["cancellation_details"] = dict.fromkeys(details)
    none = read(raw).fact
    assert isinstance(none, SubscriptionSnapshot)
    assert none.subscription.cancellation_details is None, (
        "Stripe sends the object for every subscription"
    )


def test_an_answer_tells_of_the_cards_that_came_with_it() -> None:
    customer = {
        "id": "cus_demo",
        "object": "customer",
        "invoice_settings": {"default_payment_method": CARD},
    }
    truth = Truth({"cus_demo": customer}, {}, {})
    answered, unreadable = fetch(
        FakeReader(truth), FetchRequest("customer", "cus_demo"), Account("acc_1"), at(1772442000)
    )
    assert unreadable == 0
    account = apply(Account("acc_1"), answered)
    assert account.customers["cus_demo"].value.card == "pm_1"
    assert account.cards["pm_1"].card.last4 == "4242"
