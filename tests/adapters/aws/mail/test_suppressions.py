"""Suppressed addresses: whichever case they are written in, until they are lifted, and nowhere in
the table to be read.
"""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.mail.suppressions import SesSuppressionList, Suppressions
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.messaging.suppression import Suppression
from local.aws.ses_suppressions import SuppressionList
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def suppressions(dynamodb: Any) -> Suppressions:
    return Suppressions(TABLE, lambda: "a key", dynamodb)


def test_an_address_is_held_in_any_case_and_no_other_is(suppressions: Suppressions) -> None:
    suppressions.add("Ada@Example.com", "bounce", T)
    assert all(
        suppressions.holds(email)
        for email in ("Ada@Example.com", "ada@example.com", " ADA@EXAMPLE.COM ")
    )
    assert not any(
        suppressions.holds(email) for email in ("ada@example.org", "grace@example.com", "")
    )


def test_the_same_again_does_no_harm(suppressions: Suppressions, dynamodb: Any) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    suppressions.add("ADA@example.com", "complaint", T, "1")
    assert len(dynamodb.scan(TableName=TABLE)["Items"]) == 1
    assert suppressions.holds("ada@example.com")


def test_complaints_add_up(suppressions: Suppressions) -> None:
    suppressions.add("ada@example.com", "complaint", T, "1", about_a_notice=True)
    suppressions.add("ada@example.com", "complaint", T, "1", about_a_notice=True)
    assert suppressions.holds("ada@example.com", "lifecycle")
    assert not suppressions.holds("ada@example.com", "billing")
    suppressions.add("ada@example.com", "complaint", T, "2", about_a_notice=True)
    assert suppressions.load("ada@example.com") == Suppression("complaint", T, "all", ("1", "2"))


def test_of_two_complaints_at_once_none_is_lost(
    suppressions: Suppressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, others = suppressions.load, ["2"]

    def overtaken(email: str) -> Suppression | None:
        stored = load(email)
        if others:
            suppressions.add(email, "complaint", T, others.pop(), about_a_notice=False)
        return stored

    monkeypatch.setattr(suppressions, "load", overtaken)
    suppressions.add("ada@example.com", "complaint", T, "1", about_a_notice=True)
    assert suppressions.load("ada@example.com") == Suppression("complaint", T, "all", ("1", "2"))


def test_a_complaint_that_an_older_release_kept_stops_lifecycle_mail(
    suppressions: Suppressions, dynamodb: Any
) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    dynamodb.put_item(TableName=TABLE, Item=item | {"reason": {"S": "complaint"}})
    assert suppressions.load("ada@example.com") == Suppression("complaint", T, "lifecycle")


def test_a_lifted_address_is_written_to_again(suppressions: Suppressions) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    assert suppressions.lift("Ada@example.com")
    assert not suppressions.holds("ada@example.com")
    assert not suppressions.lift("Ada@example.com")


def test_all_are_listed_with_the_accounts_that_have_the_address(
    suppressions: Suppressions, dynamodb: Any
) -> None:
    account = Account("acc_1", 1, profile=Profile("Ada@example.com"))
    Accounts(TABLE, lambda: "a key", dynamodb).save(Account("acc_1"), account)
    suppressions.add("ada@example.com", "bounce", T)
    suppressions.add("bob@example.com", "bounce", T)
    found = {mark: accounts for mark, _, accounts in suppressions.all()}
    marks = [suppressions.mark(email) for email in ("ada@example.com", "bob@example.com")]
    assert found == {marks[0]: ["acc_1"], marks[1]: []}


def test_the_table_holds_why_and_when_but_no_address(
    suppressions: Suppressions, dynamodb: Any
) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert (item["reason"], item["at"]) == ({"S": "bounce"}, {"S": "2026-03-02T09:00:00.000000Z"})
    assert "ada" not in str(item)


def test_another_key_is_another_hash(suppressions: Suppressions, dynamodb: Any) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    assert not Suppressions(TABLE, lambda: "another key", dynamodb).holds("ada@example.com")


def test_an_address_is_taken_off_the_list_of_ses(aws: None) -> None:
    kept = SuppressionList()
    listed = SesSuppressionList(kept.attach(boto3.client("sesv2")))
    kept.add("ada+x@example.com")
    assert [(email, reason) for email, reason, _ in listed.all()] == [
        ("ada+x@example.com", "bounce")
    ]
    assert listed.lift("ada+x@example.com")
    assert (kept.addresses(), listed.lift("ada+x@example.com")) == ([], False)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "x"), Unavailable),
        (EndpointConnectionError(endpoint_url="https://ses"), Unavailable),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "x"), Refused),
    ],
)
def test_what_ses_does_not_do_is_told_without_the_address(
    failure: Exception, error: type[Exception]
) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            def fail(**_: Any) -> None:
                raise failure

            return fail

    with pytest.raises(error) as told:
        SesSuppressionList(Failing()).lift("ada@example.com")
    assert "ada" not in str(told.value)
    with pytest.raises(error):
        list(SesSuppressionList(Failing()).all())
