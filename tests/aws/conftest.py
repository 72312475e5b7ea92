"""A table and queues on moto, made of the same template as the deployed ones."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.resources import TEMPLATE
from local.template import load

TABLE = "billing"
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")


def table_definition(name: str = TABLE) -> dict[str, Any]:
    """The table as .chalice/resources.yaml describes it."""
    properties = load(TEMPLATE)["Resources"]["BillingTable"]["Properties"]
    return {"TableName": name, **{key: properties[key] for key in TABLE_PROPERTIES}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(**table_definition())
    return client
