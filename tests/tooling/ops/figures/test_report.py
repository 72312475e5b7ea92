"""The counts of the report, and the intervals of its differences."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.events.timeline import Timelines
from chalicelib.domain.changes.timeline import EVENTS_KEPT, Entry
from chalicelib.domain.figures.interval import difference, wilson
from chalicelib.usecases.messaging.delivery_feedback import take_feedback
from local.aws import ses_events
from ops.rehearsal.customers import CUSTOMERS
from ops.rehearsal.script import script
from ops.report.counting import WITHIN, Counting, Line
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.conftest import boto3_table as dynamodb  # noqa: F401 - the fixture
from tests.fakes.figures.recount import recount
from tests.fakes.grids import examples
from tests.fakes.lifecycles import START, Life
from tests.fakes.services import POLICY, FakeServices
from tests.tooling.ops.test_ops import run

DAY = timedelta(days=1)
T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("of", "ends"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
    ],
)
def test_the_interval_has_the_published_values(
    of: tuple[int, int, int, int], ends: tuple[float, float]
) -> None:
    """Newcombe 1998, table II, method 10."""
    found = difference(*of)
    assert found
    assert found[0] == pytest.approx(of[0] / of[1] - of[2] / of[3])
    assert (round(found[1], 4), round(found[2], 4)) == ends


def test_wilsons_limits_are_the_published_ones() -> None:
    """Newcombe 1998 (Statistics in Medicine 17, pages 857 to 872), table I, method 3."""
    assert [round(end, 4) for end in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(end, 4) for end in wilson(15, 148)] == [0.0624, 0.1605]
    assert [round(end, 4) for end in wilson(0, 20)] == [0.0, 0.1611]


def test_without_cases_there_is_no_difference() -> None:
    assert difference(0, 0, 1, 2) is None
    assert difference(1, 2, 0, 0) is None


def sent(account: str, key: str, at: datetime, outcome: str = "sent") -> Entry:
    return Entry(account, at, "mail", key, f"mail.{outcome}", {"stream": "lifecycle"})


def notice(account: str, key: str, at: datetime, type: str) -> Entry:
    return Entry(
        account,
        at,
        "mail",
        f"ses-{account}-{key}.{type}",
        type,
        {"message": key, "ses_id": "ses-1"},
    )


def happened(account: str, at: datetime, type: str = "trial.converted", **data: Any) -> Entry:
    return Entry(account, at, "happening", f"{account}.0.{at.timestamp():.0f}.{type}", type, data)


def lines(*entries: Entry, now: datetime = T + 90 * DAY) -> dict[str, Line]:
    counting = Counting()
    counting.add(entries)
    return {line.step: line for line in counting.lines(now)}


def test_a_conversion_counts_for_what_was_sent_in_the_fourteen_days_before_it() -> None:
    found = lines(
        *(sent(account, "note@1", T) for account in "abc"),
        happened("a", T + WITHIN),
        happened("b", T + WITHIN + timedelta(seconds=1)),
        happened("c", T - timedelta(seconds=1)),
    )
    assert found["note"] == Line("note", sent=3, converted=1)


def test_who_comes_back_has_converted_and_who_only_replaces_a_card_has_not() -> None:
    back = {"access_before": "none", "reason": "active"}
    found = lines(
        *(sent(account, "gone@1", T) for account in "abc"),
        happened("a", T + DAY, "access.granted", **back),
        happened("b", T + DAY, "access.granted", access_before="limited", reason="active"),
        happened("c", T + DAY, "access.granted", access_before="none", reason="trialing"),
    )
    assert found["gone"].converted == 1


def test_a_conversion_told_in_two_ways_is_one_and_belongs_to_the_last_message_of_its_step() -> None:
    found = lines(
        sent("a", "three_days@1", T),
        sent("a", "three_days@2", T + 5 * DAY),
        sent("a", "note@1", T),
        happened("a", T + 6 * DAY),
        happened("a", T + 6 * DAY, "access.granted", access_before="none", reason="active"),
    )
    assert (found["three_days"].sent, found["three_days"].converted, found["note"].converted) == (
        2,
        1,
        1,
    )


def test_what_was_held_out_is_counted_beside() -> None:
    found = lines(
        *(sent(f"s{n}", "note@1", T) for n in range(70)),
        *(sent(f"h{n}", "note@1", T, "held_out") for n in range(80)),
    )
    assert found["note"] == Line("note", sent=70, held_out=80)
    converted = [happened(f"s{n}", T + DAY) for n in range(56)] + [
        happened(f"h{n}", T + DAY) for n in range(48)
    ]
    found = lines(
        *(sent(f"s{n}", "note@1", T) for n in range(70)),
        *(sent(f"h{n}", "note@1", T, "held_out") for n in range(80)),
        *converted,
    )
    assert (found["note"].converted, found["note"].held_out_converted) == (56, 48)
    assert found["note"].difference == difference(56, 70, 48, 80)


def test_a_message_whose_reply_was_lost_is_known_by_ses_alone() -> None:
    unclear = Entry("a", T, "mail", "note@1", "mail.unclear", {"stream": "lifecycle"})
    found = lines(
        unclear,
        notice("a", "note@1", T + DAY, "mail.accepted"),
        notice("a", "note@1", T + DAY, "mail.delivered"),
    )
    assert found["note"] == Line("note", sent=1, delivered=1)
    assert lines(unclear) == {}
    assert lines(sent("a", "note@1", T), notice("a", "note@1", T, "mail.rejected")) == {}, (
        "SES took it, and did not send it after all"
    )


def test_a_loss_is_attributed_to_the_last_message_before_it() -> None:
    left = Entry(
        "a", T + 2 * DAY, "mail", "lifecycle", "mail.unsubscribed", {"stream": "lifecycle"}
    )
    found = lines(
        sent("a", "welcome@1", T),
        sent("a", "note@1", T + DAY),
        sent("a", "one_day@1", T + 3 * DAY),
        left,
        left,
    )
    assert [(step, line.unsubscribed) for step, line in sorted(found.items())] == [
        ("note", 1),
        ("one_day", 0),
        ("welcome", 0),
    ]


def test_each_broadcast_is_a_line_of_its_own() -> None:
    assert list(lines(sent("a", "broadcast@spring", T), sent("a", "broadcast@autumn", T))) == [
        "broadcast@autumn",
        "broadcast@spring",
    ]


def test_messages_whose_time_is_not_over_are_counted_as_young() -> None:
    assert (
        lines(sent("a", "note@1", T), sent("b", "note@1", T - WITHIN), now=T + DAY)["note"].young
        == 1
    )


HOURS = st.integers(0, 60 * 24).map(lambda hour: T + timedelta(hours=hour))
NAMES = st.sampled_from(["a", "b", "c"])
KEYS = st.sampled_from(["welcome@1", "note@1", "note@2", "broadcast@spring", "broadcast@autumn"])
FATES = st.sampled_from(
    [
        (),
        ("accepted",),
        ("accepted", "delivered"),
        ("delivered",),
        ("rejected",),
        ("accepted", "bounced"),
        ("complained",),
    ]
)
MESSAGES = st.dictionaries(
    st.tuples(NAMES, KEYS),
    st.tuples(HOURS, st.sampled_from(["sent", "held_out", "unclear"]), FATES),
    max_size=12,
)
CONVERSIONS = st.lists(st.tuples(NAMES, HOURS, st.booleans()), max_size=6)
LEAVINGS = st.lists(st.tuples(NAMES, HOURS), max_size=4)


def log_of(messages: Any, conversions: Any, leavings: Any, late: int) -> list[Entry]:
    entries = []
    for (account, key), (at, outcome, fates) in messages.items():
        entries.append(sent(account, key, at, outcome))
        entries += [
            notice(account, key, at + timedelta(hours=late), f"mail.{fate}")
            for fate in fates
            if outcome != "held_out"
        ]
    for account, at, back in conversions:
        entries.append(
            happened(account, at, "access.granted", access_before="none", reason="active")
            if back
            else happened(account, at)
        )
    return entries + [
        Entry(account, at, "mail", "lifecycle", "mail.unsubscribed", {"stream": "lifecycle"})
        for account, at in leavings
    ]


@examples(200)
@given(MESSAGES, CONVERSIONS, LEAVINGS, st.integers(0, 72), st.randoms(use_true_random=False))
def test_doubled_late_and_shuffled_entries_count_as_a_recount_does(
    messages: Any, conversions: Any, leavings: Any, late: int, chance: random.Random
) -> None:
    entries = log_of(messages, conversions, leavings, late)
    now = T + 30 * DAY
    whole = Counting()
    whole.add(entries)
    doubled = entries + chance.sample(entries, chance.randint(0, len(entries)))
    chance.shuffle(doubled)
    again = Counting()
    for entry in doubled:
        again.add([entry])
    assert whole.lines(now) == again.lines(now) == recount(entries, now)


def test_the_report_counts_the_messages_of_the_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of customers' lives in memory, SES's notices doubled and late."""
    half = replace(
        POLICY,
        steps=tuple(
            replace(step, hold_out=0.5 if step.stream == "lifecycle" else 0.0)
            for step in POLICY.steps
        ),
    )
    entries: list[Entry] = []
    boxes: list[str] = []
    for number in range(2 * len(CUSTOMERS)):
        monkeypatch.setattr("tests.fakes.lifecycles.ACCOUNT", f"acc_{number}")
        life = Life(place=FakeServices(policy=half))
        for heard in script(CUSTOMERS[number % len(CUSTOMERS)], half, START, 60):
            life.advance(heard.at) if life.place.accounts.items else None
            life.tell(*heard.facts)
            life.work()
        life.days(60)
        for one in [*life.mails, *life.mails]:
            for kind in ("delivery", "send"):
                told = ses_events.event(kind, one.letter, f"ses-{one.key}", one.at, "set")
                take_feedback(json.dumps(told), life.services, life.claims, life)
        entries += life.place.timeline.entries.values()
        boxes += life.steps
    counting = Counting()
    counting.add(entries)
    found = counting.lines(START + 90 * DAY)
    assert {line.step: line.sent for line in found if line.sent} == {
        step: boxes.count(step) for step in boxes
    }
    assert {line.step: line.delivered for line in found} == {line.step: line.sent for line in found}
    assert found == recount(
        [
            entry
            for entry in entries
            if entry.kind in {"mail", "happening"} and entry.type != "mail.passed"
        ],
        START + 90 * DAY,
    )
    assert sum(line.held_out for line in found) > 5
    assert sum(line.converted + line.held_out_converted for line in found) > 5


@pytest.fixture
def table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("ops.report.reading.client", lambda: dynamodb)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    return dynamodb


def test_it_is_read_from_the_table_in_one_pass(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, new = now - 30 * DAY, now - 2 * DAY
    Timelines(TABLE, table).put([
        *(sent(f"s{n}", "note@1", old) for n in range(7)),
        *(sent(f"h{n}", "note@1", old, "held_out") for n in range(7)),
        *(happened(f"s{n}", old + DAY) for n in range(6)),
        *(happened(f"h{n}", old + DAY) for n in range(2)),
        sent("s1", "welcome@1", new),
        sent("s1", "welcome@0", now - 91 * DAY),
        Entry("s1", new, "stripe", "evt_1", "invoice.paid", {}, EVENTS_KEPT),
    ])  # fmt: skip
    status, out, _ = run(capsys, "mail", "report")
    assert status == 0
    note, welcome = (
        line.split() for line in out.splitlines() if line.startswith(("note", "welcome"))
    )
    assert note == [
        "note",
        "7",
        "0",
        "0",
        "6",
        "(85.7%)",
        "7",
        "2",
        "(28.6%)",
        "+57.1%",
        "(+5.8%",
        "to",
        "+80.6%)",
    ]
    assert welcome == ["welcome", "1", "0", "0", "0", "(0.0%)", "-", "-", "-"]
    assert "1 are younger than 14 days" in out
    assert "23 entries were counted; to read the table took" in out


def test_the_report_is_available_as_json(table: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Timelines(TABLE, table).put(
        [
            sent("a", "note@1", datetime.now(UTC) - DAY),
            sent("b", "note@1", datetime.now(UTC) - DAY, "held_out"),
        ]
    )
    (note,) = json.loads(run(capsys, "mail", "report", "--json", "--since", "2d")[1])["steps"]
    assert (note["step"], note["sent"], note["held_out"]) == ("note", 1, 1)
    assert note["difference"]["low"] < note["difference"]["is"] == 0 < note["difference"]["high"]
    assert json.loads(run(capsys, "mail", "report", "--json", "--since", "2h")[1])["steps"] == []


def test_a_report_without_messages_says_so_and_a_wrong_duration_is_an_error(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing was sent or held out." in run(capsys, "mail", "report")[1]
    status, _, err = run(capsys, "mail", "report", "--since", "yesterday")
    assert (status, err) == (
        1,
        "--since must be a length of time such as 90d or 12h, not yesterday.\n",
    )
