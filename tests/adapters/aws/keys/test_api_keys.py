"""API keys: created, found, listed and revoked. The table has only their hashes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.usecases.accounts.api_keys import create_key
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def keys(dynamodb: Any) -> ApiKeys:
    return ApiKeys(TABLE, dynamodb)


def test_a_key_is_kept_as_a_hash_and_found_by_its_id(keys: ApiKeys, dynamodb: Any) -> None:
    token = create_key(keys, "read", "the product", T)
    id, secret = token.split("_", 2)[1:]
    key = keys.load(id)
    assert key
    assert key.opens(secret)
    assert (key.name, key.scope, key.created_at) == ("the product", "read", T)
    assert secret not in str(dynamodb.scan(TableName=TABLE)["Items"])


def test_keys_are_listed_and_revoked_for_good(keys: ApiKeys) -> None:
    ids = [create_key(keys, "access", f"key {n}", T).split("_")[1] for n in range(3)]
    assert keys.revoke(ids[0], T)
    assert keys.revoke(ids[0], T + timedelta(days=1))
    assert {key.id: key.revoked_at for key in keys.all()} == {ids[0]: T, ids[1]: None, ids[2]: None}


def test_a_key_that_does_not_exist_cannot_be_revoked(keys: ApiKeys) -> None:
    assert not keys.revoke("abc", T)
    assert keys.all() == []
