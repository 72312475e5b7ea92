"""A changed address reaches the table, the pointers and Stripe, wherever the change is
interrupted, and before and beside the customer's creation.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.account.rules.profile import profile_operations
from chalicelib.domain.errors import Unavailable
from chalicelib.usecases.accounts.profile import change_profile
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.simulated_lifecycles import SimLife

OLD, NEW = "ada@example.com", "ada@new.example"


def on_trial() -> SimLife:
    life = SimLife()
    life.sign_up()
    life.hear()
    return life


def change(life: SimLife, email: str = NEW) -> None:
    change_profile(life.account_id, {"email": email}, life.services)


def assert_moved(life: SimLife) -> None:
    """The account and Stripe's one customer have the new address, and the old one leads nowhere."""
    life.calls = OutsideCalls()
    life.advance(life.place.now.at + timedelta(hours=3))
    life.hear()
    account = life.account
    assert account.email == NEW
    assert life.place.accounts.with_email(NEW) == [account]
    assert life.place.accounts.with_email(OLD) == []
    assert life.only("customer")["email"] == NEW
    assert not profile_operations(account)
    assert account.profile_changes["email"].by == "api"


@pytest.mark.parametrize("reply_lost", [True, False])
@pytest.mark.parametrize("repeated", [True, False])
def test_a_change_interrupted_after_any_call_ends_the_same(
    reply_lost: bool, repeated: bool
) -> None:
    counted = on_trial()
    counted.calls = OutsideCalls()
    change(counted)
    assert len(counted.calls.made) >= 4
    saved = counted.calls.made.index("accounts.save") + 1
    for n in range(1, len(counted.calls.made) + 1):
        life = on_trial()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        with pytest.raises(Crash):
            change(life)
        life.calls = OutsideCalls()
        if repeated or n < saved or (n == saved and not reply_lost):
            change(life)
        assert_moved(life)


def test_a_change_before_stripe_knows_the_customer_reaches_it_with_the_customer() -> None:
    life = SimLife().fault("503", times=50)
    life.sign_up()
    change(life)
    assert life.objects("customer") == []
    life.stage.api.faults.clear()
    assert_moved(life)


def test_a_customer_whose_creation_was_not_answered_is_found_by_the_address_that_was_typed() -> (
    None
):
    life = SimLife().fault("timeout_after", times=50, path="/v1/customers")
    life.sign_up()
    change(life)
    life.stage.api.faults.clear()
    assert_moved(life)


def test_an_answer_that_never_came_is_asked_for_again_under_another_key() -> None:
    life = on_trial().fault("500_after", times=50, path="/v1/customers")
    change(life)
    life.stage.api.faults.clear()
    assert_moved(life)


def test_of_two_changes_that_waited_for_stripe_the_newer_stays() -> None:
    life = on_trial().fault("503", times=50)
    change(life, "ada@between.example")
    life.advance(life.place.now.at + timedelta(seconds=5))
    change(life)
    life.stage.api.faults.clear()
    assert_moved(life)


def test_a_table_that_does_not_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    life = on_trial()
    before = life.account

    def fail(*_: object) -> None:
        raise Unavailable("DynamoDB gives no answer now.")

    monkeypatch.setattr(life.place.accounts, "save", fail)
    with pytest.raises(Unavailable):
        change(life)
    assert (life.account, life.only("customer")["email"]) == (before, OLD)
