"""What the doctor says of the people system: its token, its workspace and its attributes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy, Policy
from chalicelib.usecases.webhooks.people.intercom import Intercom
from local.intercom.stand_in import IntercomStandIn
from ops.doctor.findings import Finding
from ops.doctor.people import check_people, judge_segment
from tests.fakes.services import QUIET

PEOPLE = PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS))


@dataclass
class Held:
    value: str


@dataclass
class Stage:
    """As much of a site as is looked at."""

    policy: Policy
    token: str | None = "a-token-that-nobody-may-print"
    name: str = "dev"

    @property
    def parameters(self) -> "Stage":
        return self

    def get(self, name: str) -> Held | None:
        assert name == "people-token"
        return Held(self.token) if self.token else None


def stand_in() -> IntercomStandIn:
    made = IntercomStandIn(lambda: datetime.now(UTC))
    made.attributes |= ATTRIBUTES
    return made


def findings(intercom: IntercomStandIn, people: PeoplePolicy | None = PEOPLE) -> list[Finding]:
    stage: Any = Stage(replace(QUIET, people=people))
    found: Iterable[Finding] = check_people(stage, lambda *_: Intercom(intercom))
    return list(found)


def test_a_workspace_with_all_attributes_is_fine_and_named() -> None:
    found = findings(stand_in())
    assert [one.state for one in found] == ["ok", "ok"]
    assert "workspace Acme (abc123)" in found[0].says
    assert "12 are there" in found[1].says
    assert "a-token" not in "".join(map(str, found))


def test_without_a_people_system_or_its_token_nothing_is_said() -> None:
    assert findings(stand_in(), None) == []
    stage: Any = Stage(replace(QUIET, people=PEOPLE), token=None)
    assert list(check_people(stage)) == []


def test_attributes_that_are_missing_archived_or_of_another_type_are_wrong() -> None:
    intercom = stand_in()
    del intercom.attributes["billing_plan"]
    intercom.archived_attributes.add("billing_mode")
    intercom.attributes["mrr"] = "string"
    _, *wrongs = findings(intercom)
    assert {one.state for one in wrongs} == {"wrong"}
    told = "\n".join(map(str, wrongs))
    assert "billing_plan does not exist" in told
    assert "people sync --stage dev" in told
    assert "billing_mode is archived" in told
    assert "mrr is of the type string at Intercom, and must be float" in told


def test_only_the_attributes_that_leave_are_looked_at() -> None:
    intercom = stand_in()
    intercom.attributes.clear()
    intercom.attributes["billing_access"] = "string"
    found = findings(intercom, replace(PEOPLE, fields=frozenset({"email", "billing_access"})))
    assert [one.state for one in found] == ["ok", "ok"]


def test_another_region_than_that_of_the_address_is_wrong() -> None:
    eu = replace(PEOPLE, base_url="https://api.eu.intercom.io")
    (wrong, _) = findings(stand_in(), eu)
    assert wrong.state == "wrong"
    assert "is in the region US" in wrong.says


@pytest.mark.parametrize(
    ("answer", "state", "says"),
    [
        (CallAnswer(401), "wrong", "the token is refused (401)"),
        (CallAnswer(403), "wrong", "the token is refused (403)"),
        (CallAnswer(503), "unknown", "does not answer now"),
        (CallAnswer(None, "No answer came within 10 seconds."), "unknown", "within 10 seconds"),
    ],
)
def test_a_token_that_is_refused_is_wrong_and_a_system_that_is_down_unknown(
    answer: CallAnswer, state: str, says: str
) -> None:
    intercom = stand_in()
    intercom.fails = lambda method, path: answer
    (finding,) = findings(intercom)
    assert finding.state == state
    assert says in finding.says


def test_segment_can_only_be_reached() -> None:
    segment = replace(PEOPLE, to="segment", base_url="https://api.segment.io")
    assert judge_segment(segment, None).state == "unknown"
    assert judge_segment(segment, "No answer: the host has no address.").state == "wrong"
