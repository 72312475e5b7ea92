"""What an account may hold: callers are refused over a bound, and what no rule needs makes room."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.account.cancellation import ExitFeedbackGiven
from chalicelib.domain.account.facts import (
    BroadcastRequested,
    DisputeSnapshot,
    Fact,
    GrantGiven,
    MessageRecorded,
    MilestoneReached,
    OperationUpdated,
)
from chalicelib.domain.account.messages import Broadcast, MessageRecord
from chalicelib.domain.account.operations import Operation, PendingOperation
from chalicelib.domain.account.profile import (
    AddressChange,
    AddressChangeConfirmed,
    AddressChangeRequested,
    Profile,
)
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.bounds import BOUNDS, OVER, most
from chalicelib.domain.errors import TooMany
from chalicelib.domain.schedule.growth import MAILS_KEPT
from chalicelib.domain.schedule.versions import (
    next_version,
    rescheduled,
    version_without_bounds,
)
from tests.fakes.lifecycles import DAY, START
from tests.fakes.services import POLICY

SECOND = timedelta(seconds=1)


def grant(number: int, note: str = "") -> Fact:
    return GrantGiven(Grant(START + DAY + number * SECOND, "pro", note))


def operation(number: int, comment: str | None = None) -> Fact:
    task = Operation("cancel", "cus_1", "sub_1", comment=comment)
    return OperationUpdated(f"do:{number}", PendingOperation(START, START, task=task))


def milestone(number: int) -> Fact:
    return MilestoneReached(f"milestone_{number}", START)


def broadcast(number: int) -> Fact:
    return BroadcastRequested(f"news_{number}", Broadcast("news", "everyone", START))


CALLERS: dict[str, Callable[[int], Fact]] = {
    "grants": grant,
    "milestones": milestone,
    "operations": operation,
    "broadcasts": broadcast,
}


def told(account: Account, *facts: Fact, now: datetime = START) -> Account:
    updated = account
    for fact in facts:
        updated = apply(updated, fact)
    return replace(next_version(account, updated, POLICY, now), outbox=())


def full(name: str) -> Account:
    """An account with as much as the bound allows."""
    return told(Account("acc_1"), *(CALLERS[name](number) for number in range(most(name))))


@pytest.mark.parametrize("name", CALLERS)
def test_one_more_than_the_bound_is_refused_and_the_message_names_the_bound(name: str) -> None:
    account = full(name)
    with pytest.raises(TooMany) as refused:
        told(account, CALLERS[name](10_000))
    assert str(most(name)) in refused.value.message
    assert BOUNDS[name].what in refused.value.message


@pytest.mark.parametrize("name", CALLERS)
def test_what_is_there_already_may_be_said_again_at_the_bound(name: str) -> None:
    account = full(name)
    assert apply(account, CALLERS[name](0)) == account


@pytest.mark.parametrize("name", CALLERS)
def test_a_full_account_takes_facts_of_stripe_s_and_of_other_kinds(name: str) -> None:
    account = told(full(name), DisputeSnapshot("dp_1", "ch_1", "needs_response", START))
    assert account.disputed
    for other in CALLERS.keys() - {name}:
        account = told(account, CALLERS[other](10_000))


def test_an_account_that_was_over_a_bound_before_may_stay_and_shrink() -> None:
    facts = [grant(number) for number in range(most("grants") + 10)]
    updated = Account("acc_1")
    for fact in facts:
        updated = apply(updated, fact)
    account = version_without_bounds(Account("acc_1"), updated, POLICY, START)
    account = told(account, milestone(1))
    assert len(account.grants) == most("grants") + 10
    with pytest.raises(TooMany):
        told(account, grant(10_000))


def test_a_grant_that_ended_makes_room_and_the_last_ones_stay_to_be_seen() -> None:
    later = START + 2 * DAY
    account = told(full("grants"), GrantGiven(Grant(later + DAY, "pro")), now=later)
    ended = [grant for grant in account.grants if grant.until <= later]
    assert len(ended) == most("ended grants")
    assert account.grants[-1].until == later + DAY


def test_changes_of_the_address_that_can_be_undone_are_bounded_and_none_is_dropped() -> None:
    account = Account("acc_1", profile=Profile("ada@example.com"))

    def changed(number: int) -> Account:
        at = START + number * SECOND
        change = AddressChange(f"ada{number}@example.com", "ada@example.com", at)
        confirmed = AddressChangeConfirmed(change.id, at)
        return told(account, AddressChangeRequested(change), confirmed, now=at)

    for number in range(most("address changes")):
        account = changed(number)
    with pytest.raises(TooMany):
        changed(10_000)
    assert len(account.address_changes) == most("address changes")


def test_an_operation_that_is_done_makes_room_for_another() -> None:
    account = full("operations")
    done = replace(account.errands["do:0"], done_at=START, task=None)
    account = told(account, OperationUpdated("do:0", done))
    assert "do:500" in told(account, operation(500)).errands


def test_a_broadcast_of_last_month_makes_room_for_another() -> None:
    later = START + 31 * DAY
    fresh = BroadcastRequested("fresh", Broadcast("news", "everyone", later))
    assert told(full("broadcasts"), fresh, now=later).broadcasts.keys() == {"fresh"}


LONG = "𝒜" * 500
WITH_TEXTS: dict[str, Callable[[int], Fact]] = {
    "notes": lambda number: grant(number, LONG),
    "comments of operations": lambda number: operation(number, LONG),
    "answers to the exit question": lambda number: ExitFeedbackGiven(
        f"canceled@{number}", "other", LONG, START
    ),
}


@pytest.mark.parametrize("what", WITH_TEXTS)
def test_texts_of_all_kinds_are_bounded_together_in_bytes(what: str) -> None:
    attributes = {f"name_{number}": "𝒜" * 125 for number in range(most("attributes"))}
    account = Account("acc_1", profile=Profile(attributes=attributes))
    for number in range(9):  # each has 2000 bytes, and the attributes 28,000
        account = told(account, WITH_TEXTS[what](number))
    facts = [WITH_TEXTS[what](number) for number in range(9, 12)]
    with pytest.raises(TooMany, match="bytes"):
        told(account, *facts)


def test_events_that_wait_to_be_published_count_with_their_texts() -> None:
    account = Account("acc_1")
    for number in range(11):
        account = next_version(account, apply(account, grant(number, LONG)), POLICY, START)
    more = [grant(number, LONG) for number in range(11, 15)]
    with pytest.raises(TooMany, match="in a minute"):
        told(account, *more)
    published = replace(account, outbox=())
    assert len(told(published, *more).grants) == 15


def test_of_many_waiting_events_the_newest_stay() -> None:
    account = Account("acc_1")
    for number in range(most("events") + 10):
        dispute = DisputeSnapshot(f"dp_{number}", "ch_1", "needs_response", START)
        account = next_version(account, apply(account, dispute), POLICY, START)
    assert len(account.outbox) == most("events")
    assert account.outbox[-1].data["dispute"] == f"dp_{most('events') + 9}"


def test_disputes_that_were_won_make_room_and_one_that_was_lost_is_remembered() -> None:
    account = told(Account("acc_1"), DisputeSnapshot("dp_lost", "ch_1", "lost", START))
    for number in range(3 * most("disputes")):
        account = told(account, DisputeSnapshot(f"dp_{number}", "ch_1", "won", START))
    assert len(account.disputes) == most("disputes")
    assert account.disputed


def test_of_the_answers_to_the_exit_question_the_newest_stay() -> None:
    account = Account("acc_1")
    for number in range(most("feedback") + 5):
        at = START + number * SECOND
        answer = ExitFeedbackGiven(f"canceled@sub_{number}", "other", "", at)
        account = told(account, answer, now=at)
    assert len(account.feedback) == most("feedback")
    assert "canceled@sub_0" not in account.feedback


def test_of_ended_subscriptions_the_newest_ends_stay() -> None:
    ended = {f"sub_{number}": START + number * SECOND for number in range(most("ended") + 50)}
    account = rescheduled(Account("acc_1", ended=ended), POLICY, START)
    assert len(account.ended) == most("ended")
    assert {"sub_0", "sub_249"} & account.ended.keys() == {"sub_249"}


def recorded(outcome: str, at: datetime, stream: str = "billing") -> MessageRecord:
    return MessageRecord(outcome, at, stream)


def test_of_messages_on_request_only_the_newest_record_stays() -> None:
    account = Account("acc_1")
    for number in range(500):
        at = START + number * timedelta(minutes=15)
        key = f"sign_in@{at.timestamp():.0f}"
        account = told(account, MessageRecorded(key, recorded("sent", at)), now=at)
    assert list(account.mails) == [key]


def test_a_message_that_is_queued_stays_whatever_is_newer() -> None:
    mails = {
        "sign_in@1": recorded("queued", START),
        "sign_in@2": recorded("sent", START + DAY),
    }
    account = rescheduled(Account("acc_1", mails=mails), POLICY, START + DAY)
    assert account.mails.keys() == mails.keys()


def test_above_the_bound_the_oldest_records_go_that_nothing_waits_for() -> None:
    mails = {
        f"nudge@{number}": recorded("sent", START + number * SECOND, "lifecycle")
        for number in range(most("messages") + 50)
    }
    mails["welcome@queued"] = recorded("queued", START, "lifecycle")
    account = rescheduled(Account("acc_1", mails=mails), POLICY, START + DAY)
    assert len(account.mails) == most("messages")
    assert {"welcome@queued", "nudge@0", "nudge@249"} & account.mails.keys() == {
        "welcome@queued",
        "nudge@249",
    }
    later = rescheduled(account, POLICY, START + MAILS_KEPT + DAY)
    assert later.mails.keys() == {"welcome@queued"}


def test_of_operations_that_were_done_the_newest_stay_and_the_trial_for_ever() -> None:
    done = {
        f"do:{number}": PendingOperation(START, START, done_at=START + number * SECOND)
        for number in range(most("operations done") + 20)
    }
    trial = PendingOperation(START, START, done_at=START)
    account = Account("acc_1", errands={"trial": trial, **done})
    kept = rescheduled(account, POLICY, START + timedelta(minutes=5)).errands
    assert len(kept) == most("operations done") + 1
    assert {"trial", "do:0", "do:69"} & kept.keys() == {"trial", "do:69"}


@pytest.mark.parametrize("kind", ["card", "profile", "sessions"])
def test_of_operations_that_a_later_one_makes_void_the_newest_stay(kind: str) -> None:
    errands = {
        f"{kind}:{number}": PendingOperation(START + number * SECOND, START)
        for number in range(most("operations") + 10)
    }
    kept = rescheduled(Account("acc_1", errands=errands), POLICY, START).errands
    assert len(kept) == most("operations")
    assert {f"{kind}:0", f"{kind}:39"} & kept.keys() == {f"{kind}:39"}


GROWING = {
    "customers": "customers",
    "subscriptions": "subscriptions",
    "ended": "ended",
    "grants": "grants",
    "milestones": "milestones",
    "mails": "messages",
    "errands": "operations",
    "broadcasts": "broadcasts",
    "disputes": "disputes",
    "charged_back": "disputes",
    "ended_links": "ended links",
    "feedback": "feedback",
    "address_changes": "address changes",
    "recurring": "recurring changes",
    "discounts": "discounts",
    "pending_signups": "pending signups",
    "outbox": "events",
    "worker_outbox": "events",
}
"""Field of an account → the bound of what it holds."""

BOUNDED_OTHERWISE = {
    "invoices": "by the rule of which invoices are kept",
    "payments": "one for each invoice that is kept, and a few beside",
    "settled_invoices": "by the rule of which marks are kept",
    "others": "by the rule of which subscriptions to other products are kept",
    "ours": "one for each subscription that is kept",
    "price_keys": "by the rule of which prices are remembered",
    "cards": "by the rule of which cards are kept",
    "openings": "by the rule of which openings are kept",
    "also_copied": "by the rule of how many addresses of before get copies",
    "asks": "one for each object that is kept",
    "unsubscribed": "one for each stream",
    "milestones_by": "one for each milestone",
    "alternatives": "one for each kind of retention offer",
    "profile_changes": "one for each field of the profile",
    "figures_due": "the days of the changes and discounts that are kept",
}
"""Field of an account → why it needs no bound of its own."""


def test_every_field_that_can_grow_has_a_bound_or_a_reason_why_it_cannot_grow_far() -> None:
    empty = Account("acc_1")
    growing = {one.name for one in fields(Account) if getattr(empty, one.name) in ({}, ())}
    assert growing == GROWING.keys() | BOUNDED_OTHERWISE.keys()
    assert set(GROWING.values()) <= BOUNDS.keys()


def test_every_bound_says_what_happens_over_it_and_why() -> None:
    for name, bound in BOUNDS.items():
        assert bound.most > 0, name
        assert bound.over in OVER, name
        assert bound.why.endswith("."), name
