"""What the dashboard draws and says: charts, the times of messages, conditions."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.account.standing import Standing
from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.figures.counts import ReasonCount, RetentionWeek, StepEffect
from chalicelib.domain.figures.movements import CurrencyRevenue, RevenueDay
from chalicelib.domain.figures.trials import TrialWeek
from chalicelib.domain.messaging.mail_counts import MailCount
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.policy.reasons import END_REASONS
from chalicelib.domain.policy.sequences import ANCHORS, TRANSACTIONAL_STEPS, Step
from chalicelib.domain.schedule.due_work import DueItem
from chalicelib.domain.schedule.watch.open_conditions import OpenCondition, OpenConditions
from chalicelib.domain.security.dashboard import Operator
from chalicelib.pages.admin.charts import HEIGHT, WIDTH, chart
from chalicelib.pages.admin.conditions import open_now
from chalicelib.pages.admin.customer import tone_of
from chalicelib.pages.admin.due_words import spoken_due
from chalicelib.pages.admin.figures import (
    BY_DAY,
    reasons_view,
    retention_view,
    revenue_view,
    trials_view,
)
from chalicelib.pages.admin.health import letters_view, queues_view, spoken_age
from chalicelib.pages.admin.mails import LANGUAGE_NAMES, language_name
from chalicelib.pages.admin.messages import (
    ASKED_FOR,
    MOMENTS,
    OTHERS,
    effect_in_words,
    sequences_view,
    when_of,
)
from chalicelib.pages.admin.rendering import page, stylesheet
from chalicelib.usecases.operators.dead_letters.replay import SHOWN

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_highest_bar_fills_the_chart_and_all_stay_inside() -> None:
    drawn = chart([("a", 0, ""), ("b", 50, ""), ("c", 100, "")])
    low, middle, high = drawn.bars
    assert (low.height, middle.height) == (0, high.height / 2)
    for bar in drawn.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y + bar.height <= HEIGHT


@pytest.mark.parametrize("number", [0, 1, 6, 7, 31, 731])
def test_a_chart_names_a_few_of_its_days(number: int) -> None:
    drawn = chart([(str(one), 0, "") for one in range(number)])
    assert len(drawn.bars) == number
    assert len(drawn.labels) <= 6


def test_currencies_are_shown_apart_the_greatest_first() -> None:
    days = {"usd": (100, 200), "eur": (500, 400)}
    shown = revenue_view(
        {
            currency: CurrencyRevenue(
                12 * mrr[-1],
                tuple(RevenueDay(date(2026, 3, 1 + n), one) for n, one in enumerate(mrr)),
            )
            for currency, mrr in days.items()
        }
    )
    assert [(one["currency"], one["mrr"], one["change"]) for one in shown] == [
        ("eur", 400, -100),
        ("usd", 200, 100),
    ]


def test_what_moved_in_a_long_time_is_shown_by_week_and_adds_up() -> None:
    begin = date(2026, 3, 4)
    days = tuple(
        RevenueDay(begin + timedelta(days=n), 1000 + n, new=3, churn=2) for n in range(BY_DAY + 1)
    )
    (few,) = revenue_view({"usd": CurrencyRevenue(0, days[:BY_DAY])})
    assert few["by_day"]
    assert few["rows"] == days[:BY_DAY][::-1]
    (many,) = revenue_view({"usd": CurrencyRevenue(0, days)})
    weeks = many["rows"]
    assert not many["by_day"]
    assert [week.date for week in weeks[:2]] == [days[-1].date, date(2026, 6, 7)]
    assert weeks[-1] == RevenueDay(date(2026, 3, 8), 1004, new=15, churn=10), "from a Wednesday on"
    assert [week.mrr for week in weeks[:2]] == [many["mrr"], 1095]
    assert sum(week.new - week.churn for week in weeks) == BY_DAY + 1
    assert len(many["chart"].bars) == len(weeks)


def test_the_share_of_trials_that_convert_needs_a_trial() -> None:
    assert trials_view([TrialWeek(date(2026, 3, 2))])["share"] is None
    assert trials_view([TrialWeek(date(2026, 3, 2), 4, 1, 1, 2)])["share"] == 25


def test_trials_are_shown_with_the_time_to_conversion_and_their_milestones() -> None:
    shown = trials_view(
        [
            TrialWeek(date(2026, 3, 2), 4, 2, 2, days={1: 1, 90: 1}, milestones={"a": 1, "b": 2}),
            TrialWeek(date(2026, 3, 9), 4, 1, 3, days={14: 1}, milestones={"a": 4}),
        ]
    )
    assert shown["median"] == 14
    assert shown["milestones"] == [("a", 5, 62), ("b", 2, 25)]
    assert shown["spans"] == [
        ("0 to 1 days", 1, 33),
        ("2 to 7 days", 0, 0),
        ("8 to 14 days", 1, 33),
        ("15 to 30 days", 0, 0),
        ("31 to 60 days", 0, 0),
        ("more than 60 days", 1, 33),
    ]


def test_who_is_left_is_shown_with_the_share_once_it_is_known() -> None:
    week = RetentionWeek(date(2026, 3, 2), 8, {1: 6, 2: None, 3: None, 6: None, 12: None})
    shown = retention_view([week, RetentionWeek(date(2026, 3, 9), 0, {})])
    (one,) = shown["cohorts"]
    assert (one["customers"], one["kept"]) == (8, [(6, 75), None, None, None, None])


def test_every_reason_is_shown_in_words() -> None:
    shown = reasons_view([ReasonCount(reason, 1, 1) for reason in END_REASONS])
    assert [words for words, _ in shown] == list(END_REASONS.values())


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (timedelta(days=3), "3 days after the start of the trial"),
        (timedelta(days=-1), "1 day before the start of the trial"),
        (timedelta(hours=36), "36 hours after the start of the trial"),
        (timedelta(0), "At the start of the trial"),
    ],
)
def test_a_message_says_when_it_goes_out(offset: timedelta, words: str) -> None:
    step = Step("a", "b", "trial_started", offset, "c", "lifecycle", timedelta(days=1))
    assert when_of(step) == words


def test_every_anchor_of_a_message_is_a_moment_in_words() -> None:
    assert MOMENTS.keys() == ANCHORS.keys()
    assert {when_of(step) for step in TRANSACTIONAL_STEPS} == {""}, "the reader asks for them"


def test_the_greatest_value_of_a_chart_is_named_at_its_line() -> None:
    drawn = chart([("a", 0, ""), ("b", 50, "")], lambda number: f"{number} trials")
    assert (drawn.most, drawn.top) == ("50 trials", drawn.bars[1].y)
    assert chart([("a", 0, "")]).most == "", "no line where there is nothing"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("send card_expires@pm_1-2034-12", "Mail card_expires"),
        ("queue welcome@signup again", "Queue mail welcome again"),
        ("run do:4f1a", "Try again at Stripe: do:4f1a"),
        ("change the standing", "Access is decided anew"),
        ("fetch invoices of cus_1", "Ask Stripe again: an answer is missing"),
        (
            "fetch cus_1 unless Stripe reports: period",
            "Ask Stripe, unless it has told that the next period has begun",
        ),
        ("something new", "something new"),
    ],
)
def test_what_comes_next_is_said_in_words(what: str, words: str) -> None:
    assert spoken_due(DueItem(T, what)) == words


@pytest.mark.parametrize(
    ("access", "status", "tone"),
    [
        ("full", "active", "full"),
        ("full", "past_due", "limited"),
        ("limited", "past_due", "limited"),
        ("none", "past_due", "none"),
    ],
)
def test_who_owes_does_not_look_as_if_all_were_well(access: str, status: str, tone: str) -> None:
    assert tone_of(Standing(status, access, "x")) == tone


def test_open_conditions_are_told_with_their_meaning_the_newest_first() -> None:
    known = OpenConditions(
        (OpenCondition("Disputes", T, T), OpenCondition("DeadLetters", T, T + timedelta(hours=1)))
    )
    shown = open_now(known)
    assert [one["name"] for one in shown] == ["DeadLetters", "Disputes"]
    assert "dead-letter queue" in shown[0]["means"]
    assert open_now(None) == []


def test_a_hostile_text_is_escaped_in_a_chart_too() -> None:
    shown = page(
        "trials",
        operator=None,
        root="",
        product="<i>Acme</i>",
        first=date(2026, 3, 2),
        last=date(2026, 3, 8),
        weeks=[],
        chart=chart([("<b>", 1, "</title><script>")], lambda _: "<b>"),
        started=1,
        converted=0,
        share=0,
        median=None,
        spans=[],
        milestones=[("<b>", 1, 100)],
        months=(1,),
        cohorts=[{"week": date(2026, 3, 2), "customers": 4, "kept": [(3, 75), None]}],
        reasons=[("<b>", ReasonCount("other", 1, 0))],
    )
    assert '3 (75 %)</td><td class="number">–</td>' in shown
    assert "<script>" not in shown
    assert "<i>Acme" not in shown
    assert "<b>" not in shown


def test_a_full_page_of_dead_letters_is_no_heavy_one_and_has_no_id_twice() -> None:
    letters = [
        DeadLetter(
            f"604ee968-340f-494c-8118-5af9a5{number:06}",
            T,
            "events",
            f"customer.subscription.updated evt_{number:024}",
            f"acc_{number:020}",
            "unreadable",
            "The body is no event of Stripe's: " + "x" * 200,
            "",
            "",
        )
        for number in range(SHOWN)
    ]
    shown = page(
        "health",
        operator=Operator("operator:ada@acme.example", "act", "c" * 43, "s"),
        root="/prod",
        product="Acme",
        conditions=[],
        queues=queues_view([], letters, T),
        groups=letters_view(letters, T),
        more=7,
        done=None,
        error=None,
        given={},
    )
    ids = re.findall(r' id="([^"]+)"', shown)
    assert shown.count('class="field check"') == SHOWN + 1, "one each, and one for all"
    assert len(ids) == len(set(ids))
    assert "7 more wait behind these" in shown
    assert len(shown.encode()) < 100_000


def test_nothing_moves_so_nobody_has_to_ask_for_less_motion() -> None:
    assert re.search(r"transition|animation|@keyframes|scroll-behavior", stylesheet()) is None


def test_the_stylesheet_loads_nothing_from_elsewhere() -> None:
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (0, "0 seconds"),
        (-5, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (3725, "1 hour 2 minutes"),
        (86400, "1 day"),
        (90061, "1 day 1 hour"),
        (20 * 86400 + 59, "20 days"),
    ],
)
def test_an_age_is_said_in_its_greatest_units(seconds: int, spoken: str) -> None:
    assert spoken_age(timedelta(seconds=seconds)) == spoken


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (StepEffect("x"), "Too few to compare yet"),
        (StepEffect("x", sent=10, converted=3), "Too few to compare yet"),
        (StepEffect("x", 1000, 300, 1000, 200), "More pay with it: +10.0 points (+6.2 to +13.7)"),
        (StepEffect("x", 1000, 200, 1000, 300), "Fewer pay with it: -10.0 points (-13.7 to -6.2)"),
        (StepEffect("x", 10, 3, 10, 2), "No effect is shown: +10.0 points (-26.5 to +43.5)"),
    ],
)
def test_an_effect_is_claimed_only_where_the_numbers_are_enough(
    effect: StepEffect, words: str
) -> None:
    assert effect_in_words(effect) == words


def test_every_message_has_its_numbers_and_what_is_in_no_sequence_has_its_own_place() -> None:
    step = Step("tips", "trial", "trial_started", timedelta(0), "tips", "lifecycle", timedelta(1))
    counts = {
        "tips": MailCount("tips", 40, 30, 10, 1),
        "sign_in": MailCount("sign_in", 5, 5),
        "broadcast@spring": MailCount("broadcast@spring", 7),
    }
    shown = dict(sequences_view([step], counts, {"gone": StepEffect("gone", 2, 1, 1, 0)}))
    assert list(shown) == ["trial", ASKED_FOR, OTHERS]
    (row,) = shown["trial"]
    assert (row["delivered"], row["bounced"], row["complained"]) == (
        "30 (75.0%)",
        "10 (25.0%)",
        "1 (2.5%)",
    )
    assert [one["id"] for one in shown[ASKED_FOR]] == [one.id for one in TRANSACTIONAL_STEPS]
    assert [one["id"] for one in shown[OTHERS]] == ["broadcast@spring", "gone"]
    assert shown[OTHERS][1]["converted"] == "1 (50.0%)"
    assert dict(sequences_view([step], {}, {}))["trial"][0]["delivered"] == "0"


def test_each_language_of_messages_has_a_name_and_another_is_told_by_its_code() -> None:
    assert set(LANGUAGE_NAMES) == set(LANGUAGES)
    assert language_name("fr") == "fr"
