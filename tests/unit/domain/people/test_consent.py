"""What Intercom says of the consent to mail, against what was told and heard before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.people.consent import decide
from chalicelib.domain.people.heard import ConsentHeard
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = PeoplePolicy("intercom", "https://api.intercom.io")
FOLLOWS = replace(POLICY, follow_subscribes=True)
OFF = replace(POLICY, follow_unsubscribes=False)
HERE = Account("acc_1")


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def left(seconds: float) -> Account:
    """An account that unsubscribed then."""
    return replace(HERE, unsubscribed={"lifecycle": at(seconds)})


def leaves(seconds: float) -> ConsentHeard:
    return ConsentHeard("acc_1", True, at(seconds))


def returns(seconds: float) -> ConsentHeard:
    return ConsentHeard("acc_1", False, at(seconds))


def told(unsubscribed: bool, seconds: float, **others: object) -> Person:
    return replace(Person(), told=unsubscribed, told_at=at(seconds), **others)


def heard(unsubscribed: bool, seconds: float, **others: object) -> Person:
    return replace(told(False, -99), heard=unsubscribed, heard_at=at(seconds), **others)


CASES = [
    ("an unsubscription there counts here", leaves(0), HERE, told(False, -5), POLICY, "taken"),
    ("also of a contact never written", leaves(0), HERE, Person(), POLICY, "taken"),
    ("not if the policy says so", leaves(0), HERE, told(False, -5), OFF, "switched_off"),
    ("our own write comes back", leaves(1), left(0), told(True, 0.5), POLICY, "same"),
    ("so for a suppressed address", leaves(1), HERE, told(True, 0.5), POLICY, "same"),
    ("our write, late, after the customer came back", leaves(1), HERE, told(True, 0.5), POLICY,
     "same"),
    ("later still, when that is written", leaves(1), HERE, told(False, 9), POLICY, "older"),
    ("the same twice", leaves(0), left(0), heard(True, 0, left_there_at=at(0)), POLICY, "older"),
    ("a newer one was heard", leaves(0), HERE, heard(False, 3), POLICY, "older"),
    ("in one second it is unsubscribed that counts", leaves(3), HERE, heard(False, 3), POLICY,
     "taken"),
    ("and not subscribed", returns(3), left(3), heard(True, 3, left_there_at=at(3)), FOLLOWS,
     "older"),
    ("within the second of our write", leaves(3), HERE, told(False, 3.7), POLICY, "taken"),
    ("who is subscribed subscribes", returns(0), HERE, told(False, -5), POLICY, "same"),
    ("who left there comes back there", returns(5), left(0), heard(True, 0, left_there_at=at(0)),
     POLICY, "taken"),
    ("who left here stays away", returns(5), left(0), told(True, 1), POLICY, "unsubscribed_here"),
    ("unless the policy says so", returns(5), left(0), told(True, 1), FOLLOWS, "taken"),
    ("who left here later stays away", returns(5), left(8), told(False, -5), FOLLOWS, "older"),
    ("who left there, came back and left here", returns(9), left(5), heard(True, 0), POLICY,
     "unsubscribed_here"),
    ("who left anew there after a subscription that was not taken", leaves(9), left(0),
     heard(False, 5), POLICY, "same"),
    ("who came back here and leaves there", leaves(9), HERE,
     told(False, 5, heard=True, heard_at=at(0)), POLICY, "taken"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "news", "account", "person", "policy", "decision"),
    CASES,
    ids=lambda one: str(one)[:60],
)
def test_what_intercom_says_of_the_consent(
    case: str,
    news: ConsentHeard,
    account: Account,
    person: Person,
    policy: PeoplePolicy,
    decision: str,
) -> None:
    assert decide(news, account, person, policy) == decision, case
