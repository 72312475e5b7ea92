"""Sixty days of customers of each kind under the shipped policy: who gets what, when, and what
nobody ever gets.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import ConsentGiven, InvoiceSnapshot, MilestoneReached
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.stripe_objects.objects import CancellationDetails, Card, Invoice, Item
from tests.fakes.grids import examples
from tests.fakes.lifecycles import ACCOUNT, DAY, START, Life, Sent
from tests.fakes.services import ROOT, SHIPPED, FakeServices

STEPS = {step.id: step for step in SHIPPED.steps}
LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
MONTH = 30 * DAY
VISA = Card("pm_1", "visa", "4242", 12, 2034)
SCALE = (Item("price_scale", "prod_2", "scale_monthly", 1, 19900, "usd", "month"),)


class Shipped(Life):
    """A customer under all that is shipped, with Stripe's ways: what it tells of a payment, of a
    cancellation, of a plan.
    """

    def __init__(self, policy: Any = SHIPPED, **given_ones: Any) -> None:
        super().__init__(place=FakeServices(policy=policy), **given_ones)
        self.billed: Invoice | None = None

    def has(self, **attributes: str) -> "Shipped":
        account = self.account
        self.place.accounts.save(
            account,
            replace(account, version=account.version + 1, profile=Profile(attributes=attributes)),
        )
        return self

    def gives_card(self, card: Card = VISA) -> "Shipped":
        self.tell(CardSnapshot(card, self.now.at), self.customer(card.id))
        return self

    def pays(self, id: str = "in_1", amount: int = 4900) -> "Shipped":
        """The trial is over at once, or has ended: the first payment arrives, and a
        month begins."""
        now = self.now.at
        end = min(self.trial.trial_end or now, now)
        paid = Invoice(
            id,
            "cus_1",
            "paid",
            now,
            "sub_1",
            "usd",
            amount,
            amount,
            1,
            True,
            None,
            now,
            f"https://invoice.stripe.com/{id}",
            now,
        )
        self.changes(status="active", trial_end=end, period_start=now, period_end=now + MONTH)
        self.tell(InvoiceSnapshot(paid, now))
        return self

    def fails(
        self,
        id: str = "in_2",
        attempt: int = 1,
        again: timedelta | None = 3 * DAY,
        bank: bool = False,
    ) -> "Shipped":
        now = self.now.at
        first = self.billed if self.billed and self.billed.id == id else None
        created = first.created if first else now
        url = f"https://invoice.stripe.com/{id}"
        self.billed = Invoice(
            id,
            "cus_1",
            "open",
            created,
            "sub_1",
            "usd",
            4900,
            0,
            attempt,
            True,
            now + again if again else None,
            created,
            url,
        )
        if not first:
            self.changes(status="past_due", period_start=now, period_end=now + MONTH)
        self.tell(
            InvoiceSnapshot(self.billed, now),
            *([InvoiceSnapshot(self.billed, now, bank_asks=True)] if bank else []),
        )
        return self

    def mends(self) -> "Shipped":
        assert self.billed
        now = self.now.at
        paid = replace(
            self.billed,
            status="paid",
            amount_paid=4900,
            attempt_count=self.billed.attempt_count + 1,
            next_payment_attempt=None,
            paid_at=now,
        )
        self.tell(InvoiceSnapshot(paid, now))
        self.changes(status="active")
        self.billed = None
        return self

    def cancels(
        self,
        feedback: str | None = None,
        at_once: bool = False,
        reason: str = "cancellation_requested",
    ) -> "Shipped":
        now = self.now.at
        details = CancellationDetails(reason, feedback)
        ending: dict[str, Any] = (
            {"status": "canceled", "ended_at": now}
            if at_once
            else {"cancel_at": self.trial.period_end}
        )
        self.changes(canceled_at=now, cancellation_details=details, **ending)
        return self

    def comes_back(self) -> "Shipped":
        self.changes(canceled_at=None, cancellation_details=None, cancel_at=None)
        return self

    def days(self, number: float) -> "Shipped":
        super().days(number)
        return self

    @property
    def calendar(self) -> list[tuple[str, str]]:
        return [
            (one.step, one.at.astimezone(LONDON).strftime("%a %d %b %H:%M")) for one in self.mails
        ]

    def text(self, step: str) -> str:
        return " ".join(next(one for one in self.mails if one.step == step).letter.text.split())


def begins(card: str | None = None, **given_ones: Any) -> Shipped:
    life = Shipped(**given_ones)
    life.begins(card)
    return life


def paying(card: Card = VISA, **given_ones: Any) -> Shipped:
    """A customer who converted on day 5."""
    life = begins(**given_ones).days(5).gives_card(card)
    return life.pays()


def test_who_never_returns_gets_the_next_steps_a_reminder_and_a_question_then_no_mail() -> None:
    assert begins().days(120).calendar == [
        ("welcome", "Mon 02 Mar 09:00"),
        ("nudge", "Wed 04 Mar 09:00"),
        ("nudge", "Fri 06 Mar 09:00"),
        ("note", "Mon 09 Mar 09:00"),
        ("three_days", "Fri 13 Mar 09:00"),
        ("one_day", "Sun 15 Mar 09:00"),
        ("ended", "Mon 16 Mar 09:00"),
        ("lead_3", "Thu 19 Mar 09:00"),
        ("lead_14", "Mon 30 Mar 10:00"),
        ("lead_45", "Thu 30 Apr 10:00"),
    ]


def test_nothing_is_said_of_what_is_done() -> None:
    life = begins().days(1)
    life.tell(MilestoneReached("connected_data", life.now.at))
    (nudge,) = [one for one in life.days(13.9).mails if one.step == "nudge"]
    assert nudge.letter.subject == "Next in Acme: Invite your team"
    assert "https://acme.example/help/invite" in nudge.letter.text
    done = begins().days(1)
    done.tell(
        MilestoneReached("connected_data", done.now.at),
        MilestoneReached("invited_team", done.now.at),
    )
    assert "nudge" not in done.days(13.9).steps


def test_who_converts_on_day_five_is_welcomed_and_nothing_of_the_trial_follows() -> None:
    life = paying().days(34)
    assert life.steps == ["welcome", "nudge", "nudge", "paid_plan"]
    assert "$49.00 a month" in life.text("paid_plan")
    assert "Monday, 6 April 2026" in life.text("paid_plan")


def test_a_card_that_fails_is_dunned_until_the_moment_it_is_paid() -> None:
    life = paying().days(35).fails()
    assert life.days(35.01).steps[-1] == "failed", "at once, whatever the hour"
    said = life.text("failed")
    assert "could not charge $49.00 for Acme to your Visa ending in 4242" in said
    assert "We try again on Thursday, 9 April 2026" in said
    assert "Until Monday, 13 April 2026 everything works as before" in said
    life.days(38).fails(attempt=2).days(39)
    assert life.steps[-1] == "failed_3"
    life.mends()
    before = list(life.steps)
    assert life.days(60).steps == before, "never after it is paid"


def test_a_second_failure_months_later_is_dunned_anew() -> None:
    life = paying().days(35).fails().days(36).mends().days(95).fails("in_9").days(103)
    dunned = [one.key for one in life.mails if one.step.startswith("failed")]
    assert dunned == ["failed@in_2", "failed@in_9", "failed_3@in_9", "failed_7@in_9"]


def test_when_the_bank_asks_the_customer_is_led_to_the_confirmation() -> None:
    life = paying().days(35).fails(bank=True).days(39)
    assert life.steps[-2:] == ["confirm_payment", "failed_3"]
    assert "https://invoice.stripe.com/in_2" in life.text("confirm_payment")
    assert "Your bank has not heard from you yet" in life.text("failed_3")
    declined = paying().days(35).fails(bank=True).days(36).fails(attempt=2).days(39)
    assert "your Visa ending in 4242 was refused" in declined.text("failed_3"), (
        "the bank's question was about another attempt"
    )


def test_the_question_of_the_bank_is_known_in_whichever_order_the_two_events_come() -> None:
    life = paying().days(35)
    failed = Invoice("in_2", "cus_1", "open", life.now.at, "sub_1", "usd", 4900, 0, 1, True)
    orders = [
        [InvoiceSnapshot(failed, life.now.at), InvoiceSnapshot(failed, life.now.at, True)],
        [InvoiceSnapshot(failed, life.now.at, True), InvoiceSnapshot(failed, life.now.at)],
    ]
    for order in orders:
        account = life.account
        for fact in (*order, *order):
            account = apply(account, fact)
        assert account.invoices["in_2"].bank_asks
        assert (
            not apply(account, InvoiceSnapshot(replace(failed, attempt_count=2), life.now.at))
            .invoices["in_2"]
            .bank_asks
        )


def test_the_last_try_is_announced_the_day_before_and_no_other() -> None:
    life = paying().days(35)
    for attempt in range(1, 9):
        life.fails(attempt=attempt, again=2 * DAY if attempt < 8 else None).days(35 + 2 * attempt)
    (announced,) = [one for one in life.mails if one.step == "last_try"]
    assert announced.key == "last_try@in_2-8"
    assert "Monday, 20 April 2026 we charge your Visa ending in 4242 for the last time" in " ".join(
        announced.letter.text.split()
    )
    assert announced.at < START + 49 * DAY


def test_a_card_is_named_before_it_expires_and_not_once_the_bank_has_renewed_it() -> None:
    life = paying(replace(VISA, exp_month=4, exp_year=2026)).days(45)
    assert life.calendar[-1] == ("card_expires", "Fri 10 Apr 09:00")
    assert "is good until the end of April 2026" in life.text("card_expires")
    renewed = paying(replace(VISA, exp_month=4, exp_year=2026)).days(30)
    renewed.tell(CardSnapshot(VISA, renewed.now.at))
    assert "card_expires" not in renewed.days(60).steps


def test_who_cancels_is_told_when_access_ends_and_asked_once_by_the_reason() -> None:
    life = paying().days(10).cancels("too_expensive").days(10.1)
    assert life.steps[-1] == "goodbye"
    assert "You can work on until Monday, 6 April 2026" in life.text("goodbye")
    life.days(35).changes(status="canceled", ended_at=life.now.at)
    assert [step for step in life.days(100).steps if step.startswith(("left", "lead"))] == [
        "left_price",
        "left_45",
    ]


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        (None, ["left_no_reason", "left_45"]),
        ("other", ["left_other", "left_45"]),
        ("missing_features", ["left_missing", "left_45"]),
        ("switched_service", ["left_switched", "left_45"]),
        ("low_quality", ["left_quality", "left_45"]),
        ("too_complex", ["left_complex", "left_45"]),
        ("unused", ["left_unused", "left_45"]),
        ("customer_service", ["left_45"]),
    ],
)
def test_each_reason_has_its_own_letter(feedback: str | None, expected: list[str]) -> None:
    life = paying().days(10).cancels(feedback, at_once=True).days(80)
    assert life.steps[life.steps.index("goodbye") + 1 :] == expected
    assert "Your access ended on Thursday, 12 March 2026" in life.text("goodbye")


def test_who_was_given_up_by_stripe_hears_that_and_no_farewell() -> None:
    life = (
        paying()
        .days(35)
        .fails(again=None)
        .days(40)
        .cancels(at_once=True, reason="payment_failed")
        .days(100)
    )
    assert life.steps[life.steps.index("failed") :] == [
        "failed",
        "failed_3",
        "left_unpaid",
        "left_45",
    ]
    assert "We do not try again by ourselves" in life.text("failed")


def test_a_cancellation_undone_at_once_sends_nothing_and_a_later_one_sends_its_mail() -> None:
    life = paying().days(10).cancels()
    life.advance(life.now.at + timedelta(minutes=5))
    life.comes_back().days(12)
    assert "goodbye" not in life.steps
    life.cancels().days(13).comes_back().days(14).cancels().days(15)
    assert life.steps.count("goodbye") == 2
    assert len({one.key for one in life.mails}) == len(life.mails)


def test_who_leaves_and_comes_back_is_recovered_no_more() -> None:
    life = paying().days(10).cancels("unused", at_once=True).days(12)
    life.trial = replace(
        life.trial,
        id="sub_2",
        status="active",
        created=life.now.at,
        trial_start=None,
        trial_end=None,
        ended_at=None,
        period_end=life.now.at + MONTH,
    )
    life.trial = replace(life.trial, canceled_at=None, cancellation_details=None)
    paid = Invoice(
        "in_5",
        "cus_1",
        "paid",
        life.now.at,
        "sub_2",
        "usd",
        4900,
        4900,
        1,
        True,
        None,
        life.now.at,
        None,
        life.now.at,
    )
    life.changes().tell(InvoiceSnapshot(paid, life.now.at))
    life.days(41)
    assert life.steps[life.steps.index("goodbye") + 1 :] == ["paid_plan"]


def test_a_changed_plan_is_told_once_and_not_when_it_is_changed_back_at_once() -> None:
    life = paying().days(10)
    life.changes(items=SCALE)
    life.days(12)
    assert life.steps[-1] == "plan_changed"
    assert "- Plan: Scale - Until now: Pro - Price: $199.00 a month" in life.text("plan_changed")
    more = life.changes(items=(replace(SCALE[0], quantity=3),)).days(14)
    assert "Seats: 3" in more.mails[-1].letter.text
    hasty = paying().days(10)
    items = hasty.trial.items
    hasty.changes(items=SCALE)
    hasty.advance(hasty.now.at + timedelta(minutes=2))
    hasty.changes(items=items)
    told = [one for one in hasty.days(12).mails if one.step == "plan_changed"]
    assert len(told) <= 1


def test_receipts_come_where_the_owner_wants_them_one_for_each_payment() -> None:
    text = (ROOT / "chalicelib" / "billing.toml").read_text()
    wanted = read_policy(
        text.replace('"payment_succeeded"\non = false', '"payment_succeeded"\non = true')
    )
    life = paying(policy=wanted).days(35).fails().days(36).mends().days(40)
    assert [one.key for one in life.mails if one.step == "receipt"] == [
        "receipt@in_1",
        "receipt@in_2",
    ]
    assert "receipt" not in paying().days(10).steps


def test_who_was_adopted_is_written_to_of_nothing_that_was_before() -> None:
    life = paying(replace(VISA, exp_month=4, exp_year=2026)).days(10)
    life.changes(items=SCALE).days(20).cancels("unused", at_once=True)
    known = replace(life.account, history_until=START + 25 * DAY, mails={})
    life.place.accounts.save(life.account, replace(known, version=life.account.version + 1))
    life.mailer.sent.clear()
    life.days(25).tell()
    assert life.steps == []


def test_a_customer_is_written_to_in_the_language_of_the_attribute_and_else_in_the_policys() -> (
    None
):
    life = begins().has(locale="de-AT").days(15)
    assert [one.letter.subject for one in life.mails][:2] == [
        "Ihr Test von Acme hat begonnen",
        "Als Nächstes in Acme: Verbinden Sie Ihre Daten",
    ]
    assert "Guten Tag Ada Byron," in life.mails[0].letter.text
    assert "Montag, 16. März 2026 um 09:00 Uhr (Europe/London)" in life.text("three_days")
    assert "49,00 $ pro Monat" in life.text("three_days")
    other = begins().has(language="fr").days(1)
    assert other.mails[0].letter.subject == "Your Acme trial has begun"


OF_PEOPLE = ["card", "no card", "milestone", "unsubscribe", "expire", "scale"]
OF_MONEY = ["pay", "fail", "bank", "mend", "last", "cancel", "leave", "give up", "return"]
LIVES = st.lists(
    st.tuples(st.integers(0, 70 * 24), st.sampled_from([*OF_PEOPLE, *OF_MONEY, "fail", "mend"])),
    max_size=9,
)


def live(script: list[tuple[int, str]], pays: bool) -> Shipped:
    """Do what the script says at its hours, as far as it makes sense then; `pays` begins with a
    customer who converted.
    """
    life = paying() if pays else begins()
    for number, (hour, act) in enumerate(sorted(script)):
        life.advance(max(life.now.at, START + hour * HOUR))
        (do_with_money if act in OF_MONEY else do)(act, life, f"in_x{number}")
    return life.days(130)


def do(act: str, life: Shipped, _: str) -> None:
    """What a customer does in the product, or to the mail."""
    now = life.now.at
    match act:
        case "card" | "no card":
            life.tell(life.customer("pm_1" if act == "card" else None))
        case "expire":
            life.gives_card(replace(VISA, exp_month=(now + MONTH).month, exp_year=2026))
        case "milestone":
            life.tell(MilestoneReached("connected_data", now))
        case "unsubscribe":
            life.tell(ConsentGiven("lifecycle", False, now))
        case "scale" if not life.trial.final:
            life.changes(items=SCALE)


def do_with_money(act: str, life: Shipped, invoice: str) -> None:
    """What happens to a subscription, if it can happen to one like this."""
    runs, owed = not life.trial.final, life.billed
    if not runs:
        return
    match act:
        case "pay" if life.trial.status == "trialing":
            life.pays(invoice)
        case "fail" | "bank" if life.trial.status == "active" and not owed:
            life.fails(invoice, bank=act == "bank")
        case "last" if owed:
            life.fails(owed.id, attempt=7)
        case "mend" if owed:
            life.mends()
        case "cancel" | "leave":
            life.cancels(at_once=act == "leave")
        case "give up" if owed:
            life.cancels(at_once=True, reason="payment_failed")
        case "return" if life.trial.cancellation_scheduled:
            life.comes_back()


@examples(60)
@given(LIVES, st.booleans())
def test_over_all_shipped_sequences_nobody_gets_too_much_or_what_does_not_apply(
    script: list[tuple[int, str]], pays: bool
) -> None:
    life = live(script, pays)
    assert len({one.key for one in life.mails}) == len(life.mails), "once for one occasion"
    lifecycle = [one for one in life.mails if one.letter.tags["stream"] == "lifecycle"]
    for one in life.mails:
        assert_applies(one)
    for one in lifecycle:
        assert len([other for other in lifecycle if one.at - 7 * DAY < other.at <= one.at]) <= 3
        assert (
            len(
                [
                    other
                    for other in lifecycle
                    if other.at.astimezone(LONDON).date() == one.at.astimezone(LONDON).date()
                ]
            )
            <= 1
        )


def assert_applies(one: Sent) -> None:
    """That the mail's reason stood when it left, read of what the account was then."""
    step, account, about = STEPS[one.step], one.account, one.letter.tags["occasion"]
    local = one.at.astimezone(LONDON)
    assert step.at_any_hour or 9 <= local.hour < 18, one.key
    assert step.at_any_hour or step.on_any_day or local.weekday() < 5, one.key
    assert step.stream == "billing" or "lifecycle" not in account.unsubscribed
    living = [known.value for known in account.subscriptions.values() if not known.value.final]
    match step.anchor:
        case "payment_failed" | "next_try":
            invoice = account.invoices[about.split("-")[0]].value
            assert (invoice.status, invoice.amount_paid) == (
                "open",
                0,
            ), "a dunning mail never after payment"
            assert living
        case "converted":
            assert one.standing.access == "full"
            assert any(billed.value.status == "paid" for billed in account.invoices.values())
        case "canceled":
            assert one.standing.access == "none"
        case "canceling":
            assert one.standing.access == "none" or any(
                value.cancellation_scheduled for value in living
            )
        case "milestone_waits":
            assert about.split("-")[0] not in account.milestones
            assert one.standing.reason == "trialing"
        case "card_expires":
            assert any(
                seen.card.exp_month == int(about.rsplit("-", 1)[1])
                for seen in account.cards.values()
            )
        case "plan_changed":
            assert account.plan_change
            assert living
    if step.id.startswith("lead"):
        assert one.standing.access == "none"
        assert not any(billed.value.amount_paid for billed in account.invoices.values())


def test_the_account_keeps_a_few_cards_only_the_last_seen() -> None:
    account = Account(ACCOUNT)
    seen = [
        CardSnapshot(replace(VISA, id=f"pm_{n}"), datetime(2026, 3, n + 1, tzinfo=UTC))
        for n in range(8)
    ]
    for one in (*seen, *reversed(seen)):
        account = apply(account, one)
    assert sorted(account.cards) == ["pm_3", "pm_4", "pm_5", "pm_6", "pm_7"]
    renewed = CardSnapshot(
        replace(VISA, id="pm_7", exp_year=2040), datetime(2026, 4, 1, tzinfo=UTC)
    )
    assert apply(apply(account, renewed), seen[7]).cards["pm_7"].card.exp_year == 2040


@pytest.mark.parametrize("hours", range(3, 168, 15))
def test_whatever_the_hour_of_the_week_nothing_of_a_trial_is_lost_to_the_caps(hours: int) -> None:
    life = Shipped()
    life.now.at = began = START + hours * HOUR
    life.begins(
        created=began,
        trial_start=began,
        trial_end=began + 14 * DAY,
        period_start=began,
        period_end=began + 14 * DAY,
    )
    steps = life.advance(began + 14 * DAY - HOUR).steps
    assert steps == ["welcome", "nudge", "nudge", "note", "three_days", "one_day"]
