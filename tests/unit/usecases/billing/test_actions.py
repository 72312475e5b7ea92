"""Cancel, come back, another plan, a longer trial, a grant: decided by what the account has, done
at Stripe once, answered with what stands then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.domain.billing.decisions import may_change
from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.errors import (
    AccountNotFound,
    AlreadySubscribed,
    BillhookError,
    CardDeclined,
    IdempotencyConflict,
    InvalidInput,
    NoSubscription,
    NotPossible,
    SubscriptionEnded,
    Unavailable,
)
from chalicelib.usecases.billing import actions
from tests.fakes.faults import crashing_after
from tests.fakes.grids import grid
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, crashes, returns
from tests.unit.usecases.billing.test_checkout import alive, gone, on_trial
from tests.unit.usecases.billing.test_start_trial import CALLS, FAULTS

DECLINES = "4000000000000341"


def paying(card: str = "tok_visa", days: float = 20) -> SimLife:
    """A customer six days into the first paid month."""
    life = on_trial().gives_card(card)
    return life.days(days)


def subscription(life: SimLife) -> Any:
    (one,) = [
        one
        for one in life.objects("subscription")
        if one["status"] not in {"canceled", "incomplete_expired"}
    ]
    return one


def cancel(
    life: SimLife,
    when: str = "period_end",
    key: str | None = None,
    reason: str | None = None,
    comment: str | None = None,
) -> Outcome:
    return actions.cancel(
        life.account_id,
        IdempotentRequest(f"cancel {when} {reason}", key),
        when,
        reason,
        comment,
        life.services,
    )


def reactivate(life: SimLife, key: str | None = None) -> Outcome:
    return actions.reactivate(
        life.account_id, IdempotentRequest("reactivate", key), returns, life.services
    )


def change(
    life: SimLife,
    plan: str,
    interval: str | None = None,
    quantity: int | None = None,
    prorate: str = "now",
    key: str | None = None,
) -> Outcome:
    asked = IdempotentRequest(f"plan {plan} {interval} {quantity} {prorate}", key)
    return actions.change_plan(
        life.account_id, asked, PlanRequest(plan, interval, quantity, prorate), life.services
    )


def extend(life: SimLife, ends_at: datetime, key: str | None = None) -> Outcome:
    return actions.move_trial_end(
        life.account_id, IdempotentRequest(f"trial {ends_at}", key), ends_at, life.services
    )


def grant(
    life: SimLife, until: datetime, plan: str | None = None, key: str | None = None
) -> Outcome:
    return actions.grant(
        life.account_id,
        IdempotentRequest(f"grant {until} {plan}", key),
        until,
        plan,
        "kindness",
        life.services,
    )


def paid(life: SimLife) -> list[int]:
    """What was taken, the oldest first."""
    return [one["amount"] for one in reversed(life.objects("charge")) if one["paid"]]


def test_a_cancellation_at_the_periods_end_keeps_what_is_paid_for() -> None:
    life = paying()
    outcome = cancel(life, reason="too_expensive", comment="Too dear for us.")
    assert (outcome.standing.access, outcome.standing.reason) == ("full", "canceling")
    assert (
        outcome.standing.until
        == life.account.subscriptions[subscription(life)["id"]].value.period_end
    )
    assert ("cancellation_details[feedback]", "too_expensive") in [
        pair for call in life.stage.api.calls for pair in call.pairs
    ]
    life.hear()
    assert life.standing == outcome.standing
    life.days(50)
    assert life.stands() == ("none", "canceled")
    assert paid(life) == [4900]


def test_a_cancellation_now_ends_access_now() -> None:
    life = paying()
    outcome = cancel(life, "now", reason="unused")
    assert (outcome.standing.access, outcome.standing.reason) == ("none", "canceled")
    life.hear()
    assert life.stands() == ("none", "canceled")


def test_a_paused_trial_has_nothing_left_to_wait_for() -> None:
    life = on_trial().days(20)
    assert life.stands() == ("none", "paused")
    assert cancel(life).standing.reason == "canceled"


def test_the_reason_is_on_the_timeline() -> None:
    life = paying()
    cancel(life, reason="missing_features", comment="No export.")
    (entry,) = [entry for entry in life.place.timeline.entries.values() if entry.kind == "call"]
    assert (entry.type, entry.data) == (
        "cancel.done",
        {"reason": "missing_features", "comment": "No export."},
    )


def test_what_is_to_end_already_is_answered_without_a_call() -> None:
    life = paying()
    first = cancel(life)
    calls = len(life.stage.api.calls)
    assert cancel(life) == first
    assert len(life.stage.api.calls) == calls


@pytest.mark.parametrize("by_portal", [True, False])
def test_a_cancellation_is_taken_back_by_whichever_field_it_was_scheduled(by_portal: bool) -> None:
    life = paying()
    one = subscription(life)
    end = one["items"]["data"][0]["current_period_end"]
    life.stage.post(
        f"/v1/subscriptions/{one['id']}",
        **({"cancel_at": end} if by_portal else {"cancel_at_period_end": True}),
    )
    life.hear()
    assert life.standing.reason == "canceling"
    life.minutes(1)
    outcome = reactivate(life)
    assert (outcome.action, outcome.standing.reason) == ("uncanceled", "active")
    assert (subscription(life)["cancel_at"], subscription(life)["cancel_at_period_end"]) == (
        None,
        False,
    )
    life.days(50)
    assert life.stands() == ("full", "active")
    assert paid(life) == [4900, 4900]


def test_a_pause_of_collection_is_ended() -> None:
    life = paying()
    outcome = actions.pause(
        life.account_id, IdempotentRequest("pause"), life.place.now.at + 60 * DAY, life.services
    )
    assert outcome.standing.access == "full", "billing.toml keeps access while collection is paused"
    life.days(50)
    assert paid(life) == [4900], "nothing is collected"
    outcome = reactivate(life)
    assert outcome.action == "resumed"
    assert subscription(life)["pause_collection"] is None
    life.days(80)
    assert paid(life) == [4900, 4900]


@pytest.mark.parametrize("heard", [True, False])
def test_while_collection_is_paused_no_plan_is_changed_that_nobody_would_pay(heard: bool) -> None:
    life = paying()
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}", pause_collection={"behavior": "void"}
    )
    if heard:
        life.hear()
    for plan, interval in (("scale", None), ("pro", "year")):
        with pytest.raises(NotPossible, match="paused"):
            change(life, plan, interval)
    life.hear()
    assert not may_change(life.account, life.policy)
    assert reactivate(life).action == "resumed"
    life.minutes(1)
    assert change(life, "scale").standing.plan == "scale"
    assert len(paid(life)) == 2


def test_while_a_debit_is_under_way_no_smaller_plan_is_credited() -> None:
    life = paying().gives_card("000123456789")
    change(life, "scale")
    life.hear()
    life.minutes(5)
    assert not may_change(life.account, life.policy)
    with pytest.raises(NotPossible, match="not paid yet"):
        change(life, "pro")
    life.advance(life.place.now.at + 8 * DAY)
    assert change(life, "pro").standing.plan == "pro"


def test_a_paused_subscription_with_a_card_is_resumed_and_paid() -> None:
    life = on_trial().days(20).gives_card()
    assert life.stands() == ("none", "paused")
    outcome = reactivate(life)
    assert (outcome.action, outcome.standing.access, outcome.standing.reason) == (
        "resumed",
        "full",
        "active",
    )
    assert paid(life) == [4900]
    life.hear()
    life.days(21)
    assert (alive(life), paid(life)) == (["active"], [4900])


def test_a_paused_subscription_whose_card_declines_says_so_and_the_next_card_pays_once() -> None:
    life = on_trial().days(20).gives_card(DECLINES)
    with pytest.raises(CardDeclined):
        reactivate(life)
    life.hear()
    life.gives_card()
    assert reactivate(life).action == "resumed"
    assert paid(life) == [4900]


def test_a_paused_subscription_without_a_card_leads_to_the_card_page() -> None:
    life = on_trial().days(20)
    outcome = reactivate(life)
    assert outcome.action == "checkout"
    assert life.only("checkout.session")["mode"] == "setup"
    session = str(outcome.url).rpartition("/")[2]
    life.completes(session).returns(session)
    assert life.stands() == ("full", "active")
    assert alive(life) == ["active"]


def test_who_is_past_due_is_led_to_the_card_page_and_buys_nothing_twice() -> None:
    life = paying(days=20)
    life.gives_card(DECLINES)
    life.days(50)
    assert life.standing.status == "past_due"
    assert reactivate(life).action == "checkout"
    assert life.only("checkout.session")["mode"] == "setup"
    with pytest.raises(NotPossible):
        change(life, "scale")
    assert len(life.objects("subscription")) == 1


def test_an_ended_subscription_is_bought_anew() -> None:
    life = gone()
    outcome = reactivate(life)
    assert (outcome.action, life.only("checkout.session")["mode"]) == ("checkout", "subscription")


def test_who_runs_and_pays_has_nothing_to_come_back_to() -> None:
    with pytest.raises(AlreadySubscribed):
        reactivate(paying())


def test_a_trial_is_made_longer_and_the_mails_move_with_it() -> None:
    life = on_trial()
    outcome = extend(life, BEGIN + 30 * DAY)
    assert outcome.standing.until == BEGIN + 30 * DAY
    life.days(20)
    assert life.stands() == ("full", "trialing")
    life.days(31)
    assert life.standing.access == "none"


def test_a_trial_that_stripe_does_not_know_of_yet_is_started_first() -> None:
    life = SimLife().fault("timeout_before", 2)
    life.sign_up()
    assert life.objects("subscription") == []
    assert extend(life, BEGIN + 30 * DAY).standing.until == BEGIN + 30 * DAY


def test_seats_are_added_in_the_trial_and_cost_nothing_yet() -> None:
    life = on_trial().gives_card()
    outcome = change(life, "pro", quantity=5)
    assert outcome.standing.quantity == 5
    assert paid(life) == []
    life.days(15)
    assert paid(life) == [5 * 4900]


def test_a_grant_gives_access_until_it_ends_and_needs_no_stripe() -> None:
    life = gone()
    calls = len(life.stage.api.calls)
    outcome = grant(life, BEGIN + 30 * DAY, "scale")
    assert (outcome.standing.status, outcome.standing.plan, outcome.standing.until) == (
        "granted",
        "scale",
        BEGIN + 30 * DAY,
    )
    assert "sso" in outcome.standing.features
    grant(life, BEGIN + 30 * DAY, "scale")
    assert len(life.account.grants) == 1
    (told,) = [one for one in life.account.outbox if one.type == "grant.given"]
    assert (told.data["note"], told.data["plan"]) == ("kindness", "scale")
    assert len(life.stage.api.calls) == calls
    life.days(30)
    assert life.standing.access == "none"


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_grant_that_is_given_again_after_a_failure_is_told_once(reply_lost: bool) -> None:
    for n in range(1, 5):
        life = gone()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        assert crashes(partial(grant, life, BEGIN + 30 * DAY, key="key-1"))
        life.calls.crash_at = None
        life.minutes(1)
        grant(life, BEGIN + 30 * DAY, key="key-1")
        life.minutes(1)
        assert [entry.type for entry in life.place.timeline.entries.values()].count(
            "grant.given"
        ) == 1, n


@dataclass(frozen=True)
class Case:
    """One action on a customer, and what is so once it was done: once."""

    begin: Callable[[], SimLife]
    act: Callable[[SimLife, str | None], Outcome]
    holds: Callable[[SimLife], bool]
    takes: tuple[int, ...] = ()


def canceling() -> SimLife:
    life = paying()
    life.stage.post(f"/v1/subscriptions/{subscription(life)['id']}", cancel_at_period_end=True)
    life.hear()
    life.minutes(1)
    return life


CASES = {
    "cancel": Case(
        paying,
        lambda life, key: cancel(life, key=key),
        lambda life: bool(subscription(life)["cancel_at_period_end"]),
        (4900,),
    ),
    "cancel now": Case(
        paying, lambda life, key: cancel(life, "now", key), lambda life: alive(life) == [], (4900,)
    ),
    "uncancel": Case(
        canceling, reactivate, lambda life: subscription(life)["cancel_at"] is None, (4900,)
    ),
    "resume": Case(
        lambda: on_trial().days(20).gives_card(),
        reactivate,
        lambda life: alive(life) == ["active"],
        (4900,),
    ),
    "trial": Case(
        on_trial,
        lambda life, key: extend(life, BEGIN + 30 * DAY, key),
        lambda life: bool(subscription(life)["trial_end"] == (BEGIN + 30 * DAY).timestamp()),
    ),
    "plan": Case(
        lambda: on_trial().gives_card(),
        lambda life, key: change(life, "scale", quantity=2, key=key),
        lambda life: bool(subscription(life)["items"]["data"][0]["quantity"] == 2),
    ),
    "upgrade": Case(
        paying,
        lambda life, key: change(life, "scale", key=key),
        lambda life: bool(
            subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "scale_monthly"
        ),
        (4900, 12096),
    ),
}
FINISHED = timedelta(hours=8)


def finished_with(life: SimLife) -> None:
    """Let all that waits be done, with nothing in the way any more."""
    life.stage.api.faults.clear()
    life.calls.crash_at = None
    life.hear()
    life.advance(life.place.now.at + FINISHED)


def finished(life: SimLife, case: Case, why: object) -> None:
    """Once all that waits has been done: it was done, once."""
    finished_with(life)
    assert case.holds(life), why
    assert tuple(paid(life)) == case.takes, why
    assert not [
        name for name, operation in life.account.errands.items() if operation.done_at is None
    ], why


@pytest.mark.parametrize(("name", "reply_lost"), grid(CASES, [True, False]))
def test_wherever_it_ends_it_is_done_once_and_the_same_key_gets_one_answer(
    name: str, reply_lost: bool
) -> None:
    case = CASES[name]
    for n in range(1, CALLS):
        life = case.begin()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        if not crashes(lambda life=life: case.act(life, "key-1")):  # type: ignore[misc]
            assert n > 4
            return
        begun = bool([name for name in life.account.errands if name.startswith("do:")])
        life.calls.crash_at = None
        if n % 2 and begun:
            finished(life, case, n)
            again = case.act(life, "key-1")
        else:
            again = case.act(life, "key-1")
            finished(life, case, n)
        assert case.act(life, "key-1") == again
        assert tuple(paid(life)) == case.takes, n
    raise AssertionError("it makes more calls than that")


@pytest.mark.parametrize(
    ("name", "how", "times"), grid(CASES, [how for how in FAULTS if how != "402"], [1, 2])
)
def test_whatever_stripe_answers_it_is_done_once(name: str, how: str, times: int) -> None:
    case = CASES[name]
    for method in ("POST", "DELETE"):
        life = case.begin().fault(how, times, method=method)
        try:
            outcome = case.act(life, "key-1")
        except Unavailable:
            finished(life, case, how)
            outcome = case.act(life, "key-1")
        finished(life, case, how)
        assert case.act(life, "key-1") == outcome


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_is_never_called_a_failure_for_a_lost_answer(name: str) -> None:
    case = CASES[name]
    life = (
        case.begin()
        .fault("timeout_after", 2, method="POST")
        .fault("timeout_after", 2, method="DELETE")
    )
    if name == "resume":
        # of several calls: the first without an answer leaves the rest to the agenda
        life.stage.api.faults.clear()
    case.act(life, None)
    assert case.holds(life)


def test_the_agenda_goes_on_with_what_stripe_had_no_time_for_and_looks_first_after_a_day() -> None:
    life = paying()
    life.fault("timeout_before", 10_000)
    with pytest.raises(Unavailable, match="goes on by itself"):
        change(life, "scale", key="key-1")
    life.advance(life.place.now.at + timedelta(hours=30))
    life.stage.api.faults.clear()
    finished(
        life,
        Case(
            paying,
            lambda life, key: change(life, "scale", key=key),
            CASES["upgrade"].holds,
            (4900, 12096),
        ),
        "late",
    )
    assert change(life, "scale", key="key-1").standing.plan == "scale"


def test_what_was_asked_before_is_done_before_what_is_asked_next() -> None:
    life = paying().fault("timeout_before", 2)
    with pytest.raises(Unavailable):
        cancel(life)
    outcome = reactivate(life)
    assert outcome.action == "uncanceled", (
        "the cancellation that nobody had an answer to was made first, and then taken back"
    )
    life.minutes(120)
    assert life.stands() == ("full", "active")


def test_a_key_that_was_used_for_another_call_is_refused() -> None:
    life = paying()
    cancel(life, key="key-1")
    for other in (
        lambda: cancel(life, "now", key="key-1"),
        lambda: reactivate(life, "key-1"),
        lambda: grant(life, BEGIN + 99 * DAY, key="key-1"),
    ):
        with pytest.raises(IdempotencyConflict):
            other()
    assert alive(life) == ["active"]


def test_a_key_that_is_still_at_work_is_refused_for_another_call() -> None:
    life = paying().fault("timeout_before", 2)
    with pytest.raises(Unavailable):
        cancel(life, key="key-1")
    with pytest.raises(IdempotencyConflict):
        change(life, "scale", key="key-1")


def test_the_same_key_gets_the_same_answer_a_year_later() -> None:
    life = paying()
    first = cancel(life, key="key-1")
    life.days(400)
    assert life.standing.access == "none"
    assert cancel(life, key="key-1") == first


MISTAKES: list[
    tuple[str, Callable[[], SimLife], Callable[[SimLife], Any], type[BillhookError], str | None]
] = [
    ("no plan of that name", paying, lambda life: change(life, "gold"), InvalidInput, "plan"),
    (
        "an interval that is not sold",
        paying,
        lambda life: change(life, "scale", "week"),
        InvalidInput,
        "interval",
    ),
    ("a plan of who has ended", gone, lambda life: change(life, "scale"), SubscriptionEnded, None),
    ("a cancellation of who has ended", gone, lambda life: cancel(life), SubscriptionEnded, None),
    (
        "a longer trial of who has ended",
        gone,
        lambda life: extend(life, BEGIN + 30 * DAY),
        SubscriptionEnded,
        None,
    ),
    (
        "a longer trial of who pays",
        paying,
        lambda life: extend(life, BEGIN + 90 * DAY),
        NotPossible,
        None,
    ),
    (
        "a trial that ends in the past",
        on_trial,
        lambda life: extend(life, BEGIN),
        InvalidInput,
        "ends_at",
    ),
    (
        "a trial of three years",
        on_trial,
        lambda life: extend(life, BEGIN + 1095 * DAY),
        InvalidInput,
        "ends_at",
    ),
    (
        "a plan while paused",
        lambda: on_trial().days(20),
        lambda life: change(life, "scale"),
        NotPossible,
        None,
    ),
    ("a grant in the past", paying, lambda life: grant(life, BEGIN), InvalidInput, "until"),
    (
        "a grant of no plan there is",
        paying,
        lambda life: grant(life, BEGIN + 90 * DAY, "gold"),
        InvalidInput,
        "plan",
    ),
]


@pytest.mark.parametrize(
    ("begin", "act", "error", "field"),
    [row[1:] for row in MISTAKES],
    ids=[row[0] for row in MISTAKES],
)
def test_what_cannot_be_done_is_told_and_nothing_is_done(
    begin: Callable[[], SimLife],
    act: Callable[[SimLife], Any],
    error: type[BillhookError],
    field: str | None,
) -> None:
    life = begin()
    before, calls = life.account, len(life.stage.api.calls)
    with pytest.raises(error) as refusal:
        act(life)
    assert (type(refusal.value), refusal.value.field) == (error, field)
    assert life.account == before
    assert len(life.stage.api.calls) == calls


def test_an_account_without_a_subscription_and_one_that_was_erased() -> None:
    life = gone()
    life.account_id = "acc_none"
    for act in (
        lambda: cancel(life),
        lambda: change(life, "pro"),
        lambda: reactivate(life),
        lambda: grant(life, BEGIN + DAY),
    ):
        with pytest.raises(AccountNotFound):
            act()
    waiting = SimLife()
    waiting.sign_up(confirm=True)
    with pytest.raises(NoSubscription):
        cancel(waiting)


def test_an_upgrade_whose_card_is_declined_changes_nothing_here_or_there() -> None:
    life = paying()
    life.gives_card(DECLINES)
    before = life.account
    with pytest.raises(CardDeclined):
        change(life, "scale", key="key-1")
    assert subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"
    assert life.account.subscriptions == before.subscriptions
    life.minutes(600)
    life.gives_card()
    with pytest.raises(CardDeclined):
        change(life, "scale", key="key-1")
    assert change(life, "scale", key="key-2").standing.plan == "scale"
    assert len(paid(life)) == 2
