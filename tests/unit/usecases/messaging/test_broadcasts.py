"""A message that goes once to many, told of one of them: within hours and caps, once, and only
while it concerns them.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import BroadcastRequested, ConsentGiven
from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.standing import REASONS, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.broadcasts import AUDIENCES, KEPT, fits, since
from tests.fakes.faults import crashing_after
from tests.fakes.grids import examples
from tests.fakes.lifecycles import ACCOUNT, DAY, START, Life
from tests.unit.usecases.messaging.test_lifecycles import local


def wanted(
    life: Life, to: str = "everyone", name: str = "spring", message: str = "welcome"
) -> BroadcastRequested:
    return BroadcastRequested(name, Broadcast(message, to, life.now.at))


def broadcasts(life: Life) -> list[str]:
    return [local(one.at) for one in life.mails if one.step == "broadcast"]


def test_it_goes_out_at_their_hours_and_within_the_cap_of_a_day() -> None:
    life = Life().begins().advance(START + timedelta(hours=1))
    life.tell(wanted(life)).days(60)
    assert broadcasts(life) == ["Tue 03 09:00"], "the welcome was Monday's one"
    assert life.mails[1].key == "broadcast@spring"
    assert life.mails[1].letter.headers["List-Unsubscribe"]
    evening = Life().begins().advance(START + 1 * DAY + timedelta(hours=12))
    assert broadcasts(evening.tell(wanted(evening)).days(60)) == ["Wed 04 09:00"]


def test_a_name_goes_out_once_however_often_it_is_wanted() -> None:
    life = Life().begins().days(2)
    life.tell(wanted(life)).tell(wanted(life)).days(5)
    life.tell(wanted(life, message="trial_ended")).days(60)
    assert len(broadcasts(life)) == 1
    other = life.tell(wanted(life, name="autumn")).days(70)
    assert len(broadcasts(other)) == 2


def test_after_the_account_has_forgotten_it_the_claim_still_knows() -> None:
    life = Life().begins().days(2)
    life.tell(wanted(life)).days(3 + KEPT.days)
    life.tell(ConsentGiven("lifecycle", True, life.now.at), life.customer("pm_1"))
    assert life.account.broadcasts == {}
    assert not any(key.startswith("broadcast") for key in life.account.mails)
    life.tell(wanted(life)).days(60)
    assert len(broadcasts(life)) == 1
    assert life.account.mails["broadcast@spring"].outcome == "sent"


def test_who_is_no_more_of_the_audience_does_not_get_it() -> None:
    life = Life().begins().days(20)
    life.now.at = START + 20 * DAY + timedelta(hours=12)
    life.tell(wanted(life, "lost"))
    life.changes(
        status="active", trial_end=None, period_end=life.now.at + 30 * DAY, trial_start=None
    ).days(40)
    assert broadcasts(life) == []
    stays = Life().begins().days(20)
    assert len(broadcasts(stays.tell(wanted(stays, "lost")).days(40))) == 1


def test_who_has_unsubscribed_or_is_suppressed_does_not_get_it() -> None:
    left = Life().begins().days(2)
    left.tell(ConsentGiven("lifecycle", False, left.now.at), wanted(left)).days(60)
    assert broadcasts(left) == []
    suppressed = Life(suppressed={"ada@example.com"}).begins().days(2)
    suppressed.tell(wanted(suppressed)).days(60)
    assert suppressed.steps == []
    assert suppressed.account.mails == {} or "broadcast@spring" not in suppressed.steps


def test_what_cannot_go_out_for_a_week_does_not() -> None:
    life = Life().begins().days(2)
    life.mailer.room = False
    life.tell(wanted(life)).days(9.5)
    life.mailer.room = True
    assert broadcasts(life.days(60)) == []


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_crash_anywhere_sends_it_once_at_most(reply_lost: bool) -> None:
    def lived(**known: object) -> Life:
        life = Life(**known).begins().days(2)  # type: ignore[arg-type]
        return life.tell(wanted(life)).days(6)

    total, sent = len(lived().calls.made), 0
    for n in range(1, total + 1):
        life = lived(calls=crashing_after(n, reply_lost=reply_lost))
        assert len(broadcasts(life)) <= 1
        sent += len(broadcasts(life))
    assert sent >= total - 2


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30 * 24),
            st.sampled_from(["spring", "autumn", "winter"]),
            st.sampled_from(sorted(AUDIENCES)),
        ),
        max_size=6,
    )
)
def test_however_many_are_wanted_the_caps_hold_and_each_goes_out_once(
    wishes: list[tuple[int, str, str]],
) -> None:
    life = Life().begins()
    for hour, name, to in sorted(wishes):
        life.advance(START + timedelta(hours=hour))
        life.tell(wanted(life, to, name))
    life.days(60)
    lifecycle = [one for one in life.mails if one.letter.tags["stream"] == "lifecycle"]
    assert len({one.key for one in life.mails}) == len(life.mails)
    assert len({local(one.at)[:6] + str(one.at.month) for one in lifecycle}) == len(lifecycle), (
        "one a day"
    )
    for one in lifecycle:
        assert len([other for other in lifecycle if one.at - 7 * DAY < other.at <= one.at]) <= 3


def test_every_audience_is_told_from_the_others() -> None:
    def account(access: str, reason: str, left: bool = False) -> Account:
        return Account(
            ACCOUNT, standing=Standing("x", access, reason), departed_at=START if left else None
        )

    for reason in REASONS:
        found = {audience for audience in AUDIENCES if fits(account("full", reason), audience)}
        assert "everyone" in found
        assert "lost" not in found
        assert not {"trialing", "paying"} <= found
    assert fits(account("none", "canceled", left=True), "lost")
    assert not fits(account("none", "payment_incomplete"), "lost"), (
        "who never had access was not lost"
    )
    assert not fits(Account(ACCOUNT), "lost")


def test_since_when_somebody_is_what_they_are() -> None:
    signed_up = Account(
        ACCOUNT, signup=Signup("pro", START + 14 * DAY, START), departed_at=START + 14 * DAY
    )
    assert since(signed_up, "trialing") == START
    assert since(signed_up, "lost") == START + 14 * DAY
    assert since(replace(signed_up, signup=None), "everyone") is None
