"""moto's DynamoDB in less time. It sorts all items of a table for each query, and copies the whole
table before each transaction: that was half of the time of the tests on it.
"""

from copy import deepcopy
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

SCALARS = frozenset({"S", "N", "B", "BOOL", "NULL"})
"""The types whose values moto replaces and never changes, so that a copy may share them."""

_cast, _equal = DynamoType.cast_value.fget, DynamoType.__eq__  # type: ignore[attr-defined]


def hasten() -> None:
    """Have moto compare strings as they are, and copy no scalar."""
    for kind, name, method in (
        (DynamoType, "cast_value", property(_value)),
        (DynamoType, "__eq__", _is_equal),
        (DynamoType, "__deepcopy__", _copy_of_value),
        (Item, "__deepcopy__", _copy_of_item),
        (Table, "all_items", _all_items),
    ):
        setattr(kind, name, method)


def _value(value: Any) -> Any:
    return value.value if value.type == "S" else _cast(value)


def _is_equal(value: Any, other: Any) -> bool:
    if value.type == "S":
        return bool(other.type == "S" and value.value == other.value)
    return bool(_equal(value, other))


_copy = DynamoType.__deepcopy__


def _copy_of_value(value: Any, memo: dict[int, Any]) -> Any:
    return value if value.type in SCALARS else _copy(value, memo)


def _copy_of_item(item: Any, memo: dict[int, Any]) -> Any:
    made: Any = object.__new__(type(item))
    memo[id(item)] = made
    made.hash_key, made.range_key = item.hash_key, item.range_key
    made.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    # Not by its own methods, which add up the size of the item for each attribute.
    dict.update(
        made.attrs,
        {
            name: value if value.type in SCALARS else deepcopy(value, memo)
            for name, value in item.attrs.items()
        },
    )
    return made


def _all_items(table: Any) -> list[Any]:
    """In the order of their keys, as moto has them."""
    if not table.range_key_attr:
        return sorted(table.items.values(), key=lambda item: item.hash_key.cast_value)
    return sorted(
        (item for of_key in table.items.values() for item in of_key.values()),
        key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value),
    )
