"""Rows as a Parquet file: as much of the format as flat tables need.

Written by the format's own description (github.com/apache/parquet-format: README.md, Encodings.md,
LogicalTypes.md, parquet.thrift). A file has one row group; each column is optional, and has one
page, PLAIN and gzipped. Its metadata is Thrift's compact protocol.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from chalicelib.values import frozen

MAGIC = b"PAR1"
CREATED_BY = "billhook"

BOOLEAN, INT32, INT64, BYTE_ARRAY = 0, 1, 2, 6
"""Physical types."""

_PLAIN, _RLE, _GZIP, _OPTIONAL, _DATA_PAGE = 0, 3, 2, 1, 0
_EPOCH = date(1970, 1, 1)


@frozen
class Column:
    """A column. `kind` is one of KINDS."""

    name: str
    kind: str


def written(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as a file. A value that is None or missing is null. Texts are str, whole numbers int
    of 64 bits, days date, moments datetime with a time zone, kept to the millisecond. Raises
    KeyError for a kind that is not in KINDS, struct.error for a number that does not fit.
    """
    content, chunks = bytearray(MAGIC), []
    for column in columns:
        kind = KINDS[column.kind]
        values = [row.get(column.name) for row in rows]
        body = _levels(values) + kind.plain([one for one in values if one is not None])
        packed = _gzipped(body)
        head = _page_header(len(values), len(body), len(packed))
        chunks.append(
            _column_chunk(column, len(values), len(content), len(head), len(body), len(packed))
        )
        content += head + packed
    footer = _footer(columns, chunks, len(rows), len(content) - len(MAGIC))
    return bytes(content + footer + struct.pack("<i", len(footer)) + MAGIC)


def _levels(values: Sequence[Any]) -> bytes:
    """Which values are there: a bit each, in one bit-packed run of the RLE hybrid encoding, behind
    its length.
    """
    packed = _bits([one is not None for one in values])
    run = _varint(len(packed) << 1 | 1) + packed
    return struct.pack("<i", len(run)) + run


def _bits(flags: Sequence[bool]) -> bytes:
    """A bit a flag, the lowest bit of a byte first."""
    return bytes(
        sum(flag << place for place, flag in enumerate(flags[at : at + 8]))
        for at in range(0, len(flags), 8)
    )


def _texts(values: Sequence[str]) -> bytes:
    encoded = [one.encode() for one in values]
    return b"".join(struct.pack("<i", len(one)) + one for one in encoded)


def _numbers(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def _days(values: Sequence[date]) -> bytes:
    return struct.pack(f"<{len(values)}i", *((one - _EPOCH).days for one in values))


def _moments(values: Sequence[datetime]) -> bytes:
    return _numbers([_milliseconds(one) for one in values])


def _milliseconds(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000


@frozen
class Kind:
    """How a kind of values is written: its physical type, ConvertedType (for older readers) and
    LogicalType, and its values in PLAIN encoding.
    """

    physical: int
    converted: int | None
    logical: bytes | None
    plain: Callable[[Sequence[Any]], bytes]


def _gzipped(body: bytes) -> bytes:
    """With no time in it: the same rows are the same bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


# Thrift's compact protocol: github.com/apache/thrift, doc/specs/thrift-compact-protocol.md.

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12

_Field = tuple[int, int, bytes]
"""The number of a field, its type, its value as written."""


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _int(id: int, number: int) -> _Field:
    return id, _I32, _zigzag(number)


def _long(id: int, number: int) -> _Field:
    return id, _I64, _zigzag(number)


def _text(id: int, text: str) -> _Field:
    return id, _BINARY, _string(text)


def _inner(id: int, fields: bytes) -> _Field:
    return id, _STRUCT, fields


def _list(id: int, type: int, items: Sequence[bytes]) -> _Field:
    short = len(items) < 15
    head = bytes([(len(items) if short else 15) << 4 | type])
    return id, _LIST, head + (b"" if short else _varint(len(items))) + b"".join(items)


def _true(id: int) -> _Field:
    return id, 1, b""


def _string(text: str) -> bytes:
    return _varint(len(text.encode())) + text.encode()


def _struct(*fields: _Field | None) -> bytes:
    """The fields in the order of their numbers, each of which is at most 15 behind the last."""
    found, last = bytearray(), 0
    for id, type, value in (one for one in fields if one):
        found.append((id - last) << 4 | type)
        found += value
        last = id
    return bytes(found) + b"\0"


_MILLIS = _struct(_true(1), _inner(2, _struct(_inner(1, _struct()))))

KINDS: Mapping[str, Kind] = {
    "text": Kind(BYTE_ARRAY, 0, _struct(_inner(1, _struct())), _texts),
    "number": Kind(INT64, None, None, _numbers),
    "flag": Kind(BOOLEAN, None, None, _bits),
    "day": Kind(INT32, 6, _struct(_inner(6, _struct())), _days),
    "moment": Kind(INT64, 9, _struct(_inner(8, _MILLIS)), _moments),
}
"""Kinds of values. Moments are milliseconds in UTC, which is what Athena reads."""


def _page_header(values: int, size: int, packed: int) -> bytes:
    data_page = _struct(_int(1, values), _int(2, _PLAIN), _int(3, _RLE), _int(4, _RLE))
    return _struct(_int(1, _DATA_PAGE), _int(2, size), _int(3, packed), _inner(5, data_page))


def _column_chunk(
    column: Column, values: int, offset: int, head: int, size: int, packed: int
) -> bytes:
    metadata = _struct(
        _int(1, KINDS[column.kind].physical),
        _list(2, _I32, [_zigzag(_PLAIN), _zigzag(_RLE)]),
        _list(3, _BINARY, [_string(column.name)]),
        _int(4, _GZIP),
        _long(5, values),
        _long(6, head + size),
        _long(7, head + packed),
        _long(9, offset),
    )
    return _struct(_long(2, offset), _inner(3, metadata))


def _footer(columns: Sequence[Column], chunks: Sequence[bytes], rows: int, size: int) -> bytes:
    root = _struct(_text(4, "schema"), _int(5, len(columns)))
    group = _struct(_list(1, _STRUCT, chunks), _long(2, size), _long(3, rows))
    return _struct(
        _int(1, 1),
        _list(2, _STRUCT, [root, *map(_schema_element, columns)]),
        _long(3, rows),
        _list(4, _STRUCT, [group] if rows else []),
        _text(6, CREATED_BY),
    )


def _schema_element(column: Column) -> bytes:
    kind = KINDS[column.kind]
    return _struct(
        _int(1, kind.physical),
        _int(3, _OPTIONAL),
        _text(4, column.name),
        None if kind.converted is None else _int(6, kind.converted),
        None if kind.logical is None else _inner(10, kind.logical),
    )
