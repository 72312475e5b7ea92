"""Items through both clients, on moto."""

import json
from typing import Any

from chalicelib.aws.dynamo import delete_many, put_many, read_many
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.json_protocol.conftest import Wire, says

KEY = {"pk": {"S": "A"}, "sk": {"S": "B"}}
BYTES = bytes(range(256))
ITEM: dict[str, Any] = {
    **KEY,
    "body": {"B": BYTES},
    "nil": {"B": b""},
    "parts": {"BS": [b"\x00", b"\xff"]},
    "nested": {"M": {"B": {"B": BYTES}, "list": {"L": [{"B": b"1"}, {"M": {"x": {"B": b"2"}}}]}}},
    "text": {"S": 'ä "B": \u2028 "B":"AA=="'},
    "number": {"N": "12345678901234567890.5"},
    "flags": {"L": [{"BOOL": True}, {"NULL": True}]},
    "names": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
}


def same(item: Any) -> Any:
    """Sets have no order."""
    return {
        name: {kind: sorted(of) if kind in ("SS", "NS", "BS") else of for kind, of in value.items()}
        for name, value in item.items()
    }


def test_one_client_reads_what_the_other_wrote_with_bytes_on_both_sides(
    boto3_table: Any,
) -> None:
    for writer, reader in ((DynamoDb(), boto3_table), (boto3_table, DynamoDb())):
        writer.put_item(TableName=TABLE, Item=ITEM)
        for of in (reader, writer):
            assert same(of.get_item(TableName=TABLE, Key=KEY)["Item"]) == ITEM


def test_every_call_gives_bytes_as_bytes(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": ITEM}}])
    (queried,) = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": KEY["pk"]},
    )["Items"]
    (scanned,) = dynamodb.scan(
        TableName=TABLE,
        FilterExpression="body = :body",
        ExpressionAttributeValues={":body": {"B": BYTES}},
    )["Items"]
    (read,) = read_many(dynamodb, TABLE, [KEY])
    updated = dynamodb.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET nil = :new",
        ExpressionAttributeValues={":new": {"B": b"new"}},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    deleted = dynamodb.delete_item(TableName=TABLE, Key=KEY, ReturnValues="ALL_OLD")["Attributes"]
    assert [same(item) for item in (queried, scanned, read)] == [ITEM] * 3
    assert updated == {"nil": {"B": b"new"}}
    assert same(deleted) == {**ITEM, "nil": {"B": b"new"}}


def test_many_items_are_written_and_deleted(dynamodb: Any) -> None:
    items: list[Any] = [
        {"pk": {"S": "A"}, "sk": {"S": str(number)}, "body": {"B": bytes([number])}}
        for number in range(60)
    ]
    keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
    put_many(dynamodb, TABLE, items)
    found = read_many(dynamodb, TABLE, keys)
    assert sorted(item["body"]["B"] for item in found) == [bytes([number]) for number in range(60)]
    delete_many(dynamodb, TABLE, keys)
    assert read_many(dynamodb, TABLE, keys) == []


def test_what_dynamodb_left_undone_is_asked_for_again_as_it_was(wire: Wire) -> None:
    """moto never leaves anything, so this is DynamoDB's answer as it writes it."""
    nested = '{"x": {"L": [{"B": "AP8="}, {"BS": ["AA==", "/w=="]}]}}'
    writes = f"""[{{"PutRequest": {{"Item": {{"body": {{"M": {nested}}}}}}}}},
        {{"DeleteRequest": {{"Key": {{"pk": {{"B": "AA=="}}}}}}}}]"""
    wire.answers(
        says(f'{{"UnprocessedItems": {{"t": {writes}}}}}'),
        says('{"UnprocessedItems": {}}'),
    )
    left = wire.dynamodb.batch_write_item(RequestItems={})["UnprocessedItems"]
    put, delete = left["t"]
    assert put["PutRequest"]["Item"]["body"]["M"]["x"]["L"] == [
        {"B": b"\0\xff"},
        {"BS": [b"\0", b"\xff"]},
    ]
    assert delete["DeleteRequest"]["Key"] == {"pk": {"B": b"\0"}}
    assert not wire.dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
    assert json.loads(wire.server.requests[1][1]) == {"RequestItems": {"t": json.loads(writes)}}


def test_keys_that_were_left_unread_keep_how_they_were_to_be_read(wire: Wire) -> None:
    keys = {"t": {"Keys": [KEY], "ConsistentRead": True, "ProjectionExpression": "pk"}}
    wire.answers(says(json.dumps({"Responses": {"t": []}, "UnprocessedKeys": keys})))
    answer = wire.dynamodb.batch_get_item(RequestItems=keys)
    assert answer == {"Responses": {"t": []}, "UnprocessedKeys": keys}
