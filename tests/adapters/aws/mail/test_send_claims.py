"""Claims of messages: of several workers one gets the claim, and a sent message stays sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.messaging.email_message import SendClaim
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLAIM = SendClaim("acc_1", "welcome@signup", "sending", T)
SECOND = replace(CLAIM, at=T + timedelta(minutes=20), attempt=2)


@pytest.fixture
def claims(dynamodb: Any) -> SendClaims:
    return SendClaims(TABLE, dynamodb)


def test_a_claim_is_found_as_it_was_made(claims: SendClaims) -> None:
    assert claims.load("acc_1", CLAIM.key) is None
    claims.take(CLAIM, None)
    assert claims.load("acc_1", CLAIM.key) == CLAIM
    assert claims.load("acc_2", CLAIM.key) is None


def test_of_two_claims_the_second_loses(claims: SendClaims) -> None:
    claims.take(CLAIM, None)
    with pytest.raises(ConcurrentUpdate):
        claims.take(CLAIM, None)


def test_an_unclear_message_is_claimed_again_once(claims: SendClaims) -> None:
    claims.take(CLAIM, None)
    claims.take(SECOND, CLAIM)
    with pytest.raises(ConcurrentUpdate):
        claims.take(replace(SECOND, at=T + timedelta(minutes=21)), CLAIM)
    assert claims.load("acc_1", CLAIM.key) == SECOND


def test_a_message_that_was_confirmed_meanwhile_is_not_claimed_again(claims: SendClaims) -> None:
    claims.take(CLAIM, None)
    claims.confirm(CLAIM, "ses-1")
    with pytest.raises(ConcurrentUpdate):
        claims.take(SECOND, CLAIM)
    assert claims.load("acc_1", CLAIM.key) == replace(CLAIM, state="sent", message_id="ses-1")


def test_a_write_repeated_by_the_sdk_is_no_lost_race(
    claims: SendClaims, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply was lost, so the claim is this worker's. Otherwise nobody would send the
    message.
    """
    put = dynamodb.put_item

    def twice(**request: Any) -> Any:
        put(**request)
        return put(**request)

    monkeypatch.setattr(dynamodb, "put_item", twice)
    claims.take(CLAIM, None)
    claims.take(SECOND, CLAIM)
    assert claims.load("acc_1", CLAIM.key) == SECOND


def test_a_message_that_ses_did_not_accept_may_be_claimed_again(claims: SendClaims) -> None:
    claims.take(CLAIM, None)
    claims.drop(CLAIM)
    assert claims.load("acc_1", CLAIM.key) is None
    claims.take(CLAIM, None)


def test_a_worker_drops_its_own_claim_only(claims: SendClaims) -> None:
    claims.take(CLAIM, None)
    claims.take(SECOND, CLAIM)
    claims.drop(CLAIM)
    assert claims.load("acc_1", CLAIM.key) == SECOND
    claims.confirm(SECOND, "ses-1")
    claims.drop(SECOND)
    assert claims.load("acc_1", CLAIM.key) == replace(SECOND, state="sent", message_id="ses-1")


def test_a_claim_that_was_erased_stays_erased(claims: SendClaims) -> None:
    claims.confirm(CLAIM, "ses-1")
    claims.drop(CLAIM)
    assert claims.load("acc_1", CLAIM.key) is None


def test_a_table_that_does_not_answer_is_unavailable(aws: None) -> None:
    import boto3
    from botocore.config import Config

    away = boto3.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(Unavailable):
        SendClaims(TABLE, away).take(CLAIM, None)
