"""Purchases that were begun and not paid, as many as an account keeps: they are in nobody's way."""

from chalicelib.domain.bounds import most
from tests.fakes.adopted_lives import AdoptedLife


def test_the_one_of_many_begun_purchases_that_is_paid_gives_access() -> None:
    life = AdoptedLife()
    begun = [
        life.sells(payment_behavior="default_incomplete") for _ in range(most("subscriptions"))
    ]
    assert len(life.account.subscriptions) == most("subscriptions")
    assert life.days(0.1).stands == ("none", "payment_incomplete")
    bought = life.gives("tok_visa").sells()
    assert life.stands == ("full", "active")
    assert len(life.account.subscriptions) == most("subscriptions")
    assert life.days(2).stands == ("full", "active")
    assert bought in life.account.subscriptions
    assert {life.stage.status(one) for one in begun} == {"incomplete_expired"}


def test_one_purchase_more_that_is_only_begun_makes_none_room() -> None:
    life = AdoptedLife()
    first, *_ = [life.sells(payment_behavior="default_incomplete") for _ in range(20)]
    late = life.sells(payment_behavior="default_incomplete")
    assert first in life.account.subscriptions
    assert late not in life.account.subscriptions
