"""Which conditions hold by what AWS counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.domain.schedule.watch.readings import Readings, found_in, is_silent

QUIET = Readings(webhooks=(0.0,) * 168)
MINUTES = timedelta(minutes=1)
BUSY = ((3.0,) * 8 + (0.0,) * 16) * 7
"""A week with webhooks in eight hours of each day."""

CASES = [
    ("DeadLetters", replace(QUIET, dead_letters=1), "1", QUIET),
    (
        "EventsWaitLong",
        replace(QUIET, waits={"EventsWaitLong": 16 * MINUTES}),
        "16 minutes",
        replace(QUIET, waits={"EventsWaitLong": 15 * MINUTES}),
    ),
    (
        "ActsWaitLong",
        replace(QUIET, waits={"ActsWaitLong": 16 * MINUTES}),
        "16 minutes",
        replace(QUIET, waits={"ActsWaitLong": 15 * MINUTES}),
    ),
    (
        "MailsWaitLong",
        replace(QUIET, waits={"MailsWaitLong": 61 * MINUTES}),
        "61 minutes",
        replace(QUIET, waits={"MailsWaitLong": 60 * MINUTES}),
    ),
    (
        "WebhooksRefused",
        replace(QUIET, webhooks_refused=5),
        "5",
        replace(QUIET, webhooks_refused=4),
    ),
    (
        "WebhooksFailing",
        replace(QUIET, errors={"WebhookHandler": 1}),
        "1",
        replace(QUIET, errors={"APIHandler": 1}),
    ),
    ("WebhooksFailing", replace(QUIET, throttles={"WebhookHandler": 2}), "2", QUIET),
    ("WebhooksFailing", replace(QUIET, webhooks_not_queued=1), "1", QUIET),
    ("CallsFailing", replace(QUIET, answers_5xx=3), "3", replace(QUIET, answers_5xx=2)),
    (
        "FunctionErrors",
        replace(QUIET, errors={"SweepDue": 3, "CarryOut": 2}),
        "SweepDue 3",
        replace(QUIET, errors={"SweepDue": 2, "CarryOut": 2}),
    ),
    (
        "FunctionThrottles",
        replace(QUIET, throttles={"SendMails": 9, "ActOnAccounts": 3}),
        "ActOnAccounts 3, SendMails 9",
        replace(QUIET, throttles={"SendMails": 2}),
    ),
    ("BounceRate", replace(QUIET, bounce_rate=0.041), "4.10%", replace(QUIET, bounce_rate=0.04)),
    (
        "ComplaintRate",
        replace(QUIET, complaint_rate=0.00081),
        "0.08%",
        replace(QUIET, complaint_rate=0.0008),
    ),
    (
        "WebhooksSilent",
        replace(QUIET, webhooks=BUSY[:-16] + (0.0,) * 16),
        "",
        replace(QUIET, webhooks=BUSY),
    ),
]


@pytest.mark.parametrize(("name", "read", "details", "not_yet"), CASES)
def test_a_condition_holds_above_its_limit_and_not_at_it(
    name: str, read: Readings, details: str, not_yet: Readings
) -> None:
    if name == "WebhooksSilent":
        read = replace(read, webhooks=(*read.webhooks[24:], *(0.0,) * 24))
    assert found_in(read) == {name: details}
    assert name not in found_in(not_yet)


def test_every_condition_that_a_look_notices_has_its_reading() -> None:
    looked_for = {name for name, row in CONDITIONS.items() if row.noticed == "look"}
    assert {name for name, *_ in CASES} == looked_for


def test_a_quiet_stage_needs_nobody() -> None:
    assert found_in(QUIET) == found_in(Readings()) == {}


def test_a_day_without_webhooks_is_silent_only_where_they_usually_come() -> None:
    quiet, day = ((1.0,) + (0.0,) * 23) * 7, (0.0,) * 24
    assert not is_silent(()), "a new stage never had any"
    assert not is_silent(quiet[24:] + day), "one a day is too few to miss"
    assert not is_silent(BUSY), "its nights are quiet"
    assert is_silent(BUSY[24:] + day)
    assert not is_silent(day * 7), "and not for ever"
