"""The form of values in the table: a JSON text, and beside it the few attributes that keys,
conditions, the index and the stream filter need.

The SDK reads and writes one text more than a millisecond faster than the same value as nested maps
(bench/ingest.py), and the text is smaller.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from chalicelib.aws.schema_versions import SHAPE, upgraded
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account

DUE_SHARDS = 8
"""The number of partitions of the due index. Each takes 1,000 writes a second. The sweep queries
each of them.
"""

T = TypeVar("T")
Item = dict[str, Any]
"""A DynamoDB item in the form of the low-level client: {"name": {"S": …}}."""


def dump(value: object) -> str:
    """A value as compact JSON. Leaves out fields that are empty, None or False: `load` sets them
    to their defaults.
    """
    return msgspec.json.encode(_pruned(msgspec.to_builtins(value))).decode()


def load(text: str, type: type[T]) -> T:
    """The value that `dump` wrote."""
    with _LEARNING:
        decoder = _DECODERS.get(type)
        if decoder is None:
            decoder = _DECODERS[type] = msgspec.json.Decoder(type)
    found: T = decoder.decode(text)
    return found


_LEARNING = Lock()
"""Held while msgspec learns a type: it crashes if two threads do so at once. A function on Lambda
has one thread, the local system many.
"""


_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}
"""Type → its decoder."""


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _pruned(inner)
            for key, inner in value.items()
            if inner is not None and inner is not False and inner not in ([], (), {})
        }
    return [_pruned(inner) for inner in value] if isinstance(value, list | tuple) else value


def account_key(id: str) -> Item:
    """The key of an account's item."""
    return {"pk": {"S": f"ACCOUNT#{id}"}, "sk": {"S": "ACCOUNT"}}


def account_item(account: Account) -> Item:
    """The item of an account, in the form of this release."""
    body = replace(account, version=0, epoch=0, outbox=(), due_at=None, policy=None)
    item = {
        **account_key(account.id),
        "shape": {"N": str(SHAPE)},
        "version": {"N": str(account.version)},
        "epoch": {"N": str(account.epoch)},
        "body": {"S": dump(body)},
    }
    if account.policy:
        item["policy"] = {"S": account.policy}
    if account.outbox:
        item["outbox"] = {"S": dump(account.outbox)}
    if account.due_at:
        item["due_shard"] = {"S": due_shard(crc32(account.id.encode()) % DUE_SHARDS)}
        item["due_at"] = {"S": stamp(account.due_at)}
    return item


def account_of(item: Item) -> Account:
    """The account in an item of this schema version or an older one. Raises NewerSchemaVersion."""
    body, outbox = _texts_of(item)
    return replace(
        body,
        version=int(item["version"]["N"]),
        epoch=int(item["epoch"]["N"]),
        policy=item["policy"]["S"] if "policy" in item else None,
        outbox=outbox,
        due_at=datetime.fromisoformat(item["due_at"]["S"]) if "due_at" in item else None,
    )


def _texts_of(item: Item) -> tuple[Account, tuple[DomainEvent, ...]]:
    texts, shape = (
        {name: item[name]["S"] for name in ("body", "outbox") if name in item},
        int(item["shape"]["N"]),
    )
    if shape == SHAPE:
        return load(texts["body"], Account), load(
            texts.get("outbox", "[]"), tuple[DomainEvent, ...]
        )
    values = upgraded({name: msgspec.json.decode(text) for name, text in texts.items()}, shape)
    with _LEARNING:
        return msgspec.convert(values["body"], Account), msgspec.convert(
            values.get("outbox", []), tuple[DomainEvent, ...]
        )


def keyed_hash(value: str, key: str) -> str:
    """A hash that stands for a value, such as an e-mail address, in a DynamoDB key: 40 hex digits
    of HMAC-SHA256. Nobody can guess the value without `key`.
    """
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:40]


def due_shard(number: int) -> str:
    """The key of one partition of the due index."""
    return f"DUE#{number}"


def stamp(moment: datetime) -> str:
    """A time as a key: ISO 8601 with microseconds, so that keys sort by time."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
