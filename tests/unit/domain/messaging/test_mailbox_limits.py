"""Which mail counts as caused by visitors, and how much of it a mailbox gets."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.messaging.mailbox_limits import (
    CAUSES,
    COUNTS,
    FORGOTTEN,
    Mailbox,
    SentMail,
    after_ended_links,
    after_press,
    cause_of,
    is_counted,
    lets_owner_in,
    next_mail_at,
    with_mail,
    without_mail,
)
from chalicelib.domain.policy.sequences import ANCHORS, TRANSACTIONAL_STEPS, Step
from tests.fakes.lifecycles import START
from tests.fakes.services import SHIPPED

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEPS = {step.id: step for step in (*SHIPPED.steps, *TRANSACTIONAL_STEPS)}


def mailbox(*sent: datetime, pressed: datetime | None = None) -> Mailbox:
    return Mailbox(tuple(SentMail(str(n), at) for n, at in enumerate(sent)), pressed)


def asked_every(gap: timedelta, until: timedelta, proved: bool, lets_in: bool = True) -> list[int]:
    """After how many whole hours mail is sent if somebody asks again and again."""
    found, sent = Mailbox(), []
    for number in range(int(until / gap)):
        at = START + number * gap
        counted = with_mail(found, f"{number}", proved, at, lets_in)
        if counted is not None:
            found = counted
            sent.append(int((at - START) / HOUR))
    return sent


def test_every_anchor_and_every_requested_message_has_its_cause_and_a_reason() -> None:
    requested = {step.anchor for step in TRANSACTIONAL_STEPS}
    assert CAUSES.keys() == ANCHORS.keys() | requested | {"broadcast"}
    assert {cause.counts for cause in CAUSES.values()} <= COUNTS.keys()
    assert all(cause.reason.endswith(".") for cause in CAUSES.values())


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize(
    "step",
    [
        *("notice", "ended", "failed", "failed_debit", "confirm_payment", "failed_7", "last_try"),
        *("paid_plan", "plan_changed", "card_expires", "left_unpaid", "withdrawn"),
        *("goodbye", "email_changed"),
    ],
)
def test_what_is_about_money_never_counts(step: str, proved: bool) -> None:
    assert not is_counted(STEPS[step], proved)


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize(
    "step", ["sign_in", "confirm", "confirm_email", "confirm_cancel", "confirm_withdrawal"]
)
def test_what_a_form_causes_counts_always(step: str, proved: bool) -> None:
    assert is_counted(STEPS[step], proved)


@pytest.mark.parametrize("step", ["welcome", "nudge", "three_days", "lead_3"])
def test_what_comes_of_a_trial_counts_until_the_address_is_proved(step: str) -> None:
    assert is_counted(STEPS[step], proved=False)
    assert not is_counted(STEPS[step], proved=True)


def test_a_broadcast_never_counts() -> None:
    step = replace(STEPS["nudge"], id="broadcast", anchor="broadcast:spring")
    assert cause_of(step).counts == "never"
    assert not is_counted(step, proved=False)


def test_a_mailbox_that_nobody_reads_gets_three_a_day_six_in_all_and_then_one_a_week() -> None:
    sent = asked_every(HOUR, 36 * DAY, proved=False)
    assert sent == [0, 1, 2, 24, 25, 26, *(26 + 7 * 24 * week for week in range(1, 5))]


def test_an_owner_who_once_pressed_gets_six_a_day() -> None:
    assert asked_every(HOUR, 3 * DAY, proved=True) == [
        24 * day + hour for day in range(3) for hour in range(6)
    ]


def test_a_message_that_lets_nobody_in_leaves_the_last_place() -> None:
    assert asked_every(HOUR, 36 * DAY, proved=False, lets_in=False) == [0, 1, 24, 25, 48]
    assert asked_every(HOUR, DAY, proved=True, lets_in=False) == [0, 1, 2, 3, 4]
    full = mailbox(START, START, START + DAY, START + DAY, START + 2 * DAY)
    at = START + 3 * DAY
    assert next_mail_at(full, False, at, lets_in=False) is None
    assert next_mail_at(full, False, at) == at


def test_one_mailbox_has_one_count_and_a_press_of_its_reader_counts_for_all_its_accounts() -> None:
    pressed = mailbox(START, START + HOUR, START + 2 * HOUR, pressed=START - DAY)
    assert next_mail_at(pressed, False, START + 3 * HOUR) == START + 3 * HOUR
    assert next_mail_at(replace(pressed, pressed=None), False, START + 3 * HOUR) == START + DAY


@pytest.mark.parametrize(
    ("step", "here", "elsewhere"),
    [("sign_in", True, True), ("confirm", True, True), ("welcome", True, False)]
    + [(step, False, False) for step in ("confirm_email", "confirm_cancel", "nudge")],
)
def test_a_billing_page_elsewhere_leaves_only_the_links_that_were_asked_for(
    step: str, here: bool, elsewhere: bool
) -> None:
    assert SHIPPED.mail
    other = replace(SHIPPED.mail, billing_url="https://app.acme.example/billing")
    assert lets_owner_in(STEPS[step], SHIPPED.mail) is here
    assert lets_owner_in(STEPS[step], other) is elsewhere


def test_the_same_message_again_counts_once_and_may_go_out() -> None:
    full = mailbox(START, START, START)
    assert with_mail(full, "2", False, START + HOUR) == full
    assert with_mail(full, "3", False, START + HOUR) is None


def test_what_ses_did_not_take_counts_no_more() -> None:
    full = mailbox(START, START, START)
    assert with_mail(without_mail(full, "1"), "3", False, START + HOUR) is not None
    assert without_mail(full, "7") is full


def test_a_press_ends_the_count_and_each_link_ends_one_only() -> None:
    full = mailbox(*[START] * 6)
    pressed = after_press(full, START)
    assert pressed.sent == ()
    again = replace(mailbox(*[START + DAY] * 6), pressed=pressed.pressed)
    assert after_press(again, START) == again, "who found that link floods nobody with it"
    assert after_press(again, START + DAY).sent == ()


def test_ended_links_make_room_for_another_and_prove_nothing() -> None:
    ended = after_ended_links(mailbox(START, START, START))
    assert (ended.sent, ended.pressed) == ((), None)
    assert after_ended_links(Mailbox()) == Mailbox()


@pytest.mark.parametrize(("after", "sent"), [(FORGOTTEN - MINUTE, 1), (FORGOTTEN, 3)])
def test_what_nobody_pressed_is_forgotten_after_a_quarter_of_a_year(
    after: timedelta, sent: int
) -> None:
    found = mailbox(*[START] * 6)
    for number in range(5):
        found = with_mail(found, f"new {number}", False, START + after) or found
    assert sum(mail.key.startswith("new") for mail in found.sent) == sent


KINDS: list[Step] = [step for step in STEPS.values() if is_counted(step, proved=False)]


@dataclass
class Reader:
    """A mailbox that strangers have mail sent to, and its owner."""

    proved: bool = False
    state: Mailbox = field(default_factory=Mailbox)
    sent: list[datetime] = field(default_factory=list)
    """Those since the last press."""

    def is_sent(self, key: str, step: Step, proved: bool, at: datetime) -> None:
        lets_in = cause_of(step).lets_in
        known = any(mail.key == key for mail in self.state.sent)
        counted = with_mail(self.state, key, proved, at, lets_in)
        if counted is None:
            return
        self.state = counted
        if not known:
            self.sent.append(at)

    def presses(self, at: datetime) -> None:
        self.state, self.sent = after_press(self.state, at), []

    def check(self, at: datetime) -> None:
        pressed = self.state.pressed is not None
        a_day = 6 if pressed or self.proved else 3
        assert sum(at - DAY < one <= at for one in self.sent) <= a_day
        if not pressed and not self.proved:
            assert sum(at - 7 * DAY < one <= at for one in self.sent) <= 6
            later = self.sent[6:]
            gaps = zip(self.sent[5:], later, strict=False)
            assert all(after - before >= 7 * DAY for before, after in gaps)


@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.integers(0, 3 * 24 * 60),
            st.sampled_from(KINDS),
            st.integers(0, 5),
            st.sampled_from(["ask"] * 9 + ["press"]),
        ),
        max_size=80,
    ),
)
def test_no_order_of_requests_sends_more_than_the_bound_to_a_mailbox(
    proved: bool, story: list[tuple[int, Step, int, str]]
) -> None:
    reader, now = Reader(proved), START
    for number, (minutes, step, account, what) in enumerate(story):
        now += minutes * MINUTE
        if what == "press":
            reader.presses(now)
            now += MINUTE
        else:
            # an unproved account of the same mailbox is counted together with a proved one
            reader.is_sent(f"acc_{account} {number}", step, proved and account % 2 == 0, now)
        reader.check(now)
        at = next_mail_at(reader.state, proved, now)
        assert at is not None, "one that lets the owner in may always be sent again"
        assert at <= now + 7 * DAY
