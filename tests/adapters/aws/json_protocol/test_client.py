"""What the client sends, what it makes of each answer, and when it tries again."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from botocore import exceptions
from botocore.credentials import ReadOnlyCredentials

from chalicelib.aws.dynamo import translate_errors
from chalicelib.aws.json_protocol import connection
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.aws.json_protocol.retries import ATTEMPTS, TOKENS
from chalicelib.aws.json_protocol.sqs import Sqs
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from tests.adapters.aws.json_protocol.conftest import (
    Handler,
    Wire,
    fails_with,
    hangs_up,
    hangs_up_later,
    says,
)

KEY = {"pk": {"S": "ACCOUNT#acc_1"}, "sk": {"S": "ACCOUNT"}}


def test_a_call_names_its_operation_and_is_signed(wire: Wire) -> None:
    wire.answers(says('{"Item": {"pk": {"S": "A"}}}'))
    assert wire.dynamodb.get_item(TableName="t", Key=KEY) == {"Item": {"pk": {"S": "A"}}}
    ((headers, body),) = wire.server.requests
    assert headers["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert "Credential=AKIATEST/" in headers["Authorization"]
    assert "/eu-central-1/dynamodb/aws4_request" in headers["Authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target" in headers["Authorization"]
    assert json.loads(body) == {"TableName": "t", "Key": KEY}


def test_a_message_goes_to_the_queue_that_its_url_names(wire: Wire) -> None:
    sqs = Sqs(f"http://127.0.0.1:{wire.server.server_port}")
    wire.answers(says('{"MessageId": "1"}'))
    url = "https://sqs.eu-central-1.amazonaws.com/1/q"
    assert sqs.send_message(QueueUrl=url, MessageBody="ä") == {"MessageId": "1"}
    ((headers, body),) = wire.server.requests
    assert headers["X-Amz-Target"] == "AmazonSQS.SendMessage"
    assert "/sqs/aws4_request" in headers["Authorization"]
    assert json.loads(body) == {"QueueUrl": url, "MessageBody": "ä"}


def test_credentials_that_are_renewed_sign_the_next_attempt(wire: Wire) -> None:
    class Renewed:
        times = 0

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            self.times += 1
            return ReadOnlyCredentials(f"AKIA{self.times}", "secret", f"token{self.times}")

    renewed: Any = Renewed()
    wire.dynamodb._settings = replace(wire.dynamodb._settings, credentials=renewed)
    wire.answers(fails_with("ThrottlingException"))
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    for number, (headers, _) in enumerate(wire.server.requests, 1):
        assert f"Credential=AKIA{number}/" in headers["Authorization"]
        assert headers["X-Amz-Security-Token"] == f"token{number}"
        assert "x-amz-security-token" in headers["Authorization"]


def test_without_credentials_nothing_is_sent(wire: Wire, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    client = DynamoDb(wire.dynamodb._settings.endpoint)
    with pytest.raises(exceptions.NoCredentialsError):
        client.get_item(TableName="t", Key=KEY)
    assert wire.server.requests == []


def test_a_message_of_a_function_carries_the_invocation_that_it_comes_from(
    wire: Wire, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988;Lineage=a:1|b:2")
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    environment.setenv("AWS_LAMBDA_FUNCTION_NAME", "act")
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    assert [headers["X-Amzn-Trace-Id"] for headers, _ in wire.server.requests] == [
        None,
        "Root=1-5759e988;Lineage=a:1%7Cb:2",
    ]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "message"),
    [
        ('{"__type": "com.amazonaws.x#SomeException", "message": "No."}', {}, 400, None, "No."),
        ('{"__type": "SomeException", "Message": "No."}', {}, 400, None, "No."),
        ('{"code": "SomeException:http://x/"}', {}, 400, None, ""),
        ("{}", {"x_amzn_errortype": "SomeException:http://x/"}, 400, None, ""),
        ("<html>Forbidden</html>", {}, 403, "403", ""),
        ("[]", {}, 404, "404", ""),
        ("", {}, 301, "301", ""),
    ],
)
def test_an_error_has_its_code_and_message_whatever_form_they_come_in(
    wire: Wire, body: str, headers: dict[str, str], status: int, code: str | None, message: str
) -> None:
    wire.answers(says(body, status, x_amzn_RequestId="R1", **headers))
    with pytest.raises(exceptions.ClientError) as caught:
        wire.dynamodb.get_item(TableName="t", Key=KEY)
    response = caught.value.response
    assert response["Error"] == {"Code": code or "SomeException", "Message": message}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"] == "R1"
    assert len(wire.server.requests) == 1, "an error that stays is no reason to try again"


def test_a_canceled_transaction_says_why(wire: Wire) -> None:
    wire.answers(
        says(
            '{"__type": "x#TransactionCanceledException", "Message": "m",'
            ' "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]}',
            400,
        )
    )
    with pytest.raises(exceptions.ClientError) as caught:
        wire.dynamodb.transact_write_items(TransactItems=[])
    reasons: Any = caught.value.response
    assert [one["Code"] for one in reasons["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]


@pytest.mark.parametrize(
    "failure",
    [
        fails_with("ThrottlingException"),
        fails_with("ProvisionedThroughputExceededException"),
        fails_with("TransactionInProgressException"),
        fails_with("InternalServerError", 500),
        says("<html>Service Unavailable</html>", 503),
        says("{}", 429),
        says('{"Item": ', 200),
        says("{}", 200, x_amz_crc32="1"),
        hangs_up,
    ],
)
def test_what_passes_by_itself_is_tried_again_and_for_the_third_time_given_up(
    wire: Wire, failure: Any
) -> None:
    wire.answers(failure, says('{"Item": {"pk": {"S": "A"}}}'))
    assert wire.dynamodb.get_item(TableName="t", Key=KEY) == {"Item": {"pk": {"S": "A"}}}
    wire.answers(*[failure] * ATTEMPTS)
    with pytest.raises(
        (exceptions.ClientError, exceptions.HTTPClientError, exceptions.ConnectionError)
    ):
        wire.dynamodb.get_item(TableName="t", Key=KEY)
    assert len(wire.server.requests) == 2 + ATTEMPTS
    assert len(wire.pauses) == 1 + ATTEMPTS - 1


def test_a_pause_is_as_long_as_aws_asks(wire: Wire) -> None:
    wire.answers(fails_with("ThrottlingException", x_amz_retry_after="3000"))
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    assert wire.pauses == [3.0]


def test_where_everything_fails_calls_are_soon_tried_once_only(wire: Wire) -> None:
    for _ in range(TOKENS):
        wire.server.requests.clear()
        wire.answers(*[fails_with("InternalServerError", 500)] * ATTEMPTS)
        with pytest.raises(exceptions.ClientError):
            wire.dynamodb.get_item(TableName="t", Key=KEY)
        wire.server.answers.clear()
        if len(wire.server.requests) == 1:
            break
    else:
        pytest.fail("every call was tried again")


def test_a_connection_that_was_closed_while_nobody_looked_is_made_anew(wire: Wire) -> None:
    """Lambda freezes a function between its invocations, and AWS closes what is idle."""
    wire.answers(hangs_up_later)
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    wire.dynamodb.get_item(TableName="t", Key=KEY)
    assert len(wire.server.requests) == 2


def test_a_write_whose_reply_is_lost_is_sent_again_and_may_meet_its_own_condition(
    wire: Wire,
) -> None:
    wire.answers(hangs_up, fails_with("ConditionalCheckFailedException"))
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    with pytest.raises(ConcurrentUpdate), translate_errors():
        wire.dynamodb.put_item(TableName="t", Item=KEY, **condition)
    (_, first), (_, second) = wire.server.requests
    assert first == second


def test_a_transaction_whose_reply_is_lost_has_the_same_token_when_it_is_sent_again(
    wire: Wire,
) -> None:
    """With it DynamoDB answers for ten minutes as it did the first time."""
    wire.answers(hangs_up)
    wire.dynamodb.transact_write_items(TransactItems=[])
    wire.dynamodb.transact_write_items(TransactItems=[])
    tokens = [json.loads(body)["ClientRequestToken"] for _, body in wire.server.requests]
    assert tokens[0] == tokens[1] != tokens[2]


def test_what_does_not_answer_in_time_is_unavailable(
    environment: pytest.MonkeyPatch, wire: Wire
) -> None:
    environment.setattr(connection, "READ_SECONDS", 0.05)
    impatient, over = DynamoDb(wire.dynamodb._settings.endpoint), Event()

    def never(handler: Handler) -> None:
        over.wait()
        handler.close_connection = True

    wire.answers(*[never] * ATTEMPTS)
    with pytest.raises(Unavailable, match="ReadTimeoutError"), translate_errors():
        impatient.get_item(TableName="t", Key=KEY)
    over.set()


def test_what_is_not_there_is_unavailable(wire: Wire) -> None:
    away = DynamoDb("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="EndpointConnectionError"), translate_errors():
        away.get_item(TableName="t", Key=KEY)
    assert len(wire.pauses) == ATTEMPTS - 1


def test_threads_that_share_a_client_each_get_their_own_answer(wire: Wire) -> None:
    def echo(handler: Handler) -> None:
        says(json.dumps({"Item": json.loads(handler.body)["Key"]}))(handler)

    def ask(number: int) -> bool:
        key = {"pk": {"S": f"ACCOUNT#{number}"}}
        return bool(wire.dynamodb.get_item(TableName="t", Key=key)["Item"] == key)

    wire.server.usual = echo
    with ThreadPoolExecutor(24) as threads:
        assert all(threads.map(ask, range(400)))
