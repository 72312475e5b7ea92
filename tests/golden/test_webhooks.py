"""What is stored of outgoing webhooks is read and written as an older release wrote it, and secrets
that receivers have still sign. `data/webhooks.json` is not generated anew.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.aws.events.webhooks import Deliveries, EndpointList
from chalicelib.domain.outgoing.signature import as_secret
from chalicelib.domain.webhooks.delivery import DeliveryKey
from chalicelib.usecases.messages import read_deliver_message, read_mail_message
from tests.adapters.aws.conftest import TABLE, table_definition
from tests.golden.additions import without_additions

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "webhooks.json").read_text())


@pytest.fixture
def old(aws: None) -> Any:
    """The table that an older release wrote."""
    table = boto3.client("dynamodb")
    table.create_table(**table_definition())
    for item in STORED["items"]:
        table.put_item(TableName=TABLE, Item=item)
    return table


def found(old: Any, stored: Any) -> Any:
    key = {"pk": stored["pk"], "sk": stored["sk"]}
    return read(old.get_item(TableName=TABLE, Key=key)["Item"])


def read(item: Any) -> Any:
    return item | {"body": json.loads(item["body"]["S"])}


def test_endpoints_are_read_and_written_as_stored(old: Any) -> None:
    store, stored = EndpointList(TABLE, old), STORED["items"][0]
    store.save(store.load(), store.load())
    assert without_additions(found(old, stored), read(stored)) == read(stored)


@pytest.mark.parametrize("number", [1, 2])
def test_a_delivery_is_read_and_written_as_stored(old: Any, number: int) -> None:
    store, stored = Deliveries(TABLE, old), STORED["items"][number]
    (endpoint,) = EndpointList(TABLE, old).load().all
    page, _ = store.page(endpoint.id, None, endpoint.created_at)
    delivery = page[number - 1]
    store.save(delivery, delivery)
    assert without_additions(found(old, stored), read(stored)) == read(stored)


def test_secrets_that_receivers_have_still_sign(old: Any) -> None:
    (endpoint,) = EndpointList(TABLE, old).load().all
    keys = endpoint.keys("golden-hash-key", endpoint.created_at)
    assert [as_secret(key) for key in keys] == STORED["secrets"]


@pytest.mark.parametrize("message", STORED["messages"])
def test_a_message_that_waits_is_accepted_and_written_the_same(message: dict[str, str]) -> None:
    text = json.dumps(message)
    accepted = read_deliver_message(text) if "deliveries" in message else read_mail_message(text)
    assert accepted
    assert accepted.dump() == message


def test_the_id_of_a_delivery_stays() -> None:
    _, at, event_id = STORED["items"][1]["sk"]["S"].split("#", 2)
    key = DeliveryKey("we_0123456789abcdef", datetime.fromisoformat(at), event_id)
    assert key.id == STORED["id"]
