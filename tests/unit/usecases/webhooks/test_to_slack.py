"""Domain events to the team's channel in Slack."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.channels import SLACK
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.policy.policy import TeamPolicy
from tests.fakes.services import POLICY as WITH_MAIL
from tests.unit.usecases.webhooks.channels import POLICY, Team, only
from tests.unit.usecases.webhooks.owner import OK

SECOND = timedelta(seconds=1)


@pytest.fixture
def team() -> Team:
    made = Team()
    only(made.place, bus=False)
    return made


def ada(team: Team, name: str = "Ada Byron") -> None:
    account = Account("acc_1", profile=Profile("ada@example.com"))
    account = replace(account, profile=replace(account.profile, name=name))
    team.place.services.stores.accounts.save(account, replace(account, version=1))


def test_a_happening_has_one_message_that_says_who_and_leads_to_the_customer(team: Team) -> None:
    ada(team)
    team.publish(team.happens("trial.started"))
    team.settle()
    (text,) = team.slack.texts
    assert text == (
        "*trial.started* A free trial began.\n"
        "Ada Byron (ada@example.com) · "
        "<https://billing.example.com/admin/customers/acc_1|acc_1>"
    )
    assert team.waiting(SLACK) == []


def test_other_happenings_are_not_told(team: Team) -> None:
    team.publish(team.happens("account.created"))
    team.passes(minutes=1)
    assert team.slack.texts == []


def test_a_few_are_told_one_by_one_and_a_second_apart_or_more(team: Team) -> None:
    team.publish(*(team.happens(account=f"acc_{number}") for number in range(3)))
    team.settle()
    assert [text.count("happenings") for text in team.slack.texts] == [0, 0, 0]
    first, second, third = team.slack.times
    assert (second - first, third - second) == (SECOND, 2 * SECOND)


def test_a_burst_is_one_message_with_a_count(team: Team) -> None:
    team.publish(
        *(team.happens(account=f"acc_{number}") for number in range(30)),
        *(team.happens("access.revoked", account=f"acc_{number}") for number in range(12)),
    )
    team.settle()
    (text,) = team.slack.texts
    assert text.startswith("*42 happenings* within a short time: ")
    assert "30 × trial.started, 12 × access.revoked" in text
    assert "<https://billing.example.com/admin/customers|Customers>" in text


def test_a_burst_that_goes_on_has_fewer_and_fewer_messages(team: Team) -> None:
    """As an import that goes on for ten minutes, a customer a second."""
    begun, customers = team.place.now.at, iter(range(600))

    def go_on() -> None:
        while (team.place.now.at - begun).total_seconds() >= team.numbers.get("customers", 0):
            if (number := next(customers, None)) is None:
                return
            team.publish(team.happens(account=f"acc_{number}"))
            team.numbers["customers"] = number + 1

    team.meanwhile = go_on
    while team.numbers.get("customers", 0) < 600:
        go_on()
        team.settle()
        team.passes(seconds=1)
    team.passes(minutes=3)
    assert len(team.slack.texts) < 30
    counted = sum(
        int(text.split()[0].strip("*")) if "happenings*" in text else 1 for text in team.slack.texts
    )
    assert counted == 600


def test_what_slack_asks_to_wait_is_kept(team: Team) -> None:
    team.slack.answer = CallAnswer(429, retry_after="90")
    team.publish(team.happens())
    team.settle()
    begun = team.place.now.at
    team.passes(seconds=89)
    assert len(team.slack.texts) == 1
    team.slack.answer = OK
    team.passes(seconds=5)
    assert len(team.slack.texts) == 2
    assert team.slack.times[1] >= begun + timedelta(seconds=90)


def test_a_channel_that_is_down_is_told_later_all_at_once(team: Team) -> None:
    team.slack.answer = CallAnswer(503)
    for number in range(5):
        team.publish(team.happens(account=f"acc_{number}"))
        team.settle()
        team.passes(minutes=2)
    team.slack.answer = OK
    team.passes(minutes=20)
    assert team.slack.texts[-1].startswith("*5 happenings*")
    assert team.waiting(SLACK) == []


def test_after_an_hour_it_is_dropped(team: Team) -> None:
    team.slack.answer = CallAnswer(None, "No answer came.")
    team.publish(team.happens())
    team.settle()
    team.passes(hours=2)
    tries = len(team.slack.texts)
    assert 5 <= tries <= 12
    assert team.waiting(SLACK) == []
    assert max(team.slack.times) - min(team.slack.times) <= timedelta(hours=1)
    team.passes(hours=2)
    assert len(team.slack.texts) == tries


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_not_repeated_and_told_to_the_operators_once(team: Team, status: int) -> None:
    team.place.policy = replace(
        WITH_MAIL,
        slack=POLICY.slack,
        team=TeamPolicy(("team@acme.example",), frozenset()),
    )
    assert team.place.policy.mail
    team.slack.answer = CallAnswer(status, head="no_service")
    for number in range(3):
        team.publish(team.happens(account=f"acc_{number}"))
        team.passes(minutes=10)
    assert len(team.slack.texts) == 3
    assert team.waiting(SLACK) == []
    (notice,) = team.place.mail_queue.waiting
    assert notice["endpoint_id"] == SLACK
    team.slack.answer = OK
    team.publish(team.happens(account="acc_7"))
    team.passes(minutes=1)
    team.slack.answer = CallAnswer(status)
    team.publish(team.happens(account="acc_8"))
    team.passes(minutes=1)
    assert len(team.place.mail_queue.waiting) == 2, "once more after it worked again"


def test_an_event_that_is_published_twice_is_told_once(team: Team) -> None:
    event = team.happens()
    for _ in range(2):
        team.publish(event)
        team.settle()
    assert len(team.slack.texts) == 1


def test_an_erased_account_is_told_of_without_name_and_address(team: Team) -> None:
    team.publish(team.happens())
    team.settle()
    assert team.slack.texts[0].endswith(
        "\n<https://billing.example.com/admin/customers/acc_1|acc_1>"
    )
