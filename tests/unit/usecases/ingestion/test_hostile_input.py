"""Values of the wrong type wherever something is projected, a Stripe that refuses or is down: only
what is to blame suffers.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.items import account_item, account_of
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.errors import Refused
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Truth
from tests.fakes.grids import examples
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, at
from tests.fakes.stripe.reader import FakeReader, reading
from tests.unit.usecases.ingestion.test_ingest_recordings import messages

TRIAL = RECORDINGS["trial_converts"]
CREATED, PAID, SUBSCRIBED, CARD_ADDED = (
    TRIAL.events[0],
    TRIAL.events[3],
    TRIAL.events[4],
    TRIAL.events[6],
)
CUSTOMER, SUBSCRIPTION, INVOICE = (
    event["data"]["object"]["id"] for event in (CREATED, SUBSCRIBED, PAID)
)
Way = tuple[str | int, ...]

MARK = "31337"
"""In every hostile value, and in no reason."""

PRICE: Way = ("items", "data", 0, "price")
HOSTILE_CUSTOMERS: list[tuple[Way, Any]] = [
    (("name",), f"{MARK}\ud83d"),
    (("name",), {"first": MARK}),
    (("email",), [MARK]),
    (("invoice_settings",), MARK),
    (("invoice_settings", "default_payment_method"), int(MARK)),
    (("default_source",), [[[MARK]]]),
]
HOSTILE_SUBSCRIPTIONS: list[tuple[Way, Any]] = [
    (("status",), int(MARK)),
    (("status",), MARK),
    (("items",), [[MARK]]),
    (("items", "data"), [MARK]),
    (("items", "data"), {"0": MARK}),
    (("items", "data", 0, "quantity"), MARK),
    (("items", "data", 0, "current_period_end"), MARK),
    (("items", "data", 0, "current_period_end"), int(MARK) * 10**300),
    ((*PRICE, "id"), {"id": MARK}),
    ((*PRICE, "product"), {"id": int(MARK)}),
    ((*PRICE, "lookup_key"), int(MARK)),
    ((*PRICE, "unit_amount"), float(MARK) + 0.5),
    ((*PRICE, "unit_amount"), int(MARK) * 10**12),
    ((*PRICE, "unit_amount"), float("nan")),
    ((*PRICE, "recurring"), MARK),
    ((*PRICE, "recurring", "interval_count"), [int(MARK)]),
    (("trial_end",), -int(MARK)),
    (("cancel_at",), {"at": MARK}),
    (("discounts",), [[MARK]]),
    (("discounts",), [int(MARK)]),
    (("pause_collection",), MARK),
    (("pause_collection",), {"behavior": int(MARK)}),
    (("default_payment_method",), {"id": int(MARK)}),
]
HOSTILE_INVOICES: list[tuple[Way, Any]] = [
    (("status",), MARK),
    (("amount_due",), MARK),
    (("amount_paid",), int(MARK) * 10**12),
    (("attempt_count",), float(MARK)),
    (("currency",), int(MARK)),
    (("next_payment_attempt",), MARK),
    (("status_transitions",), [MARK]),
    (("parent",), MARK),
    (("hosted_invoice_url",), [MARK]),
]
HOSTILE_BELONGINGS: list[tuple[Way, Any]] = [
    (("customer",), {"id": int(MARK)}),
    (("customer",), [[MARK]]),
    (("id",), int(MARK)),
]
HOSTILE_ENVELOPES: list[tuple[Way, Any]] = [
    (("id",), int(MARK)),
    (("type",), [MARK]),
    (("api_version",), int(MARK)),
    (("created",), MARK),
    (("created",), int(MARK) * 10**12),
    (("livemode",), MARK),
    (("data",), MARK),
    (("data", "object"), [MARK]),
    (("data", "object", "object"), MARK),
    (("data", "previous_attributes"), MARK),
    (("data", "previous_attributes"), {"invoice_settings": MARK}),
]
HOSTILE_EVENTS = [
    *((CREATED, ("data", "object", *way), value) for way, value in HOSTILE_CUSTOMERS),
    *(
        (SUBSCRIBED, ("data", "object", *way), value)
        for way, value in HOSTILE_SUBSCRIPTIONS + HOSTILE_BELONGINGS
    ),
    *(
        (PAID, ("data", "object", *way), value)
        for way, value in HOSTILE_INVOICES + HOSTILE_BELONGINGS
    ),
    *((CARD_ADDED, way, value) for way, value in HOSTILE_ENVELOPES),
]


def put(thing: Any, way: Way, value: Any) -> Any:
    """The same thing with another value at the end of the way."""
    if not way:
        return value
    changed = dict(thing) if isinstance(thing, dict) else list(thing)
    changed[way[0]] = put(
        changed[way[0]] if isinstance(changed, list) else changed.get(way[0]), way[1:], value
    )
    return changed


def assert_readable(accounts: MemoryAccounts) -> None:
    """Every account can be read, written, read again and used."""
    for id in accounts.items:
        account = accounts.load(id)
        assert account
        assert account_of(account_item(account)) == account
        assert standing(account, POLICY, at(CARD_ADDED["created"])).access


@pytest.fixture
def known(place: FakeServices) -> FakeServices:
    """A place that knows the customer of the trial, at the time when its card is added."""
    place.stripe.reader.truth, place.now.at = TRIAL.truth(1), at(CREATED["created"])
    ingest(messages([CREATED]), place.services)
    place.stripe.reader.truth, place.now.at = TRIAL.truth(7), at(CARD_ADDED["created"])
    return place


def take_in_beside_neighbours(place: FakeServices, body: str) -> tuple[str, dict[str, str]]:
    """The effect of a message and those of its neighbours, which are the
    subscription and the card."""
    outcomes = ingest(
        [
            Message("before", json.dumps(SUBSCRIBED)),
            Message("it", body),
            Message("after", json.dumps(CARD_ADDED)),
        ],
        place.services,
    )
    effects = {outcome.message: outcome.effect for outcome in outcomes}
    assert len(outcomes) == 3
    return effects.pop("it"), effects


@pytest.mark.parametrize(("event", "way", "value"), HOSTILE_EVENTS)
def test_an_event_with_a_value_of_the_wrong_type_is_dead_and_its_neighbours_live(
    known: FakeServices, event: dict[str, Any], way: Way, value: Any
) -> None:
    body = json.dumps(put(event, way, value))
    assert take_in_beside_neighbours(known, body) == (
        "dead_lettered",
        {"before": "applied", "after": "applied"},
    )
    ((letter, attributes),) = known.dead_letters.messages
    assert letter == body
    assert attributes["code"] == "unreadable"
    assert MARK not in attributes["reason"]
    assert_readable(known.accounts)
    assert known.accounts.only().subscriptions[SUBSCRIPTION].value.status == "trialing"
    assert known.accounts.only().customers[CUSTOMER].value.card


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(
    "way",
    [
        ("data", "object", "metadata"),
        ("data", "previous_attributes"),
        ("data", "object", "invoice_settings"),
    ],
)
def test_an_event_nested_beyond_measure_is_dead_and_its_neighbours_live(
    known: FakeServices, way: Way, depth: int
) -> None:
    body = json.dumps(put(CARD_ADDED, way, MARK)).replace(
        f'"{MARK}"', '{"a":' * depth + "1" + "}" * depth
    )
    assert take_in_beside_neighbours(known, body) == (
        "dead_lettered",
        {"before": "applied", "after": "applied"},
    )
    assert_readable(known.accounts)


def test_what_is_null_is_not_there(known: FakeServices) -> None:
    """A subscription without items is odd, but can be read."""
    known.now.at = at(SUBSCRIBED["created"])
    body = json.dumps(
        put(
            {**SUBSCRIBED, "id": "evt_null"},
            ("data", "object"),
            {**SUBSCRIBED["data"]["object"], "id": "sub_null", "items": None},
        )
    )
    assert take_in_beside_neighbours(known, body)[0] == "applied"
    # Without items it has no plan, so it is not this product's.
    assert known.accounts.only().others["sub_null"].value.items == ()
    assert_readable(known.accounts)


def ask_all(place: FakeServices) -> None:
    """Let the account wait for all that Stripe holds of its customer."""
    account = place.accounts.only()
    for what in ("customer", "subscriptions", "invoices"):
        account = account.with_fetch(FetchRequest(what, CUSTOMER))
    place.accounts.items[account.id] = account_item(account)


def beside(things: dict[str, Any], id: str, way: Way, value: Any) -> dict[str, Any]:
    """The same things, and before them an odd one made of one of them."""
    return {"odd": put({**things[id], "id": f"{id}_odd"}, way, value), **things}


@pytest.mark.parametrize(("way", "value"), HOSTILE_SUBSCRIPTIONS)
def test_a_subscription_in_an_answer_that_cannot_be_read_is_skipped_and_counted(
    known: FakeServices, way: Way, value: Any
) -> None:
    truth = TRIAL.truth(7)
    assert_the_rest_is_learnt(
        known,
        Truth(
            truth.customers, beside(truth.subscriptions, SUBSCRIPTION, way, value), truth.invoices
        ),
    )


@pytest.mark.parametrize(("way", "value"), HOSTILE_INVOICES)
def test_an_invoice_in_an_answer_that_cannot_be_read_is_skipped_and_counted(
    known: FakeServices, way: Way, value: Any
) -> None:
    truth = TRIAL.truth(7)
    assert_the_rest_is_learnt(
        known,
        Truth(truth.customers, truth.subscriptions, beside(truth.invoices, INVOICE, way, value)),
    )


@pytest.mark.parametrize(("way", "value"), HOSTILE_CUSTOMERS)
def test_a_customer_in_an_answer_that_cannot_be_read_is_skipped_and_counted(
    known: FakeServices, way: Way, value: Any
) -> None:
    truth = TRIAL.truth(5)
    assert_the_rest_is_learnt(
        known,
        Truth(
            {CUSTOMER: put(truth.customers[CUSTOMER], way, value)},
            truth.subscriptions,
            truth.invoices,
        ),
    )


def assert_the_rest_is_learnt(known: FakeServices, truth: Truth) -> None:
    known.stripe.reader.truth = truth
    ask_all(known)
    (outcome,) = ingest(messages([CREATED]), known.services)
    assert (outcome.effect, outcome.failure) == ("applied", None)
    assert known.metrics["AnswersUnreadable"] == 1
    account = known.accounts.only()
    assert (set(account.customers), set(account.subscriptions), set(account.invoices)) == (
        {CUSTOMER},
        {SUBSCRIPTION},
        {INVOICE},
    )
    assert account.asks == ()
    assert known.dead_letters.messages == []
    assert_readable(known.accounts)


def ways_of(thing: Any, way: Way = ()) -> list[Way]:
    """The ways to everything within a thing, and to itself."""
    inner = (
        thing.items()
        if isinstance(thing, dict)
        else enumerate(thing)
        if isinstance(thing, list)
        else ()
    )
    return [way, *(found for key, value in inner for found in ways_of(value, (*way, key)))]


EVERYWHERE = [
    (name, place, way)
    for name, recording in RECORDINGS.items()
    for place, event in enumerate(recording.events)
    for way in ways_of(event)
]
ANY_TEXT = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["\ud83d", "\x00", "2", "customer", "canceled", "x" * 300]
)
ANY_NUMBER = st.integers() | st.floats() | st.sampled_from([2**36, 2**53, -(2**63), 10**400])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | ANY_NUMBER | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            ANY_TEXT | st.sampled_from(["id", "data", "account_id"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


@examples(400, derandomize=True)
@given(st.sampled_from(EVERYWHERE), ANY_JSON)
def test_any_one_value_of_any_event_may_be_anything(
    where: tuple[str, int, Way], value: Any
) -> None:
    name, number, way = where
    recording, place = RECORDINGS[name], FakeServices()
    place.stripe.reader.truth, place.now.at = recording.truth(1), at(recording.start)
    ingest(messages([recording.events[0]]), place.services)
    place.stripe.reader.truth, place.now.at = (
        recording.truth(),
        at(recording.events[number]["created"]),
    )
    neighbours = (
        recording.events[max(0, number - 2) : number] + recording.events[number + 1 : number + 3]
    )
    batch = [
        Message("it", json.dumps(put(recording.events[number], way, value))),
        *messages(neighbours),
    ]
    effects = {outcome.message: outcome.effect for outcome in ingest(batch, place.services)}
    assert effects.pop("it") != "retry"
    assert len(effects) == len(neighbours)
    assert set(effects.values()) <= {"applied", "unchanged", "ignored"}
    assert_readable(place.accounts)


@dataclass
class Refusing(FakeReader):
    """A reader whose key may not read everything."""

    refused: str = ""

    def _answer(self, question: str, found: Any) -> Any:
        if self.refused in question.partition(" of ")[0].split("-and-") or question.startswith(
            f"{self.refused} "
        ):
            self.asked.append(question)
            raise Refused("Stripe refuses a question (403): may the key read it?")
        return super()._answer(question, found)


@pytest.mark.parametrize("what", ["customer", "subscriptions", "invoices"])
def test_a_question_that_stripe_refuses_leaves_the_others_asked_and_is_counted(
    known: FakeServices, what: str
) -> None:
    ask_all(known)
    known.stripe = reading(Refusing(TRIAL.truth(7), refused=what))
    (outcome,) = ingest(messages([CREATED]), known.services)
    assert (outcome.effect, outcome.failure) == ("applied", None)
    assert Counter(question.split()[0] for question in known.stripe.reader.asked) == {
        "subscriptions-and-customer": 1,
        "invoices": 1,
        # The key may read one of the two, or neither: only calls of their own can tell.
        **({} if what == "invoices" else {"customer": 1, "subscriptions": 1}),
    }
    assert known.metrics["AsksRefused"] == 1
    assert (+known.metrics).keys() == {"AsksRefused"}
    account = known.accounts.only()
    assert account.asks == (FetchRequest(what, CUSTOMER),)
    assert bool(account.customers[CUSTOMER].value.card) is (what != "customer")
    assert bool(account.subscriptions) is (what != "subscriptions")
    assert bool(account.invoices) is (what != "invoices")


def test_an_account_of_which_stripe_refuses_to_tell_does_not_keep_another_from_learning(
    known: FakeServices,
) -> None:
    """The subscription is heard of a day late, so only Stripe could say whether it still is so."""
    other = RECORDINGS["buys_without_trial"].renamed("b")
    known.stripe.reader.truth = other.truth(1)
    ingest(messages(other.events[:1]), known.services)
    known.stripe = reading(Refusing(other.truth(), refused=f"subscription {SUBSCRIPTION}"))
    effects = {
        outcome.effect for outcome in ingest(messages([SUBSCRIBED, *other.events]), known.services)
    }
    assert effects <= {"applied", "ignored"}
    assert known.metrics["AsksRefused"] == 1
    refused, updated = known.accounts.load("acct_demo"), known.accounts.load(other.account_id or "")
    assert refused
    assert refused.asks == (FetchRequest("subscription", SUBSCRIPTION),)
    assert updated
    assert updated.subscriptions


def test_with_stripe_down_many_adoptions_cost_one_question_and_known_accounts_learn(
    known: FakeServices,
) -> None:
    known.stripe.reader.asked.clear()
    known.stripe.reader.down = True
    strangers = [
        RECORDINGS["buys_without_trial"].renamed(f"s{number}").events[0] for number in range(10)
    ]
    outcomes = ingest(messages([*strangers[:5], CARD_ADDED, *strangers[5:]]), known.services)
    effects = {outcome.message: outcome.effect for outcome in outcomes}
    assert effects.pop("m5") == "applied"
    assert set(effects.values()) == {"retry"}
    assert len(known.stripe.reader.asked) == 1
    assert known.accounts.only().customers[CUSTOMER].value.card
    known.stripe.reader.down = False
    known.stripe.reader.truth = Truth(
        {event["data"]["object"]["id"]: event["data"]["object"] for event in strangers}, {}, {}
    )
    assert {outcome.effect for outcome in ingest(messages(strangers), known.services)} == {
        "applied"
    }
    assert len(known.accounts.items) == 11


@pytest.mark.parametrize(("way", "value"), HOSTILE_CUSTOMERS)
def test_a_customer_that_cannot_be_read_is_adopted_by_what_its_events_tell(
    place: FakeServices, way: Way, value: Any
) -> None:
    truth = TRIAL.truth(5)
    place.stripe.reader.truth = Truth(
        {CUSTOMER: put(truth.customers[CUSTOMER], way, value)}, truth.subscriptions, truth.invoices
    )
    assert {outcome.effect for outcome in ingest(messages(TRIAL.events[:5]), place.services)} == {
        "applied"
    }
    assert place.metrics["AnswersUnreadable"] == 1
    assert standing(place.accounts.only(), POLICY, place.now()).access == "full"
