"""What nobody proved and nobody used is erased a month after its trial, here and at Stripe. All
else stays.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import AddressProved, Fact, GrantGiven, MilestoneReached
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.state import CardSnapshot, Grant
from chalicelib.domain.people.deliveries import ERASED as ERASED_THERE
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy, Policy
from chalicelib.domain.schedule.forgetting import forgotten_at
from chalicelib.domain.stripe_objects.objects import Card
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.replan import replan
from tests.fakes.faults import crashing_after
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import BEGIN, DAY, WISH, SimLife, crashes, with_end

ERASED = BEGIN + 44 * DAY
"""30 days after the end of a trial of 14."""

CALLS = 60
"""More than any use case makes."""


def signed_up(policy: Policy = QUIET, confirm: bool = False) -> SimLife:
    life = SimLife(policy)
    life.sign_up(confirm=confirm)
    life.hear()
    return life


def passes(life: SimLife, days: float) -> None:
    """Time passes, whether the account is there or not."""
    life.advance(min(BEGIN + days * DAY, ERASED - timedelta(minutes=1)))
    if days >= 44:
        for minutes in range(0, 120, 10):
            life.place.now.at = ERASED + timedelta(minutes=minutes)
            life.stage.advance(int(life.place.now.at.timestamp()))
            life.hear()
            process_due_account(life.account_id, life.services)
    life.place.now.at = BEGIN + days * DAY


def is_gone(life: SimLife) -> None:
    assert life.place.accounts.items == {}
    assert life.place.timeline.entries == {}
    assert life.place.accounts.owners == {}
    for customer in life.objects("customer"):
        assert customer["deleted"]
    assert all(one["status"] == "canceled" for one in life.objects("subscription"))


@pytest.mark.parametrize("without_card", ["pause", "cancel"])
@pytest.mark.parametrize("confirm", [True, False])
def test_an_account_that_nobody_proved_or_used_is_erased_here_and_at_stripe(
    without_card: str, confirm: bool
) -> None:
    life = signed_up(with_end(without_card), confirm)
    passes(life, 43.9)
    assert forgotten_at(life.account, life.policy) == ERASED
    passes(life, 45)
    is_gone(life)
    assert life.place.metrics["AccountsForgotten"] == 1


def test_who_was_forgotten_signs_up_again_and_has_a_whole_trial() -> None:
    life = signed_up()
    passes(life, 45)
    is_gone(life)
    assert life.sign_up().what == "created"
    assert life.stands() == ("full", "trialing")
    life.hear()
    assert life.place.metrics["EventsOfErased"] == 0


def test_a_signup_that_comes_in_between_keeps_the_account() -> None:
    life = signed_up()
    passes(life, 43.9)
    life.place.now.at = ERASED
    process_due_account(life.account_id, life.services)
    assert life.only("customer")["deleted"]
    assert life.sign_up(replace(WISH, name="Ada King")).what == "known"
    life.hear()
    life.place.now.at = ERASED + 2 * DAY
    process_due_account(life.account_id, life.services)
    assert life.account.due_at == ERASED + 44 * DAY


USES: dict[str, Callable[[SimLife], Fact | None]] = {
    "a pressed button": lambda life: AddressProved(life.place.now.at),
    "a milestone": lambda life: MilestoneReached("connected_data", life.place.now.at),
    "a grant": lambda life: GrantGiven(Grant(life.place.now.at + DAY)),
    "an id of the product": lambda life: ProfileChanged(
        {"external_id": "user-1"}, life.place.now.at, "api"
    ),
    "a card": lambda life: life.gives_card() and None,
    "a card that is no default yet": lambda life: CardSnapshot(
        Card("pm_1", "visa", "4242", 12, 2034), life.place.now.at
    ),
}
"""What makes an account somebody's."""


@pytest.mark.parametrize("use", USES)
def test_what_somebody_proved_or_used_stays(use: str) -> None:
    life = signed_up()
    life.days(3)
    if fact := USES[use](life):
        apply_facts(life.account, [fact], life.services, None)
    life.days(20)
    assert forgotten_at(life.account, QUIET) is None
    life.advance(BEGIN + 60 * DAY)
    assert life.account.id == life.account_id
    assert not life.only("customer").get("deleted")


def deleted_at_stripe(life: SimLife) -> None:
    """The owner deletes the customer in Stripe's dashboard."""
    life.stage.call("DELETE", f"/v1/customers/{life.only('customer')['id']}")
    life.hear()


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_card_uses_the_account_if_it_was_heard_of_before_its_customer_was_deleted(
    is_heard: bool,
) -> None:
    """A customer that is deleted is fetched no more: what was lost before is lost."""
    life = signed_up()
    life.days(3)
    life.stage.gives(life.only("customer")["id"], "tok_visa")
    if is_heard:
        life.hear()
    life.heard = len(life.stage.engine.store.events)
    deleted_at_stripe(life)
    if is_heard:
        assert forgotten_at(life.account, QUIET) is None
        life.advance(BEGIN + 60 * DAY)
        assert life.account.id == life.account_id
    else:
        passes(life, 45)
        is_gone(life)


def test_what_was_paid_for_stays_though_its_customer_was_deleted_at_stripe() -> None:
    life = signed_up()
    life.days(3)
    life.gives_card()
    life.days(20)
    deleted_at_stripe(life)
    assert forgotten_at(life.account, QUIET) is None
    life.advance(BEGIN + 60 * DAY)
    assert life.account.id == life.account_id


def test_an_id_that_came_with_the_signup_keeps_the_account_too() -> None:
    life = SimLife()
    life.sign_up(replace(WISH, external_id="user-1"))
    life.advance(BEGIN + 60 * DAY)
    assert life.account.profile.external_id == "user-1"


def test_nothing_is_erased_that_has_access() -> None:
    life = signed_up(replace(QUIET, trial=replace(QUIET.trial, after_trial="pro")))
    life.advance(BEGIN + 60 * DAY)
    assert life.stands() == ("full", "after_trial")


def test_with_nought_days_nothing_is_erased() -> None:
    assert QUIET.signup
    never = replace(QUIET, signup=replace(QUIET.signup, forget_unproved_days=0))
    life = signed_up(never)
    life.advance(BEGIN + 100 * DAY)
    assert life.account.due_at is None


def test_the_end_of_a_trial_that_was_moved_counts() -> None:
    life = signed_up()
    id = life.only("subscription")["id"]
    life.stage.post(f"/v1/subscriptions/{id}", trial_end=int((BEGIN + 30 * DAY).timestamp()))
    life.hear()
    life.days(31)
    assert forgotten_at(life.account, QUIET) == BEGIN + 60 * DAY


def test_accounts_that_are_there_already_are_planned_once_the_policy_changes() -> None:
    assert QUIET.signup
    never = replace(QUIET, hash="before", signup=replace(QUIET.signup, forget_unproved_days=0))
    life = signed_up(never)
    life.days(30)
    assert life.account.due_at is None
    life.policy = life.place.policy = QUIET
    assert replan(life.services) == 1
    assert life.account.due_at == ERASED


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_it_is_interrupted_it_goes_on_and_all_is_gone(reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = signed_up()
        passes(life, 43.9)
        life.calls = crashing_after(n, reply_lost=reply_lost)
        ended = False
        for minutes in range(0, 200, 10):
            life.place.now.at = ERASED + timedelta(minutes=minutes)
            life.stage.advance(int(life.place.now.at.timestamp()))
            if crashes(lambda: process_due_account(life.account_id, life.services)):  # noqa: B023
                ended, life.calls.crash_at = True, None
            life.hear()
        is_gone(life)
        if not ended:
            return
    raise AssertionError("it makes more calls than that")


def test_who_is_forgotten_is_deleted_in_the_people_system_too() -> None:
    """By its own id, which is read before everything beside the account is cleared."""
    people = PeoplePolicy("intercom", "https://api.intercom.io")
    life = signed_up(replace(QUIET, people=people))
    life.place.persons.save(life.account_id, Person(), Person("c1", digest="d", version=1))
    passes(life, 45)
    assert life.place.accounts.items == {}
    erasures = [one for one in life.place.deliveries.kept.values() if one.type == ERASED_THERE]
    assert {(one.account_id, json.loads(one.body or "")["person"]) for one in erasures} >= {
        (life.account_id, "c1")
    }
