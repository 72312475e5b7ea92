"""An account taken back: under a new epoch, with what was done since kept, and no mail twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.facts import (
    AddressProved,
    CheckoutUpdated,
    ConsentGiven,
    CustomerSnapshot,
    LinksEnded,
    MilestoneReached,
    NoticeComplained,
    OperationUpdated,
    SignedIn,
    SignInRequested,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.joins import RefusedJoin
from chalicelib.domain.account.messages import MessageRecord, NoticeComplaint
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.checkout import Checkout, Order
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.policy.sequences import Step
from chalicelib.domain.schedule.restore import NUMBERS_SKIPPED, next_restored, restored
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer
from tests.fakes.lifecycles import ACCOUNT, DAY, START, Life
from tests.fakes.services import POLICY

NOW = START + 9 * DAY
WAS = Life().begins().days(1).account
NOBODY = Account(ACCOUNT)
COMPLAINT = NoticeComplaint("failed", START + 4 * DAY, "mark")


def test_no_id_of_a_happening_comes_again() -> None:
    since = replace(WAS, version=40, epoch=3)
    new = next_restored(WAS, since, restored(WAS, since, NOW), POLICY, NOW)
    assert (new.epoch, new.version) == (4, 41)
    assert restored(replace(WAS, epoch=7), since, NOW).epoch == 8


def test_a_restored_account_gives_no_number_of_an_event_twice() -> None:
    since = replace(WAS, version=40, events=30)
    assert restored(WAS, since, NOW).events == 30
    assert restored(replace(WAS, events=33), since, NOW).events == 33
    assert restored(replace(WAS, events=5), NOBODY, NOW).events == 5 + NUMBERS_SKIPPED


def test_stripe_is_asked_for_every_customer_of_then_and_of_now() -> None:
    since = apply(WAS, CustomerSnapshot(Customer("cus_2"), FromEvent(START)))
    assert {ask.id for ask in restored(WAS, since, NOW).asks} == {"cus_1", "cus_2"}
    assert {ask for ask in restored(WAS, NOBODY, NOW).asks} == {
        FetchRequest(what, "cus_1") for what in ("customer", "subscriptions", "invoices")
    }


def test_what_people_did_since_is_kept() -> None:
    signed = replace(WAS, standing=WAS.standing)
    since = signed
    for fact in (
        MilestoneReached("connected_data", START + 2 * DAY),
        ConsentGiven("lifecycle", False, START + 3 * DAY),
        AddressProved(START + 4 * DAY),
        SignedIn(START + 4 * DAY),
        LinksEnded(START + 4 * DAY),
        NoticeComplained(COMPLAINT),
        SignInRequested(START + 5 * DAY),
        ProfileChanged({"email": "ada@new.example"}, START + 4 * DAY, "api"),
        OperationUpdated("card:cs_1", PendingOperation(START, START, done_at=START + 5 * DAY)),
        CheckoutUpdated(
            Checkout(3, Order("setup"), START + 5 * DAY, "cs_3", "https://stripe.example")
        ),
    ):
        since = apply(since, fact)
    account = restored(WAS, since, NOW)
    assert account.milestones == {"connected_data": START + 2 * DAY}
    assert account.email == "ada@new.example"
    assert set(account.unsubscribed) == {"lifecycle"}
    assert (account.proved_at, account.link_epoch, account.signed_in_by) == (
        START + 4 * DAY,
        1,
        START + 4 * DAY,
    )
    assert account.links_void_before == START + 4 * DAY
    assert account.notice_complaint == COMPLAINT
    assert account.sign_in_asked_at == START + 5 * DAY
    assert account.errands["card:cs_1"].done_at
    assert account.checkout
    assert account.checkout.number == 3


def test_what_was_in_the_outbox_then_or_now_is_told() -> None:
    one, two = (DomainEvent(f"{ACCOUNT}.0.{n}.x", "x", START, {}) for n in (1, 2))
    assert restored(replace(WAS, outbox=(one,)), replace(WAS, outbox=(one, two)), NOW).outbox == (
        one,
        two,
    )
    assert restored(replace(WAS, outbox=(one,)), NOBODY, NOW).outbox == (one,)


def test_mail_that_lay_in_the_queue_then_is_not_sent_again_unless_it_is_a_billing_notice() -> None:
    was = replace(
        WAS,
        mails={
            "a@1": MessageRecord("queued", START, "lifecycle"),
            "b@1": MessageRecord("queued", START, "billing"),
        },
    )
    account = restored(was, NOBODY, NOW)
    assert {key: mailed.outcome for key, mailed in account.mails.items()} == {
        "a@1": "unclear",
        "b@1": "queued",
    }
    sent = replace(WAS, mails={"a@1": MessageRecord("sent", START, "lifecycle")})
    assert restored(was, sent, NOW).mails["a@1"].outcome == "sent", "what is known is known"


@pytest.mark.parametrize("day", [3, 6.5, 9, 11.2, 12.9, 13.5])
def test_lifecycle_mail_that_may_have_left_before_the_restoration_counts_as_sent(
    day: float,
) -> None:
    at = START + day * DAY
    account = restored(replace(WAS, mails={}), NOBODY, at)
    left = {
        mail.key for mail in due_messages(account, POLICY, at) if mail.step.stream == "lifecycle"
    }
    assert left & {one.key for one in Life().begins().days(day).mails} == set()
    ahead = {
        one.key
        for one in Life().begins().days(14).mails
        if one.at > at and one.letter.tags["stream"] == "lifecycle"
    }
    assert ahead <= left, "and what was ahead still is"


def test_happenings_are_told_as_against_what_was_told_last() -> None:
    """A product that was told of revoked access is told of it again; one that was told nothing
    wrong hears nothing.
    """
    wrecked = next_version(WAS, replace(WAS, subscriptions={}, outbox=()), POLICY, NOW)
    assert [one.type for one in wrecked.outbox] == ["access.revoked", "trial.expired"]
    new = next_restored(WAS, replace(wrecked, outbox=()), restored(WAS, wrecked, NOW), POLICY, NOW)
    assert "access.granted" in [
        one.type for one in new.outbox if one.id.startswith(f"{ACCOUNT}.1.")
    ]
    calm = next_restored(WAS, WAS, restored(WAS, WAS, NOW), POLICY, NOW)
    assert [one for one in calm.outbox if one.id.startswith(f"{ACCOUNT}.1.")] == []


def test_a_departure_that_lies_in_the_lost_time_brings_no_mail_of_its_own() -> None:
    come_back = Step(
        "come_back",
        "departure",
        "access_ended",
        2 * DAY,
        "trial_notice",
        "lifecycle",
        5 * DAY,
        at_any_hour=True,
    )
    policy = replace(POLICY, steps=(come_back,))
    now = START + 20 * DAY
    new = next_restored(WAS, NOBODY, replace(restored(WAS, NOBODY, now), asks=()), policy, now)
    assert new.departed_at
    assert due_messages(new, policy, now + 3 * DAY) == []
    before = next_version(WAS, WAS, policy, START + 15 * DAY)
    assert before.departed_at
    again = next_restored(before, NOBODY, restored(before, NOBODY, now), policy, now)
    assert again.departed_at == before.departed_at, "who had left by then left then"


def test_a_restored_account_is_tried_again_however_often_it_had_failed() -> None:
    dead = replace(WAS, failures=9, resting_until=START + 30 * DAY, asked_in_vain=4)
    new = next_restored(dead, NOBODY, restored(dead, NOBODY, NOW), POLICY, NOW)
    assert (new.failures, new.resting_until) == (0, None)
    assert new.due_at
    assert new.due_at <= NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("then", "now", "origin"),
    [
        ("cus_9", "cus_9", "cus_9"),
        (None, "cus_9", "cus_9"),
        ("cus_9", None, "cus_9"),
        ("", None, ""),
        ("", "cus_9", "cus_9"),
        (None, None, None),
    ],
)
def test_the_customer_that_an_account_came_from_is_not_decided_by_which_is_fetched_first(
    then: str | None, now: str | None, origin: str | None
) -> None:
    found = restored(Account("acc_1", origin=then), Account("acc_1", origin=now), START)
    assert found.origin == origin


def test_a_join_that_was_dismissed_since_stays_dismissed() -> None:
    waits = Account("acc_1", refused_join=RefusedJoin("acc_2", START))
    dismissed = replace(waits, refused_join=RefusedJoin("acc_2", START, START + DAY))
    assert restored(waits, dismissed, START).refused_join == dismissed.refused_join
    assert restored(waits, Account("acc_1"), START).refused_join == waits.refused_join
