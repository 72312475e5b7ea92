"""The messages of a trial: to the right person at the right moment, once, and never when it no
longer applies.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import (
    ConsentGiven,
    CustomerSnapshot,
    InvoiceSnapshot,
    MilestoneReached,
)
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer, Invoice
from tests.fakes.faults import crashing_after
from tests.fakes.grids import examples
from tests.fakes.lifecycles import ACCOUNT, DAY, START, TRIAL, Life
from tests.fakes.services import POLICY

MAIL = POLICY.mail
assert MAIL
STEPS = {step.id: step for step in POLICY.steps}
LONDON = ZoneInfo("Europe/London")


def local(moment: datetime) -> str:
    return moment.astimezone(LONDON).strftime("%a %d %H:%M")


def test_a_trial_without_a_card_is_told_what_the_policy_promises_at_its_local_hours() -> None:
    life = Life().begins().days(60)
    assert [(one.step, local(one.at)) for one in life.mails] == [
        ("welcome", "Mon 02 09:00"),
        ("note", "Mon 09 09:00"),  # eight days before the end is a Sunday: the next working hour
        ("three_days", "Fri 13 09:00"),
        ("one_day", "Sun 15 09:00"),
        ("ended", "Mon 16 09:00"),
    ]


def test_a_card_given_brings_the_notice_that_card_networks_want_and_none_of_the_rest() -> None:
    life = Life().begins().days(2)
    life.tell(life.customer("pm_1")).days(13.9)
    assert life.steps == ["welcome", "notice"]
    notice = life.mails[1]
    assert notice.letter.tags["stream"] == "billing"
    assert "$49.00" in notice.letter.text
    assert "List-Unsubscribe" not in notice.letter.headers


def test_a_card_given_late_brings_the_notice_at_once_if_it_is_still_of_use() -> None:
    life = Life().begins().days(8.1)
    life.tell(life.customer("pm_1")).days(13.9)
    assert life.steps[-1] == "notice"
    late = Life().begins().days(12.5)
    late.tell(late.customer("pm_1")).days(13.9)
    assert "notice" not in late.steps


@pytest.mark.parametrize("other", ["cus_0", "cus_2"])
def test_a_trial_without_a_card_is_told_so_though_another_customer_of_the_account_has_one(
    other: str,
) -> None:
    life = Life().begins()
    life.tell(CustomerSnapshot(Customer(other, "ada@example.com", card="pm_0"), life.event())).days(
        60
    )
    assert life.steps == ["welcome", "note", "three_days", "one_day", "ended"]
    assert "nothing can be charged" in life.mails[0].letter.text
    assert life.account.standing
    assert life.account.standing.reason == "trial_expired"


@pytest.mark.parametrize("other", ["cus_0", "cus_2"])
def test_a_trial_with_a_card_gets_the_notice_though_another_customer_of_the_account_has_none(
    other: str,
) -> None:
    life = Life().begins("pm_1")
    life.tell(CustomerSnapshot(Customer(other, "ada@example.com"), life.event())).days(13.9)
    assert life.steps == ["welcome", "notice"]


def test_who_has_done_it_gets_no_nudge() -> None:
    life = Life().begins().days(3)
    life.tell(MilestoneReached("connected_data", life.now.at)).days(10)
    assert "note" not in life.steps


def test_who_pays_during_the_trial_is_reminded_of_nothing() -> None:
    """20: read again at the moment of sending."""
    life = Life().begins().days(9)
    paid = Invoice("in_1", "cus_1", "paid", life.now.at, "sub_1", "usd", 4900, 4900, 1, True)
    life.changes(status="active", trial_end=life.now.at, period_end=life.now.at + 30 * DAY).tell(
        InvoiceSnapshot(paid, life.now.at)
    ).days(40)
    assert life.steps == ["welcome", "note"]


def test_the_reminders_need_no_event_of_stripes() -> None:
    """19: not one event after the trial's start."""
    assert Life().begins().days(13.9).steps == ["welcome", "note", "three_days", "one_day"]


def test_who_cancels_is_left_in_peace() -> None:
    life = Life().begins().days(9)
    assert life.changes(cancel_at_period_end=True).days(40).steps == ["welcome", "note"]
    at_once = Life().begins().days(9)
    assert at_once.changes(status="canceled", ended_at=at_once.now.at).days(40).steps == [
        "welcome",
        "note",
    ]


def test_who_is_queued_to_be_reminded_and_gives_a_card_first_is_not() -> None:
    """The condition is read on fresh state where the mail leaves."""
    life = Life().begins().days(10.9)
    life.mailer.room = False
    life.days(11.2)
    assert [
        mailed.outcome
        for key, mailed in life.account.mails.items()
        if key.startswith("three_days@")
    ] == ["queued"]
    life.mailer.room = True
    life.tell(life.customer("pm_1")).days(11.6)
    assert "three_days" not in life.steps


def test_a_trial_extended_after_its_reminder_is_reminded_of_its_second_end() -> None:
    life = Life().begins().days(13.5)
    first = list(life.steps)
    assert "three_days" in first
    end = START + 30 * DAY
    life.changes(trial_end=end, period_end=end).days(29.9)
    assert life.steps.count("three_days") == 2
    assert len({one.key for one in life.mails}) == len(life.mails)


def test_a_trial_shortened_below_three_days_brings_no_three_days_left() -> None:
    """18."""
    life = Life().begins().days(1.2)
    end = START + 2 * DAY
    life.changes(trial_end=end, period_end=end).days(1.9)
    assert "three_days" not in life.steps
    assert "note" not in life.steps


def test_who_unsubscribed_gets_billing_notices_and_nothing_else() -> None:
    """41."""
    life = Life().begins().days(1)
    life.tell(ConsentGiven("lifecycle", False, life.now.at)).days(60)
    assert life.steps == ["welcome", "ended"]
    back = Life().begins().days(1)
    back.tell(
        ConsentGiven("lifecycle", False, back.now.at), ConsentGiven("lifecycle", True, back.now.at)
    ).days(60)
    assert "three_days" in back.steps


def test_a_suppressed_address_is_never_written_to() -> None:
    """42: enforced where mail leaves."""
    life = Life(suppressed={"ada@example.com"}).begins().days(60)
    assert life.steps == []
    assert {mailed.outcome for mailed in life.account.mails.values()} == {"refused"}


def test_a_step_missed_is_passed_over_and_noted() -> None:
    life = Life().begins()
    life.mailer.room = False
    life.advance(START + timedelta(minutes=1))
    life.now.at = START + 12.2 * DAY
    life.mailer.room = True
    life.days(20)
    assert "welcome" not in life.steps
    noted = {
        entry.id.split("@")[0]: entry.type
        for entry in life.place.timeline.entries.values()
        if entry.kind == "mail"
    }
    assert noted["note"] == "mail.passed"
    assert "ended" in life.steps


@pytest.mark.parametrize(
    "zone", ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "Europe/Vienna"]
)
def test_lifecycle_mail_keeps_to_the_customers_own_hours(zone: str) -> None:
    life = Life(zone=zone).begins().days(60)
    hours = [
        one.at.astimezone(ZoneInfo(zone)) for one in life.mails if not STEPS[one.step].at_any_hour
    ]
    assert len(hours) >= 3
    assert all(9 <= hour.hour < 18 for hour in hours)
    weekdays = [
        one.at.astimezone(ZoneInfo(zone)).weekday() for one in life.mails if one.step == "note"
    ]
    assert all(day < 5 for day in weekdays)
    assert weekdays


def test_a_standing_that_the_clock_changes_is_told_at_its_time() -> None:
    life = Life().begins().days(20)
    revoked = [
        entry for entry in life.place.timeline.entries.values() if entry.type == "access.revoked"
    ]
    assert [entry.at for entry in revoked] == [START + 14 * DAY]


LIVES = st.lists(
    st.tuples(
        st.integers(0, 40 * 24),
        st.sampled_from(
            [
                "card",
                "no card",
                "milestone",
                "cancel",
                "uncancel",
                "end",
                "extend",
                "shorten",
                "unsubscribe",
                "subscribe",
                "pay",
            ]
        ),
    ),
    max_size=6,
)


def live(script: list[tuple[int, str]], life: Life) -> Life:
    """Do what the script says at its hours; `life.wishes` remembers who did not want mail when."""
    life.begins()
    wishes: list[tuple[datetime, bool]] = []
    for hour, what in sorted(script):
        life.advance(START + timedelta(hours=hour))
        now = life.now.at
        match what:
            case "card" | "no card":
                life.tell(life.customer("pm_1" if what == "card" else None))
            case "milestone":
                life.tell(MilestoneReached("connected_data", now))
            case "cancel" | "uncancel":
                life.changes(cancel_at_period_end=what == "cancel")
            case "end":
                life.changes(status="canceled", ended_at=now)
            case "extend" | "shorten":
                end = max(
                    now + DAY,
                    (life.trial.trial_end or now) + (10 if what == "extend" else -5) * DAY,
                )
                life.changes(trial_end=end, period_end=end)
            case "unsubscribe" | "subscribe":
                wishes.append((now, what == "subscribe"))
                life.tell(ConsentGiven("lifecycle", what == "subscribe", now))
            case "pay":
                paid = Invoice(
                    "in_1",
                    "cus_1",
                    "paid",
                    life.trial.trial_end or now,
                    "sub_1",
                    "usd",
                    4900,
                    4900,
                    1,
                    True,
                )
                life.tell(InvoiceSnapshot(paid, now))
    life.days(60)
    assert_kept(life, wishes)
    return life


def assert_kept(life: Life, wishes: list[tuple[datetime, bool]]) -> None:
    """What must hold for every mail of every life."""
    assert len({one.key for one in life.mails}) == len(life.mails), "no step twice for one occasion"
    lifecycle = [one for one in life.mails if one.letter.tags["stream"] == "lifecycle"]
    for one in life.mails:
        step = STEPS[one.step]
        card = any(known.value.card for known in one.account.customers.values())
        for condition, holds in (
            ("card", card),
            ("no_card", not card),
            ("no_access", one.standing.access == "none"),
        ):
            assert condition not in step.only_if or holds, (one.step, condition)
        assert not (step.id == "note" and "connected_data" in one.account.milestones)
        moment = (
            datetime.fromtimestamp(int(one.letter.tags["occasion"]), UTC)
            if step.anchor == "trial_ends"
            else START
        )
        assert moment + step.offset - 3 * DAY <= one.at <= moment + step.offset + step.tolerance
        assert step.offset >= timedelta(0) or one.at <= moment, "what comes before comes before"
    for one in lifecycle:
        # Of the same second, what it may have been.
        wanted = [wish for at, wish in wishes if at < one.at or (at == one.at and wish)]
        assert not wanted or wanted[-1], "nothing after an unsubscription"
        week = [other for other in lifecycle if one.at - 7 * DAY < other.at <= one.at]
        today = [
            other
            for other in lifecycle
            if other.at.astimezone(LONDON).date() == one.at.astimezone(LONDON).date()
        ]
        assert len(week) <= 3
        assert len(today) <= 1, "the caps"


@examples(150)
@given(LIVES)
def test_no_life_gets_mail_that_does_not_apply(script: list[tuple[int, str]]) -> None:
    live(script, Life())


@examples(80)
@given(LIVES, st.integers(1, 120), st.booleans())
def test_a_crash_anywhere_changes_nothing_of_that(
    script: list[tuple[int, str]], n: int, reply_lost: bool
) -> None:
    live(script, Life(calls=crashing_after(n, reply_lost=reply_lost)))


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_life_interrupted_after_each_call_gets_each_mail_once(reply_lost: bool) -> None:
    """43."""
    counted = Life().begins().days(60)
    whole, total = counted.steps, len(counted.calls.made)
    assert total > 60
    lost = 0
    for n in range(1, total + 1):
        life = Life(calls=crashing_after(n, reply_lost=reply_lost)).begins().days(60)
        assert len({one.key for one in life.mails}) == len(life.mails)
        missing = [step for step in whole if step not in life.steps]
        # Between the claim and SES's answer nobody knows: lifecycle mail is then sent at most once.
        assert all(STEPS[step].stream == "lifecycle" for step in missing)
        lost += len(missing)
        assert len(missing) <= 1
    assert lost <= 2 * len(whole)


@examples(60)
@given(
    LIVES,
    st.lists(
        st.sampled_from(["", "throttled", "rejected", "lost after", "lost before"]), max_size=8
    ),
)
def test_whatever_ses_answers_nothing_goes_out_twice(
    script: list[tuple[int, str]], faults: list[str]
) -> None:
    life = Life()
    life.mailer.faults = faults
    live(script, life)


def test_a_message_that_ses_took_though_its_reply_was_lost_is_settled_by_its_event() -> None:
    life = Life()
    life.mailer.faults = ["lost after"]
    assert life.begins().days(1).steps == ["welcome"]
    assert {mailed.outcome for mailed in life.account.mails.values()} == {"sent"}


def test_an_event_of_ses_faster_than_our_own_note_makes_no_second_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = Life()
    send = life.mailer.send

    def heard_of_at_once(letter: EmailMessage) -> str:
        life.now.at += timedelta(seconds=1)
        id = send(letter)
        life.settle()
        return id

    monkeypatch.setattr(life.mailer, "send", heard_of_at_once)
    life.begins().days(1)
    assert life.steps == ["welcome"]
    assert [
        entry.type for entry in life.place.timeline.entries.values() if entry.kind == "mail"
    ] == ["mail.sent"]


def test_without_any_event_lifecycle_mail_stays_unclear_and_a_billing_notice_is_sent_again() -> (
    None
):
    life = Life(sends_events=False)
    life.mailer.faults = ["lost after"]
    life.begins().days(2)
    assert life.steps == ["welcome"]
    assert [mailed.outcome for mailed in life.account.mails.values()] == ["unclear"]
    life.mailer.faults = ["lost before"]
    life.tell(ConsentGiven("lifecycle", False, life.now.at)).days(16)
    assert life.steps == ["welcome", "ended"]


def test_over_the_daily_quota_mail_waits_and_is_not_lost() -> None:
    life = Life()
    life.mailer.room = False
    life.begins().advance(START + timedelta(hours=20))
    assert life.steps == []
    life.mailer.room = True
    assert life.days(1.5).steps == ["welcome"]


def test_three_sweeps_at_once_send_no_mail_twice() -> None:
    life = Life().begins()
    for _ in range(3):
        life.place.act_queue.send({"account_id": ACCOUNT})
    life.place.mail_queue.send({"account_id": ACCOUNT, "key": "welcome@sub_1"})
    life.work()
    life.work()
    assert life.steps == ["welcome"]


def test_an_account_without_an_address_is_written_nothing() -> None:
    life = Life().begins()
    nobody = life.customer(None)
    life.tell(replace(nobody, customer=replace(nobody.customer, email=None)))
    assert life.days(20).steps == []


def test_a_card_on_the_subscription_is_a_card_in_what_the_mail_says_too() -> None:
    life = Life().begins(card="pm_1").changes(card="pm_1").days(8)
    assert "We have not asked for a card" not in life.mails[0].letter.text
    assert life.steps == ["welcome", "notice"]


def test_a_billing_notice_that_is_unclear_at_closing_time_goes_out_the_next_morning() -> None:
    life = (
        Life(sends_events=False).begins().advance(START + 7 * DAY + timedelta(hours=8, minutes=25))
    )
    life.mailer.faults = ["lost before"]
    life.tell(life.customer("pm_1")).advance(START + 7 * DAY + timedelta(hours=8, minutes=26))
    assert "notice" not in life.steps
    life.mailer.room = False
    life.advance(START + 7 * DAY + timedelta(hours=9, minutes=1))
    life.mailer.room = True
    assert life.days(9).steps.count("notice") == 1


def test_a_signup_that_bought_at_once_and_left_hears_nothing_of_its_trial() -> None:
    life = Life()
    signed_up = replace(Account(ACCOUNT), signup=Signup("pro", START + 14 * DAY, START))
    life.place.accounts.save(
        Account(ACCOUNT), next_version(Account(ACCOUNT), signed_up, POLICY, START)
    )
    life.tell(life.customer(None))
    life.trial = replace(TRIAL, status="active", trial_start=None, trial_end=None)
    life.changes().days(1)
    life.changes(status="canceled", ended_at=life.now.at).days(60)
    assert life.steps == []


def test_a_dead_account_is_tried_once_more_when_there_is_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = Life().begins()
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.domain.schedule.processing.dispatch", None)
        while life.account.due_at:
            life.now.at = max(life.now.at, life.account.due_at)
            life.work()
    assert life.account.due_at is None
    life.tell(life.customer("pm_1")).days(13.9)
    assert "notice" in life.steps
    assert life.account.failures == 0
