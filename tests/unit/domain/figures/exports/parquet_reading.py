"""Reads Parquet files of the plain kind that nightly exports are, by the format's description: an
independent look at the bytes, since no reader of Parquet is among what tests need.
"""

import struct
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Compact:
    """Thrift's compact protocol: structs as {field number: value}."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content, self.at = content, at

    def byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def varint(self) -> int:
        found, shift = 0, 0
        while True:
            byte = self.byte()
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7

    def number(self) -> int:
        found = self.varint()
        return found >> 1 if found % 2 == 0 else -(found >> 1) - 1

    def value(self, type: int) -> Any:
        if type in (1, 2):
            return type == 1
        if type in (5, 6):
            return self.number()
        if type == 8:
            length = self.varint()
            self.at += length
            return self.content[self.at - length : self.at]
        if type == 9:
            head = self.byte()
            length = head >> 4 if head >> 4 != 15 else self.varint()
            return [self.value(head & 15) for _ in range(length)]
        assert type == 12, f"a type that these files do not have: {type}"
        return self.struct()

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        last = 0
        while head := self.byte():
            assert head >> 4, "a field's number is at most 15 behind the last"
            last += head >> 4
            found[last] = self.value(head & 15)
        return found


def read(content: bytes) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The columns with their logical types, and the rows."""
    assert content[:4] == content[-4:] == b"PAR1"
    (length,) = struct.unpack("<i", content[-8:-4])
    footer = Compact(content, len(content) - 8 - length)
    metadata = footer.struct()
    assert footer.at == len(content) - 8, "the footer has the length that it says"
    root, *elements = metadata[2]
    assert root[5] == len(elements)
    types = {one[4].decode(): _type(one) for one in elements}
    rows: list[dict[str, Any]] = [{} for _ in range(metadata[3])]
    assert len(metadata[4]) == (1 if rows else 0)
    for group in metadata[4]:
        assert group[3] == len(rows)
        for chunk, name in zip(group[1], types, strict=True):
            assert chunk[3][3] == [name.encode()]
            for row, value in zip(rows, _column(content, chunk[3], types[name]), strict=True):
                row[name] = value
    return types, rows


def _type(element: dict[int, Any]) -> str:
    assert element[3] == 1, "every column is optional"
    logical = element.get(10)
    if logical is None:
        return {0: "flag", 2: "number"}[element[1]]
    if logical == {8: {1: True, 2: {1: {}}}}:
        assert (element[1], element[6]) == (2, 9)
        return "moment"
    ((kind, _),) = logical.items()
    assert (element[1], element[6]) == {1: (6, 0), 6: (1, 6)}[kind]
    return {1: "text", 6: "day"}[kind]


def _column(content: bytes, metadata: dict[int, Any], type: str) -> list[Any]:
    page = Compact(content, metadata[9])
    header = page.struct()
    packed = content[page.at : page.at + header[3]]
    assert page.at + header[3] - metadata[9] == metadata[7]
    body = zlib.decompress(packed, 31)
    assert len(body) == header[2]
    assert metadata[6] == page.at - metadata[9] + len(body)
    (levels,) = struct.unpack("<i", body[:4])
    run = Compact(body, 4)
    head = run.varint()
    assert head % 2 == 1, "one bit-packed run"
    bits = body[run.at : 4 + levels]
    assert len(bits) == head >> 1
    there = [bool(bits[at // 8] >> at % 8 & 1) for at in range(header[5][1])]
    values = iter(_plain(body[4 + levels :], type, sum(there)))
    found = [next(values) if one else None for one in there]
    assert next(values, "nothing") == "nothing"
    return found


def _plain(body: bytes, type: str, count: int) -> list[Any]:
    match type:
        case "flag":
            return [bool(body[at // 8] >> at % 8 & 1) for at in range(count)]
        case "number":
            return list(struct.unpack(f"<{count}q", body))
        case "moment":
            return [
                EPOCH + timedelta(milliseconds=one) for one in struct.unpack(f"<{count}q", body)
            ]
        case "day":
            return [
                date(1970, 1, 1) + timedelta(days=one) for one in struct.unpack(f"<{count}i", body)
            ]
    found = []
    while body:
        (length,) = struct.unpack("<i", body[:4])
        found.append(body[4 : 4 + length].decode())
        body = body[4 + length :]
    return found
