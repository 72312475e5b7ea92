"""A table and queues on moto, from the same template as the deployed ones."""

from copy import deepcopy
from functools import cache
from typing import Any

import boto3
import pytest

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
def dynamodb(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(**table_definition())
    return client
