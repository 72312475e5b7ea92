"""The description of a table."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


def table_client() -> "DynamoDBClient":
    """boto3's client, with the timeouts and retries of the functions' own: it also describes."""
    return boto3.client(
        "dynamodb",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5
        ),
    )


def description(dynamodb: "DynamoDBClient", table: str) -> "TableDescriptionTypeDef":
    """DynamoDB's description of the table. Raises InvalidInput if there is no table of this name,
    or AWS cannot be reached.
    """
    try:
        return dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        why = (
            "there is none here"
            if code == "ResourceNotFoundException"
            else f"DynamoDB refuses to tell of it: {code}"
        )
        raise InvalidInput(f"The table {table} cannot be read: {why}.", "table") from error
    except BotoCoreError as error:
        raise InvalidInput(f"AWS cannot be asked: {error}", "table") from error
