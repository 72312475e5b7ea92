"""Signing up: on trial at once, whatever Stripe does; and at Stripe one customer and one
subscription, wherever anything ends.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from tests.fakes.faults import crashing_after
from tests.fakes.grids import grid
from tests.fakes.services import proving
from tests.fakes.simulated_lifecycles import BEGIN, DAY, WISH, SimLife, crashes

FAULTS = ("timeout_before", "timeout_after", "402", "409", "429", "500", "500_after", "503")
CALLS = 60
"""More than any use case makes."""


def begun_once(life: SimLife) -> None:
    """One customer, one trial, and both sides of one mind about it."""
    subscription, customer = life.only("subscription"), life.only("customer")
    assert subscription["metadata"] == customer["metadata"] == proving(life.account_id)
    assert subscription["status"] == "trialing"
    assert subscription["trial_end"] == int((BEGIN + 14 * DAY).timestamp())
    assert life.stands() == ("full", "trialing")
    assert set(life.account.customers) == {customer["id"]}
    assert set(life.account.subscriptions) == {subscription["id"]}
    assert life.account.errands["trial"].done_at


def test_a_visitor_is_on_trial_and_stripe_knows() -> None:
    life = SimLife()
    outcome = life.sign_up()
    assert outcome.what == "created"
    begun_once(life)
    life.hear()
    begun_once(life)
    assert (
        life.only("subscription")["trial_settings"]["end_behavior"]["missing_payment_method"]
        == "pause"
    )


def test_with_stripe_down_the_visitor_is_in_and_the_trial_starts_later_with_the_same_end() -> None:
    life = SimLife().fault("timeout_before", 8)
    life.sign_up()
    assert life.stands() == ("full", "trial_starting")
    assert life.objects("subscription") == []
    life.advance(BEGIN + timedelta(hours=8))
    begun_once(life)


@pytest.mark.parametrize(
    ("path", "how", "times"), grid(["/v1/customers", "/v1/subscriptions"], FAULTS, [1, 2, 3])
)
def test_whatever_stripe_answers_there_is_one_trial_in_the_end(
    how: str, path: str, times: int
) -> None:
    life = SimLife().fault(how, times, path)
    life.sign_up()
    assert life.standing.access == "full"
    life.days(2)
    begun_once(life)


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_a_signup_ends_nothing_is_lost_and_nothing_is_twice(reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = SimLife(calls=crashing_after(n, reply_lost=reply_lost))
        ended = crashes(life.sign_up)
        if not ended:
            assert n > 4
            return
        life.calls.crash_at = None
        stored = list(life.place.accounts.items)
        if not stored:  # the visitor has had no answer, and tries again
            life.sign_up()
        else:
            (life.account_id,) = stored
        life.days(2)
        begun_once(life)
        assert len(life.place.accounts.items) == 1
    raise AssertionError("a signup makes more calls than that")


def test_the_stored_failure_under_a_key_does_not_hold_the_trial_up_for_ever() -> None:
    life = SimLife().fault("500", 1, "/v1/subscriptions")
    life.sign_up()
    assert life.account.errands["trial"].doubtful
    life.minutes(10)
    begun_once(life)
    assert life.account.errands["trial"].generation == 1


def test_a_500_after_it_was_done_makes_no_second_subscription() -> None:
    life = SimLife().fault("500_after", 1, "/v1/subscriptions")
    life.sign_up()
    assert len(life.objects("subscription")) == 1
    life.days(1)
    begun_once(life)


def test_a_key_older_than_a_day_is_not_relied_on() -> None:
    life = SimLife()
    life.fault("timeout_after", 2, "/v1/customers")
    life.fault("timeout_before", 200, "/v1/customers")
    life.sign_up()
    assert len(life.objects("customer")) == 1
    life.days(1.5)
    life.stage.api.faults.clear()
    life.days(2.5)
    begun_once(life)


def test_a_trial_that_stripe_never_heard_of_ends_at_its_second_all_the_same() -> None:
    life = SimLife().fault("timeout_before", 10_000)
    life.sign_up()
    life.days(13.99)
    assert life.stands() == ("full", "trial_starting")
    life.days(14)
    assert life.stands() == ("none", "trial_expired")
    life.stage.api.faults.clear()
    life.days(16)
    assert life.objects("subscription") == []


def test_the_second_trial_of_a_person_is_refused_however_the_address_is_written() -> None:
    """21."""
    life = SimLife()
    life.sign_up(replace(WISH, email="ada.byron@gmail.com"))
    first = life.account_id
    for email in ("ADA.BYRON@gmail.com", "adabyron@googlemail.com", "ada.byron+second@gmail.com"):
        assert life.sign_up(replace(WISH, email=email)).what == "known"
    assert life.sign_up(replace(WISH, email="other@example.com")).what == "created"
    assert len(life.place.accounts.items) == 2
    assert life.place.accounts.load(first)


def test_one_external_id_has_one_trial_and_nobody_has_mail_sent_to_others_by_it() -> None:
    life = SimLife()
    life.sign_up(replace(WISH, external_id="user-1"))
    assert (
        life.sign_up(replace(WISH, email="mallory@example.com", external_id="user-1")).what
        == "known"
    )
    assert life.account.sign_in_asked_at is None


def test_one_sign_in_mail_in_a_quarter_of_an_hour() -> None:
    life = SimLife()
    life.sign_up()
    for _ in range(5):
        life.sign_up()
    first = life.account.sign_in_asked_at
    assert first == BEGIN
    life.minutes(15)
    life.sign_up()
    assert life.account.sign_in_asked_at == first + timedelta(minutes=15)


def test_who_canceled_and_comes_back_gets_no_second_trial() -> None:
    """21."""
    life = SimLife()
    life.sign_up()
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.hear()
    assert life.stands() == ("none", "canceled")
    assert life.sign_up().what == "known"
    assert len(life.objects("subscription")) == 1


def test_a_signup_to_be_confirmed_begins_when_the_address_is_proved() -> None:
    life = SimLife()
    life.sign_up(confirm=True)
    assert life.stands() == ("none", "unconfirmed")
    assert life.objects("customer") == []
    life.days(3)
    assert life.objects("customer") == []
    apply_facts(
        life.account,
        [AddressProved(life.place.now.at)],
        life.services,
        StripeFetcher(life.services),
    )
    assert life.stands() == ("full", "trial_starting")
    life.minutes(3)
    assert life.only("subscription")["trial_end"] == int((BEGIN + 17 * DAY).timestamp())


@pytest.mark.parametrize("written", [True, False])
def test_a_signup_that_meets_another_tab_writing_at_that_very_moment_is_tried_again(
    written: bool,
) -> None:
    """DynamoDB then says that the transactions were in conflict, and not whose account it is; so it
    looks after a lost reply, too.
    """
    life = SimLife()
    save, raced = life.place.accounts.save, []

    def racing(old: object, new: object) -> None:
        if raced:
            return save(old, new)
        raced.append(True)
        if written:
            save(old, new)
        raise ConcurrentUpdate("TransactionConflict")

    life.place.accounts.save = racing  # type: ignore[method-assign]
    assert life.sign_up().what == "created"
    begun_once(life)


def test_without_the_table_there_is_no_signup_and_the_visitor_is_told() -> None:
    life = SimLife()

    def down(*_: object) -> None:
        raise Unavailable("The table does not answer.")

    life.place.accounts.save = down  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        life.sign_up()
    assert life.objects("customer") == []
