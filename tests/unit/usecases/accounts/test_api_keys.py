"""API keys: who may, and for how long after they were revoked."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import Forbidden, InvalidInput, Unauthorized
from chalicelib.domain.security.api_keys import SCOPES, ApiKey, split_token
from chalicelib.usecases.accounts.api_keys import CACHE_SIZE, KeyRing, create_key

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Store:
    keys: dict[str, ApiKey] = field(default_factory=dict)
    loads: int = 0

    def load(self, id: str) -> ApiKey | None:
        self.loads += 1
        return self.keys.get(id)

    def add(self, key: ApiKey) -> None:
        self.keys[key.id] = key


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_key_opens_what_its_scope_says(store: Store) -> None:
    ring = KeyRing(store)
    for place, scope in enumerate(SCOPES):
        token = create_key(store, scope, "test", T)
        for lesser in list(SCOPES)[: place + 1]:
            assert ring.check(f"Bearer {token}", lesser, T).scope == scope
        for greater in list(SCOPES)[place + 1 :]:
            with pytest.raises(Forbidden):
                ring.check(f"bearer  {token} ", greater, T)


def test_a_wrong_secret_of_a_right_key_opens_nothing(store: Store) -> None:
    token = create_key(store, "write", "test", T)
    with pytest.raises(Unauthorized):
        KeyRing(store).check(f"Bearer {token[:-1]}{'x' if token[-1] != 'x' else 'y'}", "access", T)


def test_a_revoked_key_works_for_at_most_a_minute(store: Store) -> None:
    token, ring = create_key(store, "read", "test", T), KeyRing(store)
    ring.check(f"Bearer {token}", "read", T)
    (id,) = store.keys
    store.keys[id] = replace(store.keys[id], revoked_at=T)
    assert ring.check(f"Bearer {token}", "read", T + timedelta(seconds=59))
    with pytest.raises(Unauthorized):
        ring.check(f"Bearer {token}", "read", T + timedelta(seconds=60))


def test_a_key_is_read_once_a_minute_and_one_that_does_not_exist_too(store: Store) -> None:
    token, ring = create_key(store, "read", "test", T), KeyRing(store)
    for _ in range(5):
        ring.check(f"Bearer {token}", "read", T)
        with pytest.raises(Unauthorized):
            ring.check("Bearer bh_0123456789ab_" + "a" * 43, "read", T)
    assert store.loads == 2


def test_a_flood_of_invented_keys_fills_no_memory(store: Store) -> None:
    ring = KeyRing(store)
    for number in range(CACHE_SIZE + 10):
        with pytest.raises(Unauthorized):
            ring.check(f"Bearer bh_{number:012x}_" + "a" * 43, "read", T)
    assert len(ring._seen) <= CACHE_SIZE


@pytest.mark.parametrize(
    ("scope", "name", "field"),
    [("owner", "test", "scope"), ("read", " ", "name"), ("read", "x" * 101, "name")],
)
def test_a_key_that_cannot_be_is_not_made(store: Store, scope: str, name: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_key(store, scope, name, T)
    assert caught.value.field == field
    assert store.keys == {}


def test_a_token_says_which_key_it_is_and_nothing_is_kept_of_its_secret(store: Store) -> None:
    token = create_key(store, "read", "test", T)
    parts = split_token(token)
    assert parts
    assert parts[1] not in str(store.keys)
    assert split_token(token + "x") is None
