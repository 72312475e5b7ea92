"""Steps that the people system sends: the event goes out where the mail would, and no mail."""

from dataclasses import replace

import pytest

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.people.deliveries import STEP
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.domain.policy.read import read_policy
from tests.fakes.lifecycles import Life
from tests.fakes.services import POLICY, ROOT, FakeServices

OVER = "three_days"
HANDED_OVER = replace(
    POLICY,
    hash="over",
    people=PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS)),
    steps=tuple(
        replace(step, via="intercom", message="") if step.id == OVER else step
        for step in POLICY.steps
    ),
)
WHOLE = Life().begins().days(60).steps


def life(**known: object) -> Life:
    return Life(place=FakeServices(policy=HANDED_OVER), **known)  # type: ignore[arg-type]


def events(lived: Life) -> list[str]:
    return [one.key.event_id for one in lived.place.deliveries.kept.values() if one.type == STEP]


def test_the_event_goes_out_once_in_place_of_the_mail_and_counts_as_sent() -> None:
    lived = life().begins().days(60)
    assert OVER in WHOLE
    assert lived.steps == [step for step in WHOLE if step != OVER]
    (event,) = events(lived)
    assert event.startswith(f"acc_1.{OVER}@")
    (outcome,) = [
        mailed.outcome for key, mailed in lived.account.mails.items() if key.startswith(OVER)
    ]
    assert outcome == "sent"


def test_who_has_unsubscribed_gets_neither() -> None:
    lived = life().begins().days(1)
    lived.tell(ConsentGiven("lifecycle", False, lived.now.at)).days(60)
    assert events(lived) == []


def test_who_is_suppressed_gets_neither() -> None:
    lived = life(suppressed={"ada@example.com"}).begins().days(60)
    assert events(lived) == []


BILLING = (ROOT / "chalicelib" / "billing.toml").read_text()
STEP_LINE = 'message = "trial_three_days"'


@pytest.mark.parametrize(
    ("step", "people", "wrong"),
    [
        ('via = "intercom"', '[people]\nto = "intercom"\n', None),
        ('via = "segment"', '[people]\nto = "segment"\n', None),
        ('via = "segment"', '[people]\nto = "intercom"\n', "goes via segment"),
        ('via = "intercom"', "", "goes via intercom"),
        ('via = "pigeon"', '[people]\nto = "intercom"\n', "via"),
        ("at_any_hour = true", "", "message"),
    ],
)
def test_a_step_goes_only_where_the_policy_has_a_people_system(
    step: str, people: str, wrong: str | None
) -> None:
    toml = BILLING.replace(STEP_LINE, step) + people
    if wrong is None:
        policy = read_policy(toml)
        assert [one.via for one in policy.steps if one.id == OVER] == [step.split('"')[1]]
        return
    with pytest.raises(PolicyMistakes) as refused:
        read_policy(toml)
    assert wrong in str(refused.value)
