"""What is told of a change, and what is not."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    InvoiceSnapshot,
    MilestoneReached,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.domain.schedule.versions import next_version, outbox_cleared
from chalicelib.domain.stripe_objects.objects import Customer
from tests.fakes.services import QUIET
from tests.unit.domain.access.test_standing import (
    AT_START,
    BOUGHT,
    CONVERTED,
    FIRST,
    PRO,
    SCALE,
    SECOND,
    START,
    TRIAL,
    TRIAL_END,
)

PERIOD_END = BOUGHT.period_end or START


def written(*facts: object, at: datetime = START, before: Account | None = None) -> Account:
    old = before or Account("acc_1")
    new = old
    for fact in facts:
        new = apply(new, fact)  # type: ignore[arg-type]
    return next_version(replace(old, outbox=()), replace(new, outbox=()), QUIET, at)


def types(account: Account) -> list[str]:
    assert all(domain_event.type in CATALOGUE for domain_event in account.outbox)
    return [domain_event.type for domain_event in account.outbox]


def seen(subscription: object, at: object = START) -> SubscriptionSnapshot:
    return SubscriptionSnapshot(subscription, FromEvent(at))  # type: ignore[arg-type]


TRIALING = written(seen(TRIAL))
ACTIVE = written(seen(BOUGHT))


def test_a_new_trial_is_an_account_its_access_and_its_start() -> None:
    assert types(TRIALING) == ["account.created", "access.granted", "trial.started"]


def test_a_signup_that_reaches_stripe_starts_no_second_trial() -> None:
    signed_up = next_version(
        Account("acc_1"),
        replace(Account("acc_1"), signup=Signup("pro", TRIAL_END, START)),
        QUIET,
        START,
    )
    assert types(signed_up) == ["account.created", "access.granted", "trial.started"]
    assert types(written(seen(TRIAL), before=signed_up)) == []


@pytest.mark.parametrize(("days", "type"), [(20, "trial.extended"), (7, "trial.shortened")])
def test_a_trial_whose_end_moves(days: int, type: str) -> None:
    end = START + timedelta(days=days)
    moved = replace(TRIAL, trial_end=end, period_end=end)
    assert types(written(seen(moved, START + SECOND), before=TRIALING, at=START + SECOND)) == [type]


def test_a_grant_is_told_with_its_note_and_once() -> None:
    given = next_version(
        ACTIVE,
        replace(ACTIVE, outbox=(), grants=(Grant(TRIAL_END, "scale", "kindness"),)),
        QUIET,
        START,
    )
    (told,) = [one for one in given.outbox if one.type == "grant.given"]
    assert (told.data["plan"], told.data["note"], told.data["granted_until"]) == (
        "scale",
        "kindness",
        TRIAL_END.isoformat().replace("+00:00", "Z"),
    )
    assert "grant.given" not in types(written(before=given))


def test_a_milestone_is_told_once_with_its_time_and_who_reported_it() -> None:
    early = START - timedelta(days=40)
    reached = written(
        MilestoneReached("first_board", early),
        MilestoneReached("invited_team", START, "segment"),
        before=ACTIVE,
    )
    assert [(one.id, one.at, one.data) for one in reached.outbox] == [
        (
            "acc_1.0.2.milestone.reached.first_board",
            START,
            {
                "milestone": "first_board",
                "reached_at": "2026-01-21T09:00:00Z",
                "reported_by": "product",
            },
        ),
        (
            "acc_1.0.2.milestone.reached.invited_team",
            START,
            {
                "milestone": "invited_team",
                "reached_at": START.isoformat().replace("+00:00", "Z"),
                "reported_by": "segment",
            },
        ),
    ]
    earlier = MilestoneReached("first_board", early - SECOND, "intercom")
    again = written(earlier, MilestoneReached("invited_team", START), before=reached)
    assert types(again) == []


def test_waiting_for_news_at_a_trials_end_extends_nothing() -> None:
    with_card = written(
        CustomerSnapshot(Customer("cus_1", card="pm_1"), FromEvent(START)), before=TRIALING
    )
    assert (
        types(
            written(
                InvoiceSnapshot(replace(FIRST, status="draft"), TRIAL_END),
                before=with_card,
                at=TRIAL_END,
            )
        )
        == []
    )


def test_a_trial_that_converts_is_paid_and_told_once() -> None:
    converted = written(
        seen(CONVERTED, TRIAL_END), InvoiceSnapshot(FIRST, TRIAL_END), before=TRIALING, at=TRIAL_END
    )
    assert types(converted) == ["trial.converted", "payment.succeeded"]
    assert types(written(InvoiceSnapshot(FIRST, TRIAL_END), before=converted, at=TRIAL_END)) == []


def test_an_invoice_of_nothing_is_no_payment() -> None:
    assert types(written(InvoiceSnapshot(AT_START, START), before=TRIALING)) == []


def test_a_trial_that_runs_out() -> None:
    paused = replace(TRIAL, status="paused")
    assert types(written(seen(paused, TRIAL_END), before=TRIALING, at=TRIAL_END)) == [
        "access.revoked",
        "trial.expired",
        "subscription.paused",
    ]


def test_a_failed_renewal_and_its_recovery() -> None:
    failed = replace(
        FIRST,
        status="open",
        amount_paid=0,
        attempt_count=1,
        finalized_at=PERIOD_END,
        created=PERIOD_END,
    )
    due = written(
        InvoiceSnapshot(failed, PERIOD_END, failed=True),
        seen(replace(BOUGHT, status="past_due"), PERIOD_END),
        before=ACTIVE,
        at=PERIOD_END,
    )
    assert types(due) == ["payment.failed"]
    second = written(
        InvoiceSnapshot(replace(failed, attempt_count=2), PERIOD_END + SECOND, failed=True),
        before=due,
        at=PERIOD_END,
    )
    assert types(second) == ["payment.failed"]
    assert second.outbox[0].data["attempt_count"] == 2
    limited = written(before=second, at=PERIOD_END + timedelta(days=8))
    assert types(limited) == ["access.limited"]
    renewed = replace(BOUGHT, period_end=PERIOD_END + timedelta(days=31))
    paid = replace(failed, status="paid", amount_paid=4900, attempt_count=3)
    recovered = written(
        InvoiceSnapshot(paid, PERIOD_END),
        seen(renewed, PERIOD_END + SECOND),
        before=limited,
        at=PERIOD_END + timedelta(days=9),
    )
    assert types(recovered) == ["access.granted", "payment.succeeded"]


def test_a_cancellation_scheduled_withdrawn_and_carried_out() -> None:
    canceling = written(
        seen(replace(BOUGHT, cancel_at_period_end=True), START + SECOND), before=ACTIVE
    )
    assert types(canceling) == ["subscription.canceling"]
    back = written(seen(BOUGHT, START + 2 * SECOND), before=canceling)
    assert types(back) == ["subscription.uncanceled"]
    assert types(
        written(seen(replace(BOUGHT, status="canceled"), START + 3 * SECOND), before=back)
    ) == ["access.revoked", "subscription.canceled"]


def test_another_plan_and_other_seats() -> None:
    assert types(written(seen(replace(BOUGHT, items=(SCALE,)), START + SECOND), before=ACTIVE)) == [
        "plan.changed",
        "quantity.changed",
    ]
    more = replace(BOUGHT, items=(replace(PRO, quantity=9),))
    assert types(written(seen(more, START + SECOND), before=ACTIVE)) == ["quantity.changed"]


def test_features_are_never_compared() -> None:
    poorer = replace(QUIET, plans={"pro": replace(QUIET.plans["pro"], features=())})
    assert next_version(replace(ACTIVE, outbox=()), ACTIVE, poorer, START).outbox == ACTIVE.outbox


def test_a_paused_subscription_that_runs_again() -> None:
    paused = written(seen(replace(BOUGHT, status="paused"), START + SECOND), before=ACTIVE)
    assert types(paused) == ["access.revoked", "subscription.paused"]
    assert types(written(seen(BOUGHT, START + 2 * SECOND), before=paused)) == [
        "access.granted",
        "subscription.resumed",
    ]


@pytest.mark.parametrize(
    ("days", "told"), [(0, ["access.granted", "payment.succeeded"]), (2, ["access.granted"])]
)
def test_what_an_adopted_customer_paid_before_is_history(days: int, told: list[str]) -> None:
    now = FIRST.created + timedelta(days=days)
    adopted = next_version(
        Account("acc_1"), Account("acc_1").with_fetch(FetchRequest("invoices", "cus_1")), QUIET, now
    )
    assert (
        types(
            written(
                SubscriptionSnapshot(BOUGHT, FromFetch(now, "")),
                InvoiceSnapshot(FIRST, now),
                before=adopted,
                at=now,
            )
        )
        == told
    )


def test_a_repeat_has_the_same_id_and_body() -> None:
    assert written(seen(TRIAL)).outbox == TRIALING.outbox
    assert TRIALING.outbox[0].id == "acc_1.0.1.account.created"


def test_the_events_of_an_account_are_numbered_from_one_without_holes() -> None:
    assert [one.sequence for one in TRIALING.outbox] == [1, 2, 3]
    granted = next_version(TRIALING, replace(TRIALING, grants=(Grant(TRIAL_END),)), QUIET, START)
    assert [one.sequence for one in granted.outbox] == [1, 2, 3, 4]
    assert (TRIALING.events, granted.events) == (3, 4)
    assert outbox_cleared(granted, QUIET, START).events == 4


def test_an_event_has_the_access_and_the_external_id_of_its_moment() -> None:
    named = replace(TRIALING, profile=replace(TRIALING.profile, external_id="u-1"))
    later = next_version(named, replace(named, grants=(Grant(TRIAL_END),)), QUIET, START)
    assert {one.standing for one in TRIALING.outbox} == {TRIALING.standing}
    assert [one.external_id for one in later.outbox] == [None, None, None, "u-1"]


def test_the_first_event_of_an_account_of_an_older_release_is_number_one() -> None:
    older = replace(TRIALING, events=None, outbox=())
    granted = next_version(older, replace(older, grants=(Grant(TRIAL_END),)), QUIET, START)
    assert [one.sequence for one in granted.outbox] == [1]


def test_a_change_without_an_event_counts_none() -> None:
    older = replace(TRIALING, events=None, outbox=())
    assert next_version(older, older, QUIET, START).events is None


def test_what_is_not_carried_out_yet_stays() -> None:
    again = next_version(TRIALING, replace(TRIALING, grants=(Grant(TRIAL_END),)), QUIET, START)
    assert again.outbox[:3] == TRIALING.outbox


def test_an_outbox_an_open_question_and_the_end_of_a_standing_are_on_the_agenda() -> None:
    assert [due.what for due in due_work(TRIALING, QUIET, START)] == [
        "publish the outbox",
        "change the standing",
        "fetch cus_1 unless Stripe reports: trial",
    ]
    assert TRIALING.due_at == START + timedelta(minutes=1)
    done = outbox_cleared(TRIALING, QUIET, START)
    assert (done.outbox, done.due_at, done.version) == ((), TRIAL_END, 2)
    asking = next_version(done, done.with_fetch(FetchRequest("customer", "cus_1")), QUIET, START)
    assert [due.what for due in due_work(asking, QUIET, START)] == [
        "fetch customer:cus_1",
        "change the standing",
        "fetch cus_1 unless Stripe reports: trial",
    ]
    assert asking.due_at == START + timedelta(minutes=1)
