"""The product writes again to an address that was suppressed."""

from urllib.parse import quote

import boto3
import pytest

from chalicelib.aws.mail.suppressions import SesSuppressionList
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.ses_suppressions import SuppressionList
from tests.http.conftest import Answer, Stage

ADA = "ada+news@example.com"


@pytest.fixture
def at_ses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> SuppressionList:
    """SES's own list."""
    kept = SuppressionList()
    listed = SesSuppressionList(kept.attach(boto3.client("sesv2")))
    monkeypatch.setattr(wiring, "ses_suppressions", lambda: listed)
    return kept


def lifts(stage: Stage, email: str, scope: str = "write") -> Answer:
    path = f"/suppressions/{quote(email, safe='')}"
    return stage.call("DELETE", path, Authorization=f"Bearer {stage.key(scope)}")


def test_a_lifted_address_is_on_neither_list(stage: Stage, at_ses: SuppressionList) -> None:
    wiring.suppressions().add(ADA, "bounce", clock.now())
    at_ses.add(ADA)
    assert lifts(stage, ADA).status == 204
    assert (wiring.suppressions().holds(ADA), at_ses.addresses()) == (False, [])
    assert lifts(stage, ADA).status == 204, "once more is as good"


def test_a_domain_in_other_letters_is_lifted_as_it_was_written_to(
    stage: Stage, at_ses: SuppressionList
) -> None:
    written_to = "ada@xn--mller-kva.example"
    wiring.suppressions().add(written_to, "bounce", clock.now())
    at_ses.add(written_to)
    assert lifts(stage, "ada@müller.example").status == 204
    assert (wiring.suppressions().holds(written_to), at_ses.addresses()) == (False, [])


def test_one_that_only_ses_suppresses_is_lifted_too(stage: Stage, at_ses: SuppressionList) -> None:
    at_ses.add(ADA)
    assert (lifts(stage, ADA).status, at_ses.addresses()) == (204, [])


def test_only_a_write_key_lifts_and_only_an_address(stage: Stage, at_ses: SuppressionList) -> None:
    wiring.suppressions().add(ADA, "bounce", clock.now())
    assert lifts(stage, ADA, "read").status == 403
    assert stage.call("DELETE", f"/suppressions/{quote(ADA)}").status == 401
    wrong = lifts(stage, "ada")
    assert (wrong.status, wrong.body["error"]["field"]) == (400, "email")
    assert wiring.suppressions().holds(ADA)
