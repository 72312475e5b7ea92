"""Messages that were sent are built anew, at once and after months."""

import re

import pytest

from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.state import Account
from chalicelib.usecases.messaging.rebuild import LEFT_OUT, NotRebuilt, rebuild
from chalicelib.values import replace
from tests.fakes.lifecycles import DAY, START, Life, Sent
from tests.unit.usecases.messaging.test_messages import Shipped

LINK = re.compile(r"https://b\.example/[\w-]+|" + re.escape(LEFT_OUT))


def without_links(text: str) -> list[str]:
    return LINK.sub("", text).split()


def lived() -> Shipped:
    """A trial that is paid, fails to be, is mended and canceled."""
    life = Shipped().begins("pm_1").days(12)
    assert isinstance(life, Shipped)
    life.pays().days(45)
    life.fails().days(49)
    life.mends().days(60)
    life.cancels().days(100)
    return life


def built(life: Life, one: Sent, account: Account) -> tuple[list[str], list[str], str]:
    anew = rebuild(account, one.key, one.at, life.place.services)
    return without_links(anew.html), without_links(anew.text), anew.subject


def test_from_what_was_known_when_it_was_sent_a_message_is_the_same_but_for_the_links() -> None:
    life = lived()
    assert len(life.mails) > 4
    for one in life.mails:
        html, text, subject = built(life, one, one.account)
        assert subject == one.letter.subject, one.key
        assert html == without_links(one.letter.html), one.key
        assert text == without_links(one.letter.text), one.key


def test_months_later_each_message_is_still_built_and_has_no_link_of_the_readers() -> None:
    life = lived()
    lapsed = 0
    for one in life.mails:
        anew = rebuild(life.account, one.key, one.at, life.place.services)
        assert anew.html
        assert "b.example" not in anew.html + anew.text, one.key
        lapsed += not anew.stands
    assert lapsed, "what was a trial's is over"


def test_a_sign_in_link_is_left_out() -> None:
    life = Life().begins()
    account = replace(life.account, sign_in_asked_at=START)
    key = f"sign_in@{START.timestamp():.0f}"
    anew = rebuild(account, key, START + DAY, life.place.services)
    assert LEFT_OUT in anew.text
    assert anew.stands


def test_a_broadcast_is_built_by_its_message() -> None:
    life = Life().begins()
    account = replace(life.account, broadcasts={"spring": Broadcast("welcome", "everyone", START)})
    anew = rebuild(account, "broadcast@spring", START, life.place.services)
    assert anew.subject


def test_what_billing_toml_has_no_more_and_what_another_system_sends_cannot_be_built() -> None:
    life = Life().begins()
    policy = life.place.policy
    with pytest.raises(NotRebuilt, match="no more"):
        rebuild(life.account, "gone@1", START, life.place.services)
    step = replace(policy.steps[0], via="intercom", message="")
    life.place.policy = replace(policy, steps=(step,))
    with pytest.raises(NotRebuilt, match="people system"):
        rebuild(life.account, f"{step.id}@1", START, life.place.services)
    life.place.policy = replace(policy, mail=None)
    with pytest.raises(NotRebuilt):
        rebuild(life.account, f"{policy.steps[0].id}@1", START, life.place.services)
