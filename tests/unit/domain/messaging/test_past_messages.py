"""Messages of the past: their state by what was told of them, and their occasions by their keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.messages import Broadcast, MessageRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.messaging.past_messages import (
    REPORTS,
    STATES,
    occasion_of,
    past_messages,
    step_of,
)
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS, Step
from tests.fakes.services import POLICY

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = "welcome@signup"


def sent(key: str = KEY, outcome: str = "sent") -> dict[str, MessageRecord]:
    return {key: MessageRecord(outcome, T, "lifecycle")}


def told(type: str, at: datetime = T, key: str = KEY, **data: Any) -> Entry:
    return Entry("acc_1", at, "mail", f"0100.{type}", type, {"message": key, **data})


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ((), "sent"),
        (("mail.accepted",), "sent"),
        (("mail.accepted", "mail.delivered"), "delivered"),
        (("mail.delayed", "mail.delivered"), "delivered"),
        (("mail.delivered", "mail.complained"), "complained"),
        (("mail.delivered", "mail.bounced"), "bounced"),
        (("mail.rejected",), "rejected"),
    ],
)
def test_what_counts_most_of_all_that_was_told_is_the_state_in_any_order(
    reports: tuple[str, ...], state: str
) -> None:
    for order in (reports, reports[::-1]):
        (found,) = past_messages(sent(), [told(one) for one in order])
        assert found.state == state
        assert state in STATES


def test_every_report_and_every_outcome_has_words() -> None:
    assert set(REPORTS) < set(STATES)
    outcomes = {"queued", "sent", "passed", "refused", "held_out", "over_limit", "unclear"}
    assert outcomes < set(STATES)


def test_a_message_that_the_account_forgot_is_known_by_its_timeline() -> None:
    entries = [
        Entry("acc_1", T, "mail", KEY, "mail.sent", {"stream": "billing"}),
        told("mail.delivered", T + timedelta(minutes=1)),
    ]
    (found,) = past_messages({}, entries)
    assert (found.key, found.at, found.stream) == (KEY, T, "billing")
    assert found.state == "delivered"
    (held,) = past_messages({}, [Entry("acc_1", T, "mail", KEY, "mail.held_out", {})])
    assert held.state == "held_out"


def test_the_newest_message_is_first_and_copies_and_other_entries_count_for_nothing() -> None:
    records = sent() | {"later@1": MessageRecord("sent", T + timedelta(days=1), "billing")}
    entries = [
        told("mail.bounced", copy=True),
        Entry("acc_1", T, "mail", "x", "mail.unsubscribed", {"stream": "lifecycle"}),
        Entry("acc_1", T, "happening", "acc_1.0.1.trial.started", "trial.started", {}),
        Entry("acc_1", T, "mail", "y", "mail.odd", None),
    ]
    found = past_messages(records, entries)
    assert [(one.key, one.state) for one in found] == [("later@1", "sent"), (KEY, "sent")]


def test_a_step_is_found_by_its_key_and_a_broadcast_by_its_name() -> None:
    account = Account("acc_1", broadcasts={"spring": Broadcast("win_back", "everyone", T)})
    broadcast = step_of("broadcast@spring", account, POLICY)
    assert broadcast
    assert broadcast.message == "win_back"
    assert step_of("broadcast@autumn", account, POLICY) is None
    assert step_of("no_such_step@1", account, POLICY) is None
    for step in (*POLICY.steps, *TRANSACTIONAL_STEPS):
        assert step_of(f"{step.id}@1", account, POLICY) == step


def step(anchor: str) -> Step:
    return Step("x", "x", anchor, timedelta(days=-3), "x", "lifecycle", timedelta(days=1))


@pytest.mark.parametrize(
    ("anchor", "id", "about", "moment"),
    [
        ("trial_ends", "1780000000", "", datetime.fromtimestamp(1780000000, UTC)),
        ("trial_started", "sub_1", "sub_1", T + timedelta(days=3)),
        ("trial_started", "signup-2", "", T + timedelta(days=3)),
        ("payment_failed", "in_1", "in_1", T + timedelta(days=3)),
        ("next_try", "in_1-2", "in_1", T + timedelta(days=3)),
        (
            "canceling",
            "sub_1-1780000000",
            "sub_1",
            datetime.fromtimestamp(1780000000, UTC),
        ),
        ("card_expires", "pm_1-2026-09", "pm_1", T + timedelta(days=3)),
        ("milestone_waits", "connected_data-sub_1", "connected_data", T + timedelta(days=3)),
        ("sign_in_asked", "1780000000-2", "", datetime.fromtimestamp(1780000000, UTC)),
        ("trial_ends", "odd", "", T + timedelta(days=3)),
    ],
)
def test_an_occasion_that_is_over_is_made_of_its_id(
    anchor: str, id: str, about: str, moment: datetime
) -> None:
    found, stands = occasion_of(step(anchor), id, T, Account("acc_1"), POLICY)
    assert not stands
    assert (found.anchor, found.id, found.about, found.moment) == (anchor, id, about, moment)


def test_an_occasion_that_stands_is_itself() -> None:
    account = Account("acc_1", broadcasts={"spring": Broadcast("win_back", "everyone", T)})
    wanted = step_of("broadcast@spring", account, POLICY)
    assert wanted
    found, stands = occasion_of(wanted, "spring", T + timedelta(days=2), account, POLICY)
    assert stands
    assert found.moment == T
