"""Accounts are packed into few bytes, and nothing that was packed can fill the memory."""

import zlib

import pytest

from chalicelib.aws import packing
from chalicelib.aws.packing import LARGEST, pack, unpack

TEXT = '{"id":"acc_1","customers":{"cus_1":{"value":{"id":"cus_1","name":"Ada Łovelace 🎩"}}}}'

WRITTEN = {
    5: bytes.fromhex(
        "787db8f734d0436a41224733bc8586254580e21fa4165a0339a6242a1c6d0416e339c04e82c287f9"
        "7d2b8185586d2d000e431ed4"
    ),
}
"""TEXT as the release packed it that first wrote this schema version."""


@pytest.mark.parametrize("text", ["", TEXT, TEXT * 1000, "\x00"])
def test_what_was_packed_is_unpacked(text: str) -> None:
    assert unpack(pack(text)) == text


@pytest.mark.parametrize("shape", WRITTEN)
def test_what_an_earlier_release_packed_is_unpacked(shape: int) -> None:
    """The dictionary is part of what is stored: see `_DICTIONARIES`."""
    assert unpack(WRITTEN[shape]) == TEXT


def test_a_new_dictionary_leaves_what_was_packed_with_the_old_one_readable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = pack(TEXT), b'"id":"acc_","customers":'
    monkeypatch.setattr(packing, "_DICTIONARY", new)
    monkeypatch.setitem(packing._DICTIONARIES, zlib.adler32(new), new)
    assert pack(TEXT) != old
    assert unpack(pack(TEXT)) == unpack(old) == TEXT


def test_a_body_that_would_fill_the_memory_is_refused() -> None:
    bomb = pack("a" * 20_000_000)
    assert len(bomb) < 100_000, "it fits into an item"
    with pytest.raises(ValueError, match=f"longer than {LARGEST} bytes"):
        unpack(bomb)
    assert unpack(pack("a" * LARGEST)) == "a" * LARGEST


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{}",
        TEXT.encode(),
        zlib.compress(TEXT.encode()),
        pack(TEXT)[:-1],
        pack(TEXT)[:9],
        pack(TEXT) + b"x",
        pack(TEXT)[:-1] + b"x",
        pack(TEXT)[:12] + bytes([pack(TEXT)[12] ^ 255]) + pack(TEXT)[13:],
    ],
)
def test_a_damaged_body_is_an_error_and_not_another_account(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="packed account"):
        unpack(damaged)
