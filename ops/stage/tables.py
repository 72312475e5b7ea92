"""A table, as DynamoDB tells of it."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


def description(dynamodb: "DynamoDBClient", table: str) -> "TableDescriptionTypeDef":
    """DynamoDB's own description of the table. Raises InvalidInput if there is none of that name
    here, or AWS cannot be asked.
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
