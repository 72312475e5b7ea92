"""The form of values in the table: a JSON text, and beside it the few attributes that keys,
conditions, the index and the stream filter need. The text of an account is packed, because DynamoDB
bills a write by its bytes.

The SDK reads and writes one value more than a millisecond faster than the same as nested maps
(bench/ingest.py), and it is smaller.
"""

import hashlib
import hmac
from base64 import b64decode
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from chalicelib.aws.packing import pack, unpack
from chalicelib.aws.schema_versions import SHAPE, refuse_newer, upgraded
from chalicelib.domain.account.rules.directory import place_of
from chalicelib.domain.account.state import Account
from chalicelib.values import replace

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


_NESTED = frozenset({dict, list, tuple})


def _pruned(value: Any) -> Any:
    """Plain values without what is empty, None or False. Each write of an account walks over some
    hundred values: that is why they are not compared with empty ones that are made for it.
    """
    if type(value) is dict:
        return {
            key: _pruned(inner) if type(inner) in _NESTED else inner
            for key, inner in value.items()
            if inner or (inner is not None and inner is not False and type(inner) not in _NESTED)
        }
    return [_pruned(inner) for inner in value] if type(value) in _NESTED else value


def account_key(id: str) -> Item:
    """The key of an account's item."""
    return {"pk": {"S": f"ACCOUNT#{id}"}, "sk": {"S": "ACCOUNT"}}


def account_item(account: Account) -> Item:
    """The item of an account, in the form of this release."""
    body = replace(account, version=0, epoch=0, due_at=None, policy=None)
    item: Item = {
        **account_key(account.id),
        "shape": {"N": str(SHAPE)},
        "version": {"N": str(account.version)},
        "epoch": {"N": str(account.epoch)},
        "packed": {"B": pack(dump(body))},
    }
    if account.policy:
        item["policy"] = {"S": account.policy}
    if account.outbox:
        # For the stream's filter alone: the domain events themselves are in `packed`.
        item["outbox"] = {"S": str(len(account.outbox))}
    item |= listed_fields(account)
    return item | due_fields(account.id, account.due_at) if account.due_at else item


def account_of(item: Item) -> Account:
    """The account in an item of this schema version or an older one, as boto3 reads it or as the
    table's stream brings it. Raises NewerSchemaVersion, ValueError if it is damaged.
    """
    return replace(
        _body_of(item),
        version=int(item["version"]["N"]),
        epoch=int(item["epoch"]["N"]),
        policy=item["policy"]["S"] if "policy" in item else None,
        due_at=datetime.fromisoformat(item["due_at"]["S"]) if "due_at" in item else None,
    )


def account_text(item: Item) -> str:
    """The JSON text that an account's item holds. Raises ValueError if it is damaged."""
    if "packed" not in item:  # up to version 4
        return str(item["body"]["S"])
    packed = item["packed"]["B"]
    return unpack(b64decode(packed) if isinstance(packed, str) else packed)


def _body_of(item: Item) -> Account:
    shape = int(item["shape"]["N"])
    refuse_newer(shape)
    text = account_text(item)
    if shape == SHAPE:
        return load(text, Account)
    texts = {"body": msgspec.json.decode(text)}
    if "packed" not in item and "outbox" in item:
        texts["outbox"] = msgspec.json.decode(item["outbox"]["S"])
    values = upgraded(texts, shape)
    with _LEARNING:
        return msgspec.convert(values["body"], Account)


def keyed_hash(value: str, key: str) -> str:
    """A hash that stands for a value, such as an e-mail address, in a DynamoDB key: 40 hex digits
    of HMAC-SHA256. Nobody can guess the value without `key`.
    """
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:40]


def due_fields(account_id: str, at: datetime) -> Item:
    """The attributes by which the due index finds an item."""
    shard = due_shard(crc32(account_id.encode()) % DUE_SHARDS)
    return {"due_shard": {"S": shard}, "due_at": {"S": stamp(at)}}


def listed_fields(account: Account) -> Item:
    """The attributes by which the index of the dashboard's lists finds an account. The index is
    written only when one of them changes.
    """
    place = place_of(account)
    if place is None:
        return {}
    plan: Item = {"plan": {"S": place.plan}} if place.plan else {}
    return {"listed": {"S": f"LIST#{place.status}"}, "listed_at": {"S": place.at}, **plan}


def due_shard(number: int) -> str:
    """The key of one partition of the due index."""
    return f"DUE#{number}"


def stamp(moment: datetime) -> str:
    """A time as a key: ISO 8601 with microseconds, so that keys sort by time."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
