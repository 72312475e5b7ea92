"""Counters of messages by week and step."""

from datetime import date
from typing import Any

from chalicelib.aws.mail.mail_counts import MailCounts
from chalicelib.domain.messaging.mail_counts import MailCount
from tests.adapters.aws.conftest import TABLE

FIRST, SECOND, THIRD = date(2026, 2, 23), date(2026, 3, 2), date(2026, 3, 9)


def test_each_week_and_step_has_its_own_numbers(dynamodb: Any) -> None:
    counts = MailCounts(TABLE, dynamodb)
    for week, step, name in (
        (FIRST, "welcome", "sent"),
        (SECOND, "welcome", "sent"),
        (SECOND, "welcome", "sent"),
        (SECOND, "welcome", "delivered"),
        (SECOND, "broadcast@spring", "bounced"),
        (THIRD, "welcome", "complained"),
    ):
        counts.count(week, step, name)
    assert counts.of_weeks(SECOND, SECOND) == [
        MailCount("broadcast@spring", bounced=1),
        MailCount("welcome", sent=2, delivered=1),
    ]
    assert counts.of_weeks(FIRST, THIRD)[0] == MailCount("welcome", sent=1)
    assert len(counts.of_weeks(FIRST, THIRD)) == 4
    assert counts.of_weeks(date(2027, 1, 4), date(2027, 2, 1)) == []
