"""Billing notices to an address that nobody has proved, and notices of what is done and undone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.profile import Profile, ProfileChange
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.mailbox_limits import Mailbox, without_mail
from chalicelib.domain.messaging.notice_limits import (
    A_DAY,
    A_MONTH,
    MONTH,
    REPEATS_A_DAY,
    is_bounded,
    is_repeated,
    with_notice,
)
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from tests.fakes.lifecycles import DAY, START
from tests.fakes.services import SHIPPED

HOUR = timedelta(hours=1)
STEPS = {step.id: step for step in (*SHIPPED.steps, *TRANSACTIONAL_STEPS)}
PROVED = Account("acc_1", profile=Profile("ada@example.com"), proved_at=START)


def sent_every(gap: timedelta, until: timedelta, about: str = "") -> list[timedelta]:
    """When notices go out that are due every `gap`, each about something else unless told."""
    found, mailbox, at = [], Mailbox(), START
    while at < START + until:
        counted = with_notice(mailbox, f"{at}", about or f"{at}", at)
        if counted:
            mailbox = counted
            found.append(at - START)
        at += gap
    return found


def test_a_mailbox_gets_a_few_notices_a_day_and_a_month() -> None:
    assert sent_every(HOUR, DAY) == [n * HOUR for n in range(A_DAY)]
    assert len(sent_every(HOUR, MONTH)) == A_MONTH
    assert len(sent_every(HOUR, 2 * MONTH)) == 2 * A_MONTH


def test_the_same_notice_about_the_same_thing_goes_out_once_a_day() -> None:
    assert sent_every(HOUR, 3 * DAY, "goodbye of sub_1") == [0 * DAY, 1 * DAY, 2 * DAY]


def test_a_notice_that_is_delivered_twice_counts_once_and_one_that_ses_refused_does_not() -> None:
    once = with_notice(Mailbox(), "acc_1 a", "a", START)
    assert once
    assert with_notice(once, "acc_1 a", "a", START) == once
    assert without_mail(once, "acc_1 a") == Mailbox()


@pytest.mark.parametrize("step", ["failed", "last_try", "goodbye", "notice", "plan_changed"])
def test_notices_are_bounded_until_the_address_is_proved(step: str) -> None:
    moved = replace(PROVED, profile_changes={"email": ProfileChange(START + DAY, "stripe")})
    assert not is_bounded(STEPS[step], PROVED)
    assert is_bounded(STEPS[step], moved)
    assert is_bounded(STEPS[step], replace(PROVED, proved_at=None))


@pytest.mark.parametrize("step", ["email_changed", "withdrawn", "sign_in", "three_days"])
def test_other_messages_are_not_bounded_as_notices(step: str) -> None:
    assert not is_bounded(STEPS[step], replace(PROVED, proved_at=None))


def test_what_is_done_and_undone_all_day_is_told_a_few_times() -> None:
    record = MessageRecord("sent", START, "billing")
    told = {f"goodbye@sub_1-{n}": record for n in range(REPEATS_A_DAY)}
    account = replace(PROVED, mails=told)
    assert is_repeated(account, STEPS["goodbye"], START + HOUR)
    assert not is_repeated(account, STEPS["goodbye"], START + DAY)
    assert not is_repeated(account, STEPS["failed"], START + HOUR)
    held_back = {key: replace(record, outcome="over_limit") for key in told}
    assert not is_repeated(replace(PROVED, mails=held_back), STEPS["goodbye"], START + HOUR)
