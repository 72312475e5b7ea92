"""The accounts in the people system, by the command line: written, compared, and listed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.webhooks.people.intercom import Intercom
from local.intercom.stand_in import IntercomStandIn
from ops.__main__ import main
from tests.tooling.ops.conftest import Deployed

PEOPLE = PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS))
Ops = Callable[..., tuple[int, str]]


@pytest.fixture
def intercom() -> IntercomStandIn:
    return IntercomStandIn(clock.now)


@pytest.fixture
def ops(
    deployed: Deployed,
    intercom: IntercomStandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ops:
    """Runs a command on a stage with two accounts."""
    policy = replace(wiring.policy(), people=PEOPLE)
    monkeypatch.setattr(wiring, "policy", lambda: policy)
    monkeypatch.setattr(wiring, "people_system", lambda: Intercom(intercom))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for number in (1, 2):
        deployed.signs_up(f"acc_{number}", f"a{number}@example.com", clock.now())

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["people", *arguments, "--stage", "dev"])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_all_accounts_are_written_and_then_nothing_differs(
    ops: Ops, intercom: IntercomStandIn
) -> None:
    status, told = ops("sync", "--a-second", "100")
    assert (status, "2 written" in told) == (0, True)
    assert len(intercom.contacts) == 2
    status, told = ops("check")
    assert (status, "0 contacts differ" in told) == (0, True)


def test_what_differs_is_named_ends_with_1_and_is_repaired(
    ops: Ops, intercom: IntercomStandIn
) -> None:
    ops("sync", "--a-second", "100")
    intercom.of("acc_1")["name"] = "Somebody"
    status, told = ops("check")
    assert status == 1
    assert "acc_1  name is 'Somebody', and must be 'Ada Byron'" in told
    status, told = ops("check", "--repair")
    assert status == 0
    assert "(repaired)" in told
    assert intercom.of("acc_1")["name"] == "Ada Byron"
    assert ops("check")[0] == 0


def test_who_is_refused_is_listed_with_the_reason(ops: Ops, intercom: IntercomStandIn) -> None:
    refusal = b'{"errors": [{"code": "parameter_invalid", "message": "The email is invalid"}]}'
    intercom.fails = lambda method, path: (
        CallAnswer(400, body=refusal) if (method, path) == ("POST", "/contacts") else None
    )
    status, told = ops("sync", "--a-second", "100")
    assert (status, "2 refused" in told) == (1, True)
    status, told = ops("list")
    assert status == 0
    assert "acc_1  not there  The email is invalid" in told
    assert "2 accounts are refused" in told


def test_a_token_that_is_refused_ends_a_command_with_its_reason(
    ops: Ops, intercom: IntercomStandIn
) -> None:
    intercom.fails = lambda method, path: CallAnswer(401, head="Access Token Invalid")
    for command in ("sync", "check"):
        status, told = ops(command)
        assert status == 1
        assert "Access Token Invalid" in told


@pytest.mark.parametrize(
    "arguments", [("sync", "--a-second", "0"), ("check", "--pages-a-second", "99")]
)
def test_a_rate_that_makes_no_sense_is_refused(ops: Ops, arguments: tuple[str, ...]) -> None:
    status, told = ops(*arguments)
    assert status == 1
    assert "must be more than 0" in told
