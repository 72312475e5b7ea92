"""The soak in the size that every change can bear: a hundred customers' sixty days in memory;
bench/ has it larger, and in the local system.
"""

from collections import Counter
from dataclasses import replace

import pytest

from bench.soak.__main__ import report
from bench.soak.checks import findings
from bench.soak.in_memory import InMemorySystem
from bench.soak.lifecycles import KINDS, population
from bench.soak.soak import KILLED, SPOILT, Soak, soak
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from ops.report.counting import Counting
from tests.fakes.figures.recount import recount

SEED = 2

NOT_COUNTED = {"mail.passed", "mail.refused"}
"""Ends of mail that SES never saw."""


@pytest.fixture(scope="module")
def played() -> Soak:
    """A hundred customers. What is printed of a failure can be played again: `python -m bench.soak
    --customers 100 --seed …`.
    """
    system = InMemorySystem(SPOILT, KILLED, SEED)
    with system.open():
        done = soak(system, 100, SEED)
    report(done)
    return done


def test_after_sixty_days_of_lost_doubled_and_late_events_and_of_kills_all_is_as_stripe_has_it(
    played: Soak,
) -> None:
    assert played.wrong == []


def test_the_run_had_all_kinds_of_customers_and_faults(played: Soak) -> None:
    figures = played.figures
    assert figures["kinds"].keys() == KINDS.keys()
    assert figures["events"] > 1500
    shares = {name: figures[name] / figures["events"] for name in ("lost", "doubled", "late")}
    assert shares == pytest.approx({"lost": 0.05, "doubled": 0.10, "late": 0.20}, abs=0.03)
    assert {"events", "act", "mail", "stream", "feedback", "sweep", "fetch", "compare"} == figures[
        "killed by function"
    ].keys()
    assert figures["mails"] > 150
    assert len(figures["standings by reason"]) > 3


def test_the_checks_find_a_change_at_stripe_that_was_missed(played: Soak) -> None:
    subscription = next(
        one for one in played.system.engine.store.all("subscription") if one["status"] == "active"
    )
    subscription["status"] = "unpaid"
    try:
        (line,) = findings(played.system, played.customers)
    finally:
        subscription["status"] = "active"
    assert "full (active" in line
    assert "at Stripe none (unpaid" in line


def test_the_checks_find_a_mail_that_is_sent_twice_or_at_the_wrong_time(played: Soak) -> None:
    mailer = played.system.mailer
    sent = next(one for one in mailer.all() if one.key.startswith("three_days"))
    mailer.keep(again := replace(sent, wrong="its time was over"))
    try:
        found = findings(played.system, played.customers)
    finally:
        mailer.forget(again)
    assert [line for line in found if line.endswith(f"got {sent.key} 2 times")]
    assert [line for line in found if line.endswith("and its time was over")]


def test_the_checks_find_what_is_left_in_a_queue(played: Soak) -> None:
    for queue in (played.system.place.act_queue.waiting, played.system.place.dead_letters.messages):
        queue.append({})
    try:
        found = findings(played.system, played.customers)
    finally:
        for queue in (
            played.system.place.act_queue.waiting,
            played.system.place.dead_letters.messages,
        ):
            queue.clear()
    assert found == ["1 left in act", "1 left in dead_letters"]


def test_the_report_of_its_log_is_what_a_recount_finds(played: Soak) -> None:
    log, now = played.system.place.timeline.entries.values(), played.system.now
    counting = Counting()
    counting.add(log)
    found = counting.lines(now)
    assert found == recount(
        [
            entry
            for entry in log
            if entry.kind in {"mail", "happening"} and entry.type not in NOT_COUNTED
        ],
        now,
    )
    kept = played.system.accounts()  # the log of an account that was forgotten is gone with it
    mailed = Counter(
        sent.key.partition("@")[0] for sent in played.system.mailer.all() if sent.account_id in kept
    )
    asked_for = {step.id for step in TRANSACTIONAL_STEPS}
    assert {line.step: line.sent for line in found if line.step not in asked_for} == {
        step: n for step, n in mailed.items() if step not in asked_for
    }
    assert sum(line.converted for line in found) > 50


def test_the_same_seed_gives_the_same_customers() -> None:
    assert population(40, 5) == population(40, 5) != population(40, 6)
