"""Queues accept messages or raise; secrets are cached for five minutes."""

import time
from typing import Any

import boto3
import pytest

from chalicelib.aws.keys.secrets import CACHED_SECONDS, Secrets
from chalicelib.aws.queues import Queue
from chalicelib.domain.errors import Unavailable


def test_a_message_arrives_with_its_attributes(sqs: Any) -> None:
    boto3_sqs = boto3.client("sqs")
    url = boto3_sqs.create_queue(QueueName="events")["QueueUrl"]
    Queue(url, sqs).send("body", {"reason": "because"})
    (message,) = boto3_sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "body"
    assert message["MessageAttributes"]["reason"]["StringValue"] == "because"


def test_a_queue_that_refuses_is_unavailable(sqs: Any) -> None:
    with pytest.raises(Unavailable):
        Queue("https://sqs.us-east-1.amazonaws.com/123456789012/none", sqs).send("body")


@pytest.fixture
def ssm(aws: None) -> Any:
    return boto3.client("ssm")


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(
        Name=f"/billhook/test/{name}", Value=value, Type="SecureString", Overwrite=True
    )


def test_secrets_are_remembered_and_several_may_be_alive(ssm: Any) -> None:
    put(ssm, "stripe-webhook-secrets", "whsec_new whsec_old")
    put(ssm, "hash-key", "k")
    secrets = Secrets("/billhook/test")
    assert secrets.stripe_webhook_secrets == ["whsec_new", "whsec_old"]
    assert secrets.hash_key == "k"
    put(ssm, "hash-key", "another")
    assert secrets.hash_key == "k", "remembered for five minutes"


def test_a_rotation_is_seen_without_a_deploy(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(ssm, "stripe-api-key", "sk_old")
    secrets = Secrets("/billhook/test")
    assert secrets.stripe_api_key == "sk_old"
    put(ssm, "stripe-api-key", "sk_new")
    assert secrets.stripe_api_key == "sk_old", "for five minutes"
    later = time.time() + CACHED_SECONDS
    monkeypatch.setattr("chalicelib.aws.keys.secrets.time.time", lambda: later)
    assert secrets.stripe_api_key == "sk_new"


def test_a_missing_secret_is_named_without_the_value_of_another(ssm: Any) -> None:
    put(ssm, "hash-key", "very-secret")
    with pytest.raises(Unavailable, match="/billhook/test/stripe-api-key cannot be read") as caught:
        _ = Secrets("/billhook/test").stripe_api_key
    assert "very-secret" not in str(caught.value)


def test_a_line_end_behind_a_secret_is_not_part_of_it_but_for_the_key_of_hashes(ssm: Any) -> None:
    for name in ("stripe-api-key", "people-token", "slack-webhook-url", "captcha-secret"):
        put(ssm, name, f"{name}-1\n")
    put(ssm, "hash-key", "k\n")
    held = Secrets("/billhook/test")
    assert held.stripe_api_key == "stripe-api-key-1"
    assert held.people_token == "people-token-1"
    assert held.slack_webhook_url == "slack-webhook-url-1"
    assert held.captcha_secret == "captcha-secret-1"
    assert held.hash_key == "k\n", "hashes that were made with it must stay"
