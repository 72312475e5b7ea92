"""Hours, caps and tolerances, over the changes of summer time too."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import get_day_names
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.backoff import BACKOFF
from chalicelib.domain.messaging.due_messages import QUEUED_PATIENCE, due_messages, due_now
from chalicelib.domain.messaging.occasions import occasions
from chalicelib.domain.policy.sequences import Hours
from chalicelib.domain.schedule.due_work import due_work, is_dead
from chalicelib.domain.schedule.growth import MAILS_KEPT
from chalicelib.domain.schedule.versions import failed, next_version, rescheduled
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.outreach.rendering import missing
from chalicelib.outreach.samples import SAMPLES
from chalicelib.outreach.variables import variables
from tests.fakes.lifecycles import DAY, START, TRIAL
from tests.fakes.services import POLICY

OFFICE = Hours(frozenset(range(5)), 9, 18)
ZONES = [
    "Europe/London",
    "America/New_York",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "America/Santiago",
    "Africa/Cairo",
    "UTC",
]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(MOMENTS, st.sampled_from(ZONES))
def test_the_next_working_hour_is_one_and_none_lies_between(moment: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    found = OFFICE.next(moment, zone)
    assert found >= moment
    local = found.astimezone(zone)
    assert local.weekday() < 5
    assert 9 <= local.hour < 18
    if found > moment:
        for minutes in range(15, int((found - moment).total_seconds() // 60), 45):
            between = (moment + timedelta(minutes=minutes)).astimezone(zone)
            assert between.weekday() >= 5 or not 9 <= between.hour < 18
    assert OFFICE.next(found, zone) == found


@given(MOMENTS, st.sampled_from(ZONES))
def test_the_working_hour_before_is_one(moment: datetime, name: str) -> None:
    found = OFFICE.before(moment, ZoneInfo(name))
    local = found.astimezone(ZoneInfo(name))
    assert moment - 4 * DAY <= found <= moment
    assert local.weekday() < 5
    assert 9 <= local.hour < 18


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_nine_o_clock_is_nine_o_clock_when_the_clocks_change(day: date) -> None:
    zone = ZoneInfo("Europe/Vienna")
    every_day = replace(OFFICE, days=frozenset(range(7)))
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    assert (
        every_day.next(midnight, zone).astimezone(zone).strftime("%d %H:%M") == f"{day.day} 09:00"
    )


LINKS = {
    name: f"https://b.example/{name}"
    for name in ("unsubscribe_url", "preferences_url", "billing_url", "link_url", "feedback_url")
}


def trialing(card: str | None = None, **profile: str) -> Account:
    account = replace(Account("acc_1"), profile=Profile(**profile))  # type: ignore[arg-type]
    updated = apply(
        account,
        CustomerSnapshot(Customer("cus_1", "ada@example.com", "Ada Byron", card), FromEvent(START)),
    )
    return next_version(
        account, apply(updated, SubscriptionSnapshot(TRIAL, FromEvent(START))), POLICY, START
    )


def test_of_several_the_one_nearest_its_end_goes_first_and_only_that_one() -> None:
    account = trialing()
    at = START + 13 * DAY + timedelta(hours=1)
    ready = due_now(account, POLICY, at)
    assert [mail.step.id for mail in ready] == ["one_day"]
    both = [
        mail.step.id
        for mail in due_messages(account, POLICY, START + 11 * DAY)
        if mail.at <= START + 11 * DAY and not mail.missed
    ]
    assert "three_days" in both


def test_billing_notices_pass_the_cap_and_are_not_counted() -> None:
    noticed = trialing("pm_1")
    seven = START + 7 * DAY
    full = replace(
        noticed,
        mails={
            f"x{n}@0": MessageRecord("sent", seven - timedelta(hours=n), "lifecycle")
            for n in range(3)
        },
    )
    assert [mail.step.id for mail in due_now(full, POLICY, seven)] == ["notice"]


def test_the_caps_move_lifecycle_mail_and_never_drop_it_in_time() -> None:
    account = trialing()
    three = START + 11 * DAY
    full = replace(
        account,
        mails={
            f"x{n}@0": MessageRecord("sent", three - timedelta(days=n, hours=1), "lifecycle")
            for n in range(3)
        },
    )
    (mail,) = [mail for mail in due_messages(full, POLICY, three) if mail.step.id == "three_days"]
    assert mail.at >= three + 4 * DAY - timedelta(hours=1)
    assert mail.missed


def test_what_is_queued_is_looked_after_and_then_planned_again() -> None:
    account = replace(
        trialing(), mails={"welcome@sub_1": MessageRecord("queued", START, "lifecycle")}, outbox=()
    )
    assert "welcome" not in [mail.step.id for mail in due_messages(account, POLICY, START + DAY)]
    assert due_work(account, POLICY, START)[0].at == START + QUEUED_PATIENCE


def test_what_can_never_be_due_again_is_forgotten() -> None:
    old = {
        "one_day@123": MessageRecord("sent", START, "lifecycle"),
        "welcome@sub_1": MessageRecord("sent", START, "lifecycle"),
    }
    account = replace(trialing(), mails=old)
    assert set(rescheduled(account, POLICY, START + MAILS_KEPT - DAY).mails) == set(old)
    assert set(rescheduled(account, POLICY, START + MAILS_KEPT + DAY).mails) == {"welcome@sub_1"}


def test_an_act_that_fails_rests_longer_each_time_and_then_for_good() -> None:
    account, rests = trialing(), []
    for _ in BACKOFF:
        account = failed(account, START)
        assert account.due_at
        rests.append(account.due_at - START)
    assert rests == list(BACKOFF)
    account = failed(account, START)
    assert (account.due_at, is_dead(account)) == (None, True)
    assert rescheduled(account, POLICY, START).due_at is None, "news does not wake it"


def test_occasions_are_told_apart() -> None:
    ends = {occasion.id for occasion in occasions(trialing(), POLICY)}
    later = replace(TRIAL, trial_end=START + 20 * DAY)
    extended = apply(
        trialing(), SubscriptionSnapshot(later, FromEvent(START + timedelta(seconds=20)))
    )
    assert {occasion.anchor for occasion in occasions(trialing(), POLICY)} == {
        "trial_started",
        "trial_ends",
        "milestone_waits",
    }
    assert len(ends - {occasion.id for occasion in occasions(extended, POLICY)}) == 1


def test_every_day_is_said_in_the_readers_language() -> None:
    mail = due_messages(trialing(), POLICY, START)[0]
    told = [
        *variables(trialing("pm_1"), mail, POLICY, START, LINKS, "de").values(),
        *SAMPLES["de"]["ended"].values(),
    ]
    said = [value for value in told if isinstance(value, str)]
    english, german = (get_day_names("wide", locale=language).values() for language in ("en", "de"))
    assert not [value for value in said if any(day in value for day in english)]
    assert any(day in value for value in said for day in german)


def test_every_variable_of_the_templates_is_there_for_every_kind_of_account() -> None:
    nobody = replace(
        Account("acc_1"), standing=trialing().standing, subscriptions=trialing().subscriptions
    )
    for account in (trialing(), trialing("pm_1"), trialing(name="", timezone="Asia/Tokyo"), nobody):
        mail = due_messages(trialing(), POLICY, START)[0]
        given_ones = variables(account, mail, POLICY, START, LINKS)
        assert set(given_ones) == set(SAMPLES["en"]["without_card"])
        for step in POLICY.steps:
            assert missing(step.message, given_ones) == ()


def test_a_letter_speaks_of_days_in_the_customers_zone() -> None:
    mail = next(
        mail for mail in due_messages(trialing(), POLICY, START) if mail.step.id == "three_days"
    )
    said = variables(trialing(timezone="Pacific/Auckland"), mail, POLICY, START + 11 * DAY, LINKS)
    assert said["trial_ends_at"] == "Monday, 16 March 2026 at 22:00 (Pacific/Auckland)"
    assert (said["days_left"], said["days_left_words"]) == (3, "3 days")
    assert (said["greeting"], said["plan"], said["price"]) == (
        "Hello Ada,",
        "Pro",
        "$49.00 a month",
    )
