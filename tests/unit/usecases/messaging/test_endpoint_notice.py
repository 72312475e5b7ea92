"""The team is told by mail that an endpoint was disabled: each operator once."""

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.webhooks.endpoint import (
    Endpoint,
    Endpoints,
    Secret,
    after_failure,
    enabled,
)
from chalicelib.usecases.messages import SendEndpointNotice, read_mail_message
from chalicelib.usecases.messaging.notify_team import send_endpoint_notice
from tests.fakes.lifecycles import START
from tests.unit.usecases.messaging.test_notify_team import Team

URL = "https://app.example.com/hooks"
GONE = after_failure(Endpoint("we_1", URL, START, (Secret("a"),)), "e1", 410, START)


def notice(endpoint: Endpoint = GONE) -> SendEndpointNotice:
    assert endpoint.disabled_at
    read = read_mail_message(
        '{"endpoint_id": "we_1", "disabled_at": "' + endpoint.disabled_at.isoformat() + '"}'
    )
    assert isinstance(read, SendEndpointNotice)
    return read


def with_endpoints(team: Team, *endpoints: Endpoint) -> Team:
    store = team.life.place.endpoints
    store.save(store.load(), Endpoints(endpoints, 1))
    return team


@pytest.fixture
def team() -> Team:
    return with_endpoints(Team(), GONE)


def test_each_operator_gets_one_mail_with_the_address_and_the_reason(team: Team) -> None:
    for _ in range(2):
        send_endpoint_notice(notice(), team.services, team.post)
    assert [mail.recipient for mail in team.mailer.sent] == [
        "ada@acme.example",
        "ben@acme.example",
    ]
    text = team.mailer.sent[0].text
    assert URL in text
    assert "410" in text
    assert "python -m ops webhooks enable we_1" in text


def test_an_endpoint_that_is_enabled_or_deleted_since_needs_no_notice() -> None:
    for endpoints in ((), (enabled(GONE, START),)):
        team = with_endpoints(Team(), *endpoints)
        assert send_endpoint_notice(notice(), team.services, team.post) == "nothing"
        assert team.mailer.sent == []


def test_one_that_is_disabled_again_is_told_again(team: Team) -> None:
    assert send_endpoint_notice(notice(), team.services, team.post) == "sent"
    again = replace(GONE, disabled_at=START.replace(day=9), disabled_reason="failing")
    with_endpoints(other := Team(), again)
    other.claims = team.claims
    assert send_endpoint_notice(notice(again), other.services, other.post) == "sent"
    assert "five days" in other.mailer.sent[0].text


def test_while_ses_is_away_the_notice_waits(team: Team) -> None:
    team.mailer.faults = [Unavailable("SES is away.")]
    with pytest.raises(Unavailable):
        send_endpoint_notice(notice(), team.services, team.post)
    assert send_endpoint_notice(notice(), team.services, team.post) == "sent"
    assert len(team.mailer.sent) == 2
