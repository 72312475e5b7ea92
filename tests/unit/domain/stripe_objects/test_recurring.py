"""What a subscription brings in a month: exactly, whatever its interval, items and discounts."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.rules.revenue import ending
from chalicelib.domain.stripe_objects.objects import Item, PauseCollection, Subscription
from chalicelib.domain.stripe_objects.recurring import (
    DiscountTerms,
    RecurringChange,
    monthly,
    named_discounts,
    recurring,
    unpriced,
)
from chalicelib.values import replace

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONTHLY = Item("price_1", amount=4900, currency="usd", interval="month", quantity=1)
ONE = Subscription("sub_1", "cus_1", "active", T, (MONTHLY,))
FIFTH = DiscountTerms(T, T, "forever", percent_off="20")


def of(one: Subscription, metered: bool = False, **discounts: DiscountTerms) -> dict[str, Fraction]:
    return monthly(recurring(one), discounts, T + timedelta(days=1), metered=metered)


def item(**changes: object) -> Subscription:
    return replace(ONE, items=(replace(MONTHLY, **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "amount"),
    [
        (ONE, 4900),
        (item(quantity=3), 14700),
        (item(interval="year"), Fraction(4900, 12)),
        (item(interval_count=3), Fraction(4900, 3)),
        (item(interval="week"), Fraction(4900 * 52, 12)),
        (item(interval="week", interval_count=2), Fraction(4900 * 26, 12)),
        (item(interval="day"), Fraction(4900 * 365, 12)),
        (item(amount=None, amount_decimal="0.05", quantity=1000), 50),
        (replace(ONE, status="past_due"), 4900),
    ],
)
def test_an_interval_is_made_a_month(one: Subscription, amount: Fraction | int) -> None:
    assert of(one) == {"usd": amount}


@pytest.mark.parametrize(
    "status", ["trialing", "incomplete", "incomplete_expired", "unpaid", "paused", "canceled"]
)
def test_other_states_bring_in_nothing(status: str) -> None:
    assert recurring(replace(ONE, status=status)) == ""


def test_paused_collection_brings_in_nothing() -> None:
    assert recurring(replace(ONE, pause_collection=PauseCollection("void"))) == ""


@pytest.mark.parametrize(
    ("quantity", "rounds_up", "packages"),
    [(10, True, 2), (11, True, 3), (11, False, 2), (4, False, 0)],
)
def test_a_price_for_a_package_counts_once_for_each(
    quantity: int, rounds_up: bool, packages: int
) -> None:
    one = item(quantity=quantity, package=5, rounds_up=rounds_up)
    assert of(one) == ({"usd": 4900 * packages} if packages else {})


def test_the_tax_in_a_price_does_not_count() -> None:
    taxed = item(amount=12000, inclusive_tax="20")
    assert of(taxed) == {"usd": 10000}
    assert of(item(amount=12000, inclusive_tax="9.975")) == {"usd": Fraction(12000_00000, 109975)}
    assert of(replace(taxed, discounts=("di_1",)), di_1=FIFTH) == {"usd": 8000}
    amount = DiscountTerms(T, T, "forever", amount_off=1200, currency="usd")
    assert of(replace(taxed, discounts=("di_1",)), di_1=amount) == {"usd": 9000}
    on_item = replace(taxed, items=(replace(taxed.items[0], discounts=("di_1",)),))
    assert of(on_item, di_1=amount) == {"usd": 9000}
    assert named_discounts(recurring(on_item)) == ("di_1",)
    beside = replace(taxed, items=(*taxed.items, replace(MONTHLY, amount=6000)))
    assert of(beside) == {"usd": 16000}
    assert of(replace(beside, discounts=("di_1",)), di_1=FIFTH) == {"usd": 12800}


def test_a_metered_price_counts_by_policy() -> None:
    one = item(metered=True, quantity=None)
    assert of(one) == {}
    assert of(one, metered=True) == {"usd": 4900}


def test_a_tiered_price_counts_nothing_and_is_named() -> None:
    one = replace(ONE, items=(MONTHLY, replace(MONTHLY, price="price_2", amount=None)))
    assert of(one) == {"usd": 4900}
    assert unpriced(recurring(one)) == ("price_2",)


@pytest.mark.parametrize(
    ("terms", "amount"),
    [
        (FIFTH, 3920),
        (replace(FIFTH, percent_off="33.3"), Fraction("3268.3")),
        (replace(FIFTH, percent_off="100"), 0),
        (replace(FIFTH, duration="once"), 4900),
        (replace(FIFTH, duration=None), 4900),
        (replace(FIFTH, duration="repeating", end=T + timedelta(days=60)), 3920),
        (replace(FIFTH, duration="repeating", end=T + timedelta(hours=1)), 4900),
        (replace(FIFTH, start=T + timedelta(days=2)), 4900),
        (DiscountTerms(T, T, "forever", amount_off=500, currency="usd"), 4400),
        (DiscountTerms(T, T, "forever", amount_off=9900, currency="usd"), 0),
        (DiscountTerms(T, T, "forever", amount_off=500, currency="eur"), 4900),
    ],
)
def test_a_discount_that_lasts_comes_off(terms: DiscountTerms, amount: Fraction | int) -> None:
    assert of(replace(ONE, discounts=("di_1",)), di_1=terms) == {"usd": amount}
    on_item = replace(ONE, items=(replace(MONTHLY, discounts=("di_1",)),))
    assert of(on_item, di_1=terms) == {"usd": amount}


def test_an_amount_off_is_for_each_invoice() -> None:
    terms = DiscountTerms(T, T, "forever", amount_off=1200, currency="usd")
    one = replace(item(interval="year", amount=49000), discounts=("di_1",))
    assert of(one, di_1=terms) == {"usd": Fraction(49000 - 1200, 12)}


def test_a_discount_of_the_customer_is_for_subscriptions_without_one_of_their_own() -> None:
    wide, own = replace(FIFTH, customer="cus_1"), replace(FIFTH, percent_off="50")
    assert of(ONE, di_1=wide) == {"usd": 3920}
    assert of(replace(ONE, discounts=("di_2",)), di_1=wide, di_2=own) == {"usd": 2450}
    text = recurring(ONE)
    assert monthly(text, {"di_1": wide}, T + timedelta(days=1), "cus_2") == {"usd": 4900}


def test_a_customer_has_one_discount_at_a_time() -> None:
    old = replace(FIFTH, customer="cus_1")
    new = replace(old, start=T + timedelta(hours=3), percent_off="30")
    assert of(ONE, di_2=old, di_1=new) == {"usd": 3430}
    once = replace(new, duration="once")
    assert of(ONE, di_2=old, di_1=once) == {"usd": 4900}
    later = replace(new, start=T + timedelta(days=9))
    assert of(ONE, di_2=old, di_1=later) == {"usd": 3920}
    over = replace(new, end=T + timedelta(hours=5))
    assert of(ONE, di_2=old, di_1=over) == {"usd": 4900}


def test_a_discount_that_an_item_names_is_not_for_all_that_the_customer_has() -> None:
    """Before basil its event does not say whose item it is for."""
    on_item = replace(FIFTH, customer="cus_1")
    one = replace(ONE, items=(replace(MONTHLY, discounts=("di_1",)),))
    assert of(one, di_1=on_item) == {"usd": 3920}


def test_the_discounts_of_a_text_are_named() -> None:
    one = replace(ONE, items=(replace(MONTHLY, discounts=("di_1",)),), discounts=("di_2", "di_3"))
    assert named_discounts(recurring(one)) == ("di_1", "di_2", "di_3")


@given(
    st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=2, max_size=8),
    st.lists(st.integers(0, 3), min_size=8, max_size=8),
    st.randoms(use_true_random=False),
)
def test_changes_in_any_order_end_in_the_last_state(
    states: list[str], gaps: list[int], random: object
) -> None:
    """Each pair of states within a second is seen once: more cannot be told apart."""
    path, seconds, second, seen = [""], [], 0, set[tuple[int, str, str]]()
    for state, gap in zip(states, gaps, strict=False):
        second += gap
        step = (second, path[-1], state)
        if state == path[-1] or any(state == known[2] for known in seen if known[0] == second):
            continue
        if any(state == known[1] for known in seen if known[0] == second):
            continue
        seen.add(step)
        path.append(state)
        seconds.append(second)
    changes = [
        RecurringChange(T + timedelta(seconds=at), before, after)
        for at, before, after in zip(seconds, path, path[1:], strict=False)
    ]
    random.shuffle(changes)  # type: ignore[attr-defined]
    assert ending(tuple(sorted(changes, key=lambda one: one.at))) == path[-1]
