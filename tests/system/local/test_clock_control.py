"""The clock moved from one due moment to the next, and what SNS and SES stand-ins deliver."""

import re
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.runtime.clock import Clock
from local import clock_control
from local.aws import ses_bus, ses_events
from local.aws.progress import Progress
from local.aws.ses_bus import ATTEMPTS, BusTrigger
from local.client import Client
from local.clock_control import ROUNDS, ClockControl
from local.durations import length, moment

LETTER = EmailMessage(
    "Ada <ada@a.example>",
    "reader@example.com",
    "help@a.example",
    "Hello",
    "<p>",
    "text",
    {},
    {"account": "a", "step": "welcome"},
)


class Due:
    """What is due, by key; stands for the index and for the sweep that acts on it. `act` says when
    the item is due next.
    """

    def __init__(self, clock: Clock, act: Callable[[str, datetime], datetime | None]) -> None:
        self.waiting: dict[str, datetime] = {}
        self.acted: list[tuple[str, datetime]] = []
        self._clock, self._act = clock, act

    def wait(self) -> None:
        """All is at rest."""

    wait_for_own_work = wait

    def due(self) -> list[tuple[str, str]]:
        return sorted(
            (at.isoformat(timespec="microseconds").replace("+00:00", "Z"), f"ACCOUNT#{name}")
            for name, at in self.waiting.items()
        )

    def next_due(self) -> str | None:
        return next((at for at, _ in self.due()), None)

    def run(self) -> None:
        for name, at in sorted(self.waiting.items(), key=lambda pair: pair[1]):
            if at <= self._clock.now():
                self.acted.append((name, at))
                following = self._act(name, at)
                del self.waiting[name]
                if following:
                    self.waiting[name] = following


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(clock_control, "clock", clock)
    return clock


def works(due: Due) -> ClockControl:
    return ClockControl(due, due, Progress())  # type: ignore[arg-type]


def test_it_stops_at_each_due_moment_in_order(clock: Clock) -> None:
    start = clock.now()
    met: list[timedelta] = []

    def act(name: str, at: datetime) -> datetime | None:
        met.append(clock.now() - start)
        return (
            at + timedelta(days=2) if name == "twice" and at < start + timedelta(days=2) else None
        )

    due = Due(clock, act)
    due.waiting = {
        "twice": start + timedelta(days=1),
        "once": start + timedelta(days=2),
        "after": start + timedelta(days=30),
    }
    works(due).move_to(start + timedelta(days=10))
    assert [name for name, _ in due.acted] == ["twice", "once", "twice"]
    assert [round(passed / timedelta(days=1)) for passed in met] == [1, 2, 3]
    assert due.waiting.keys() == {"after"}
    assert clock.now() >= start + timedelta(days=10)


class Schedule:
    """A schedule that is always due, and what Stripe and the accounts have done so far: whatever it
    finds is put right, which is a change."""

    def __init__(self, clock: Clock) -> None:
        self.ran: list[timedelta] = []
        self.changes = self.to_find = 0
        self._clock, self._start = clock, clock.now()

    def is_due(self, now: datetime) -> bool:
        return True

    def run(self) -> None:
        self.ran.append(self._clock.now() - self._start)
        self.changes, self.to_find = self.changes + self.to_find, 0

    @property
    def days(self) -> list[int]:
        return [round(after / timedelta(days=1)) for after in self.ran]


class Stripe:
    """A Stripe in which nothing falls due."""

    def next_due(self) -> None:
        return None

    def catch_up(self) -> None:
        """Nothing is due."""

    def changes(self) -> int:
        return 0


def looked(clock: Clock, schedule: Schedule, other: Stripe | None, act: int | None = None) -> None:
    """A month, on whose day `act` something happens."""

    def happens(name: str, at: datetime) -> None:
        schedule.changes += 1
        schedule.to_find = 1

    due = Due(clock, happens)
    if act:
        due.waiting = {"once": clock.now() + timedelta(days=act)}
    works = ClockControl(
        due,  # type: ignore[arg-type]
        due,  # type: ignore[arg-type]
        Progress(),
        other,
        schedules=[schedule],  # type: ignore[list-item]
        changes=lambda: schedule.changes,
    )
    works.move_to(clock.now() + timedelta(days=30))


def test_the_schedules_run_until_what_happened_is_looked_over_and_then_rest(clock: Clock) -> None:
    schedule = Schedule(clock)
    looked(clock, schedule, Stripe(), act=10)
    # On day 10 the schedule finds something at once, which day 12 looks over.
    assert schedule.days == [2, 10, 12, 30]


def test_what_a_look_puts_right_is_looked_over_by_another(clock: Clock) -> None:
    schedule = Schedule(clock)
    schedule.to_find = 1
    looked(clock, schedule, Stripe())
    assert schedule.days == [2, 4, 30]


def test_of_a_stripe_that_nobody_sees_into_the_schedules_hear_each_week(clock: Clock) -> None:
    schedule = Schedule(clock)
    looked(clock, schedule, None)
    assert schedule.days == [7, 14, 21, 28, 30]


def test_the_look_at_the_stage_comes_before_the_sweep_that_would_miss_it(clock: Clock) -> None:
    start, watch = clock.now(), Schedule(clock)
    last_looks: list[int] = []

    def act(name: str, at: datetime) -> None:
        last_looks.append(watch.days[-1])

    due = Due(clock, act)
    due.waiting = {"first": start + timedelta(days=3), "second": start + timedelta(days=8)}
    moved = ClockControl(due, due, Progress(), watch=watch)  # type: ignore[arg-type]
    moved.move_to(start + timedelta(days=14))
    assert last_looks == [3, 8]
    assert watch.days == [3, 8, 14], "and at the end, for the next minute's sweep"


def test_a_stage_whose_clock_moves_by_weeks_counts_as_looked_at(system: Client) -> None:
    status, body = system.post("/signups", {"email": f"ada-{secrets.token_hex(4)}@example.com"})
    assert status == 201, body
    for _ in range(2):  # each grant ends with a sweep; the first only begins to count
        until = datetime.fromtimestamp(system.now(), UTC) + timedelta(days=20)
        grant = {"until": until.isoformat(), "note": "a test"}
        assert system.post(f"/accounts/{body['account_id']}/grants", grant)[0] == 200
        assert system.post("/_local/clock", {"advance": "3w"})[0] == 200
    operator = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    status, today = system.call("GET", "/admin", headers=operator)
    assert status == 200
    assert "What needs a person" in today
    assert "WatchStopped" not in today


def test_a_moment_of_the_machines_is_one_of_the_clock_as_it_was_then(clock: Clock) -> None:
    before = datetime.now(UTC)
    moved = works(Due(clock, lambda name, at: None))
    moved.move_to(clock.now() + timedelta(days=30))
    after = datetime.now(UTC)
    assert round((moved.by_own_clock(before) - before) / timedelta(days=1)) == 0
    assert round((moved.by_own_clock(after) - after) / timedelta(days=1)) == 30


def test_a_dead_letter_is_as_old_as_the_clock_says(system: Client) -> None:
    assert system.post("/_local/clock", {"advance": "3w"})[0] == 200
    sent, id = system.now(), f"evt_{secrets.token_hex(8)}"
    event = {"id": id, "object": "event", "type": "invoice.paid", "created": sent, "data": 5}
    assert system.send_event(event, system.state()["webhook_secret"], sent)[0] == 200
    system.settle()
    assert system.post("/_local/clock", {"advance": "2d"})[0] == 200
    operator = {"Authorization": f"Bearer {system.state()['admin_key']}"}
    status, page = system.call("GET", "/admin/health", headers=operator)
    assert status == 200
    row = next(one for one in page.split("<tr") if id in one)
    (at,) = re.findall(r'datetime="([^"]+)"', row)
    late = datetime.fromisoformat(at) - datetime.fromtimestamp(sent, UTC)
    assert round(late / timedelta(days=1)) == 0


def test_what_does_not_move_is_passed_over_and_told(clock: Clock) -> None:
    start = clock.now()
    first, later = start + timedelta(days=1), start + timedelta(days=2)
    due = Due(clock, lambda name, at: at if name == "sticks" else None)
    due.waiting = {"sticks": first, "well": later}
    moved = works(due)
    moved.move_to(start + timedelta(days=3))
    assert ("well", later) in due.acted
    assert [one["id"] for one in moved.stuck] == ["sticks"]
    assert len(due.acted) < 2 * ROUNDS + 3
    due.waiting.clear()
    moved.settle()
    assert moved.stuck == []


def test_settling_does_what_is_due_now_and_nothing_else(clock: Clock) -> None:
    now = clock.now()
    due = Due(clock, lambda name, at: None)
    due.waiting = {"now": now, "soon": now + timedelta(hours=1)}
    works(due).settle()
    assert due.waiting.keys() == {"soon"}


def test_feedback_comes_as_sns_sends_it_and_again_after_a_failure() -> None:
    taken: list[dict[str, Any]] = []
    is_done, ending = threading.Event(), threading.Event()

    def take(event: dict[str, Any], context: Any) -> None:
        taken.append(event)
        if len(taken) < ATTEMPTS:
            raise RuntimeError("not yet")
        is_done.set()

    progress = Progress()
    trigger = BusTrigger("feedback", ending, take, "take_feedback", progress)
    trigger.start()
    sent_at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    trigger.publish(ses_events.event("bounce", LETTER, "id-1", sent_at, "cfg"))
    assert is_done.wait(30)
    ending.set()
    trigger.join(10)
    assert (trigger.pending, progress.done) == (0, 1)
    event = taken[-1]
    assert (event["source"], event["detail-type"]) == ("aws.ses", "Email Bounced")
    told = event["detail"]
    assert told["mail"]["tags"]["ses:configuration-set"] == ["cfg"], "what the rule looks at"
    assert (told["eventType"], told["bounce"]["bounceType"]) == ("Bounce", "Permanent")
    assert (
        told["bounce"]["bouncedRecipients"][0]["emailAddress"]
        == told["mail"]["destination"][0]
        == LETTER.recipient
    )
    assert told["mail"]["tags"]["account"] == ["a"]
    assert told["mail"]["timestamp"] == "2026-03-02T09:00:00.000Z"


def test_feedback_that_always_fails_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ses_bus, "PAUSE_AFTER_FAILURE", 0)
    calls: list[int] = []
    is_over, ending = threading.Event(), threading.Event()

    def take(event: dict[str, Any], context: Any) -> None:
        calls.append(1)
        if event["detail"]["eventType"] == "Send":
            raise RuntimeError("never")
        is_over.set()

    trigger = BusTrigger("feedback", ending, take, "take_feedback", Progress())
    for kind in ("send", "delivery"):
        trigger.publish(
            ses_events.event(kind, LETTER, "id-1", datetime(2026, 3, 2, tzinfo=UTC), "cfg")
        )
    trigger.start()
    assert is_over.wait(30)
    ending.set()
    trigger.join(10)
    assert (trigger.pending, len(calls)) == (0, ATTEMPTS + 1)


def test_moments_and_lengths_as_people_write_them() -> None:
    assert (
        moment("2027-01-31T12:00:00Z")
        == moment("2027-01-31T12:00:00")
        == moment(1801396800)
        == datetime(2027, 1, 31, 12, tzinfo=UTC)
    )
    assert [length(text) for text in ("2w", "3d", "90s")] == [
        timedelta(days=14),
        timedelta(days=3),
        timedelta(seconds=90),
    ]
    for wrong in ("3", "d", "-3d", "3 d", ""):
        with pytest.raises(ValueError, match="^$|" + wrong):
            length(wrong)
