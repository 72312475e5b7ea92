"""A table and queues on moto, from the same template as the deployed ones."""

from copy import deepcopy
from functools import cache
from typing import Any

import boto3
import pytest

from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.aws.json_protocol.sqs import Sqs
from local.aws.resources import TEMPLATE
from local.aws.template import load

TABLE = "billing"
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")


def table_definition(name: str = TABLE) -> dict[str, Any]:
    """The table as .chalice/resources.yaml describes it."""
    return {"TableName": name, **deepcopy(_described())}


@cache
def _described() -> dict[str, Any]:
    """Reading the template takes longer than making the table."""
    properties = load(TEMPLATE)["Resources"]["BillingTable"]["Properties"]
    return {key: properties[key] for key in TABLE_PROPERTIES}


@pytest.fixture
def boto3_table(aws: None) -> Any:
    """boto3's client, with a table."""
    client = boto3.client("dynamodb")
    client.create_table(**table_definition())
    return client


@pytest.fixture(params=["our own client", "boto3"])
def dynamodb(boto3_table: Any, request: pytest.FixtureRequest) -> Any:
    """A client, with a table. Both take the same calls, give the same answers and raise the same
    errors.
    """
    return boto3_table if request.param == "boto3" else DynamoDb()


@pytest.fixture(params=["our own client", "boto3"])
def sqs(aws: None, request: pytest.FixtureRequest) -> Any:
    """SQS, in both ways too."""
    return boto3.client("sqs") if request.param == "boto3" else Sqs()
