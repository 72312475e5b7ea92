"""What became of trials and customers, week by week, and what followed messages."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.account.cancellation import ExitFeedbackGiven
from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    MessageRecorded,
    MilestoneReached,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.figures.closing import ClosedFigures
from chalicelib.domain.figures.contributions import TRIALS
from chalicelib.domain.figures.counts import ReasonCount, RetentionWeek, StepEffect
from chalicelib.domain.figures.records import months_after
from chalicelib.domain.figures.trials import median_days, spans
from chalicelib.domain.stripe_objects.objects import (
    CancellationDetails,
    Customer,
    Item,
    Subscription,
)
from chalicelib.domain.stripe_objects.recurring import recurring
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.accounts.record import record_milestone
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import message_effects, reasons, retention, trials
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.reconciliation.recount import recount
from chalicelib.values import replace
from tests.fakes.lifecycles import START
from tests.fakes.services import POLICY, FakeServices
from tests.fakes.simulated_lifecycles import BEGIN, SimLife

DAY = timedelta(days=1)
FIRST = START.date() - timedelta(days=START.weekday())
YEARS = FIRST + timedelta(days=700)
ITEM = Item("price_1", lookup_key="pro_monthly", amount=100, currency="usd", interval="month")
RUNS = Subscription("sub_1", "cus_1", "active", START, (ITEM,))
HELD = replace(
    POLICY, steps=tuple(replace(one, hold_out=0.5) for one in POLICY.steps if one.id == "note")
)


def ended(one: Subscription, at: datetime, reason: str = "", by: str = "") -> SubscriptionSnapshot:
    """The event that the subscription was canceled."""
    details = CancellationDetails(by or None, reason or None)
    gone = replace(one, status="canceled", ended_at=at, cancellation_details=details)
    return SubscriptionSnapshot(gone, FromEvent(at), recurring_before=recurring(one))


def began(one: Subscription) -> SubscriptionSnapshot:
    """The event that the subscription was created."""
    return SubscriptionSnapshot(one, FromEvent(one.created, is_creation=True))


def another(number: int, at: datetime, **more: Any) -> Subscription:
    return replace(RUNS, id=f"sub_{number}", created=at, **more)


class Cohorts:
    """Accounts of which facts are told, each at its time or late."""

    def __init__(self, policy: Any = POLICY) -> None:
        self.fakes = FakeServices(policy=policy)
        self.fakes.now.at = START
        self.services = replace(self.fakes.services, comes_again=True)
        close_figures(self.services)

    def tell(self, *facts: Any, account: str = "acct_1") -> None:
        """What is told last is the latest; it is told then, or later."""
        known = self.fakes.accounts.load(account) or Account(account)
        customer = Customer(f"cus_{account}")
        first = CustomerSnapshot(customer, FromEvent(START, is_creation=True))
        facts = tuple(
            replace(one, subscription=replace(one.subscription, customer=customer.id))
            if isinstance(one, SubscriptionSnapshot)
            else one
            for one in facts
        )
        apply_facts(known, [first, *facts], self.services, None)

    def at(self, days: int) -> "Cohorts":
        """So many days have passed."""
        self.fakes.now.at = START + days * DAY
        return self

    def left(self) -> list[ReasonCount]:
        """As told before it was summed up, after it, and by a recount."""
        found = reasons(self.services, FIRST, YEARS)
        self.sums_up()
        assert reasons(self.services, FIRST, YEARS) == found
        return found

    def effects(self) -> list[StepEffect]:
        """As told before it was summed up, after it, and by a recount."""
        found = message_effects(self.services, FIRST, YEARS)
        self.sums_up()
        assert message_effects(self.services, FIRST, YEARS) == found
        return found

    def kept(self) -> RetentionWeek:
        """As told before it was summed up, after it, and by a recount."""
        (found,) = retention(self.services, FIRST, FIRST)
        self.sums_up()
        assert retention(self.services, FIRST, FIRST) == [found]
        return found

    def sums_up(self) -> None:
        close_figures(self.services)
        assert recount(self.services, apply=False).differences == ()


@pytest.fixture
def place() -> Cohorts:
    return Cohorts()


def test_milestones_and_the_days_to_conversion_are_counted_with_the_trial() -> None:
    life = SimLife(POLICY)
    close_figures(life.services)
    life.sign_up()
    life.days(1)
    for name in ("connected_data", "connected_data", "invited_team"):
        record_milestone(life.account_id, name, None, life.services)
    life.gives_card().days(20)
    (week,) = trials(life.services, BEGIN.date(), BEGIN.date())
    assert (week.started, week.activated, week.converted) == (1, 1, 1)
    assert week.milestones == {"connected_data": 1, "invited_team": 1}
    assert week.days == {14: 1}
    assert week.median_days == 14
    life.place.now.at += timedelta(days=120)
    close_figures(life.services)
    assert trials(life.services, BEGIN.date(), BEGIN.date()) == [week]
    assert recount(life.services, apply=False).differences == ()


def test_the_row_of_a_release_before_is_read_from_what_accounts_contributed() -> None:
    life = SimLife()
    close_figures(life.services)
    life.sign_up()
    life.gives_card().days(120)
    close_figures(life.services)
    right = trials(life.services, BEGIN.date(), BEGIN.date())
    figures, states = life.place.figures, life.place.job_states
    ((name, _),) = [one for one in figures.summed.items() if one[0][0] == TRIALS]
    figures.summed[name] = '{"started": 1, "converted": 1, "ends": []}'
    known = states.load(ClosedFigures)
    states.save(known, replace(known, version=known.version + 1, counts=None))
    assert trials(life.services, BEGIN.date(), BEGIN.date()) == right
    close_figures(life.services)
    assert figures.summed[name] == '{"started": 1, "converted": 1, "days": {"14": 1}, "ends": []}'
    assert trials(life.services, BEGIN.date(), BEGIN.date()) == right


def test_the_median_is_when_half_had_converted_and_spans_hold_everybody() -> None:
    assert median_days({}) is None
    assert median_days({14: 1}) == 14
    assert median_days({0: 1, 3: 1, 200: 2}) == 3
    assert spans({0: 2, 1: 1, 2: 4, 60: 1, 61: 1}) == {1: 3, 7: 4, 14: 0, 30: 0, 60: 1, None: 1}


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-03-15", 12, "2027-03-15"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(day: str, months: int, then: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(then)


def test_who_still_pays_is_counted_once_every_day_of_the_week_is_so_old(place: Cohorts) -> None:
    place.tell(began(RUNS))
    place.tell(began(RUNS), ended(RUNS, START + 70 * DAY), account="acct_2")
    assert place.kept() == RetentionWeek(FIRST, 2, dict.fromkeys((1, 2, 3, 6, 12)))
    assert place.at(38).kept().kept == {1: 2, 2: None, 3: None, 6: None, 12: None}
    assert place.at(400).kept().kept == {1: 2, 2: 2, 3: 1, 6: 1, 12: 1}


def test_who_came_back_by_then_still_pays(place: Cohorts) -> None:
    later = another(2, START + 80 * DAY)
    place.tell(began(RUNS), ended(RUNS, START + 40 * DAY), began(later))
    assert place.at(400).kept().kept == {1: 1, 2: 0, 3: 1, 6: 1, 12: 1}


def test_a_cohort_stays_where_the_account_keeps_its_newest_changes_only(place: Cohorts) -> None:
    place.tell(began(RUNS), ended(RUNS, START + 40 * DAY))
    one = another(2, START + 65 * DAY)
    place.tell(began(one))
    for number in range(70, 70 + 2 * most("recurring changes")):
        before, at = one, START + number * DAY
        one = replace(one, items=(replace(ITEM, quantity=number),))
        told = SubscriptionSnapshot(one, FromEvent(at), recurring_before=recurring(before))
        place.tell(told)
    place.at(400)
    account = place.fakes.accounts.load("acct_1")
    assert account
    assert account.recurring_since
    assert account.recurring_since.date() > months_after(START.date(), 3)
    assert place.kept() == RetentionWeek(FIRST, 1, {1: 1, 2: 0, 3: 1, 6: 1, 12: 1})


def orders() -> Iterator[tuple[int, ...]]:
    return permutations(range(4))


@pytest.mark.parametrize("order", list(orders()))
def test_a_customer_leaves_when_the_last_subscription_ends_in_whatever_order_it_is_told(
    place: Cohorts, order: tuple[int, ...]
) -> None:
    second = another(2, START + 3 * DAY)
    facts = [
        began(RUNS),
        began(second),
        ended(RUNS, START + 5 * DAY, "too_complex"),
        ended(second, START + 9 * DAY, "unused"),
    ]
    for number in (*order, *order):
        place.tell(facts[number])
    assert place.at(20).left() == [ReasonCount("unused", 1, 0)]


def test_a_week_that_is_summed_up_forgets_who_turns_out_never_to_have_left(place: Cohorts) -> None:
    place.tell(began(RUNS), ended(RUNS, START + 5 * DAY, "unused"))
    assert place.at(60).left() == [ReasonCount("unused", 1, 0)]
    place.tell(began(another(2, START + 3 * DAY)))
    assert place.left() == []
    assert place.at(61).left() == [], "the week is summed up again, and its mark is gone"


@pytest.mark.parametrize(
    ("reason", "by", "answer", "found"),
    [
        ("unused", "cancellation_requested", "too_expensive", "unused"),
        ("", "cancellation_requested", "too_expensive", "too_expensive"),
        ("", "payment_failed", "", "payment_failed"),
        ("", "canceled_by_retention_policy", "", "other"),
        ("", "", "", "cancellation_requested"),
    ],
)
@pytest.mark.parametrize("about", ["canceled@sub_1", "access_ended@1773000000"])
def test_the_customers_own_reason_counts_before_stripes(
    place: Cohorts, reason: str, by: str, answer: str, found: str, about: str
) -> None:
    place.tell(began(RUNS), ended(RUNS, START + DAY, reason, by))
    if answer:
        place.tell(ExitFeedbackGiven(about, answer, "", START + 2 * DAY))
    assert place.at(20).left() == [ReasonCount(found, 1, 0)]


def test_of_trials_only_what_they_say_themselves_is_counted(place: Cohorts) -> None:
    trial = replace(RUNS, status="trialing", trial_start=START, trial_end=START + 14 * DAY)
    for number, reason in enumerate(["", "unused"]):
        gone = ended(trial, START + 14 * DAY, reason, "cancellation_requested")
        place.tell(began(trial), gone, account=f"acct_{number}")
    given = ExitFeedbackGiven("access_ended@1773000000", "too_complex", "", START + 15 * DAY)
    place.tell(began(trial), given, account="acct_3")
    assert place.at(20).left() == [ReasonCount("too_complex", 0, 1), ReasonCount("unused", 0, 1)]


def test_reasons_stay_when_their_subscriptions_are_kept_no_more(place: Cohorts) -> None:
    times = most("endings") + 12
    for number in range(1, times + 1):
        at = START + number * 10 * DAY
        one = another(number, at)
        place.tell(began(one), ended(one, at + DAY, "unused"))
    account = place.fakes.accounts.load("acct_1")
    assert account
    assert account.figures
    assert len(account.figures.endings) == most("endings")
    assert place.at(10 * times + 1).left() == [ReasonCount("unused", times, 0)]


def test_a_recount_leaves_the_week_of_which_a_part_is_kept_no_more(place: Cohorts) -> None:
    times = most("endings") + 4
    for number in range(1, times + 1):
        at = START + number * 2 * DAY
        one = another(number, at)
        place.tell(began(one), ended(one, at + DAY, "unused"))
    place.at(2 * times + 2)
    assert recount(place.fakes.services, apply=True).differences == ()
    assert place.left() == [ReasonCount("unused", times, 0)]


@pytest.mark.parametrize("leaves_before", [False, True])
def test_an_erased_customer_stays_a_number(leaves_before: bool) -> None:
    life = SimLife()
    close_figures(life.services)
    life.sign_up()
    life.gives_card().days(20)
    if leaves_before:
        details = {"feedback": "unused"}
        id = life.only("subscription")["id"]
        life.stage.call("DELETE", f"/v1/subscriptions/{id}", {"cancellation_details": details})
    life.days(50)
    erase_now(life.account_id, True, life.services)
    began_on, now = (BEGIN + 14 * DAY).date(), BEGIN + 420 * DAY
    life.place.now.at = now
    close_figures(life.services)
    (week,) = retention(life.services, began_on, began_on)
    assert week.customers == 1
    assert week.kept == {1: int(not leaves_before), 2: 0, 3: 0, 6: 0, 12: 0}
    left = reasons(life.services, BEGIN.date(), now.date())
    assert left == ([ReasonCount("unused", 1, 0)] if leaves_before else [])
    assert recount(life.services, apply=False).differences == ()


def note(outcome: str, at: datetime, occasion: str = "1") -> MessageRecorded:
    return MessageRecorded(f"note@{occasion}", MessageRecord(outcome, at, "lifecycle"))


def test_an_account_counts_by_its_first_message_of_a_step_with_a_holdout() -> None:
    place = Cohorts(HELD)
    groups = {"sent": (1, 15, 16, 99), "held_out": (14, 30), "passed": (2,)}
    for outcome, days in groups.items():
        for number, day in enumerate(days):
            account = f"acct_{outcome}_{number}"
            place.tell(note(outcome, START), account=account)
            place.tell(began(another(1, START + day * DAY)), account=account)
    again = note("sent", START + 30 * DAY, "2")
    place.tell(again, account="acct_sent_3")
    place.tell(again, account="acct_held_out_1")
    place.tell(MessageRecorded("welcome@1", MessageRecord("sent", START, "lifecycle")))
    assert place.effects() == [StepEffect("note", 4, 1, 2, 1)]
    assert place.at(200).effects() == [StepEffect("note", 4, 1, 2, 1)]
    found = place.effects()[0].difference
    assert found
    assert found[0] == pytest.approx(-0.25)


def test_who_pays_when_the_message_comes_does_not_convert_by_it() -> None:
    place = Cohorts(HELD)
    place.at(70).tell(began(RUNS))
    place.tell(note("sent", START + 20 * DAY))
    assert place.effects() == [StepEffect("note", 1, 0)]
    returned = another(2, START + 60 * DAY)
    place.tell(ended(RUNS, START + 15 * DAY), began(returned))
    assert place.effects() == [StepEffect("note", 1, 0)], "that was later than two weeks"
    place.tell(began(another(3, START + 25 * DAY)))
    assert place.effects() == [StepEffect("note", 1, 1)]


def test_what_a_step_showed_stays_when_nobody_is_held_out_any_more() -> None:
    place = Cohorts(HELD)
    place.tell(note("held_out", START))
    without = replace(HELD, steps=tuple(replace(one, hold_out=0) for one in HELD.steps))
    place.services = replace(place.services, policy=without)
    place.tell(MilestoneReached("connected_data", START), began(RUNS))
    assert place.effects() == [StepEffect("note", 0, 0, 1, 1)]
