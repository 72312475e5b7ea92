"""Cursors of lists in the table: where the next page begins, as a text for callers."""

import base64
import binascii
import re
from collections.abc import Sequence

from chalicelib.domain.errors import InvalidInput

_KEY = re.compile(r"[A-Z]+#[\x20-\x7e]{1,300}")


def cursor_after(owner: str, key: str) -> str:
    """The cursor of the page after the item with this sort key. `owner` is whose list it is: its
    partition, or an account's id.
    """
    return base64.urlsafe_b64encode(f"{owner} {key}".encode()).decode().rstrip("=")


def place_of(cursor: str, owners: Sequence[str], kind: str) -> tuple[str, str]:
    """The owner and the sort key that a page ended with. Raises InvalidInput unless it is a page of
    one of the owners, and the key begins with `kind`.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    owner, _, key = text.partition(" ")
    if owner not in owners or not key.startswith(f"{kind}#") or not _KEY.fullmatch(key):
        raise InvalidInput("cursor must come from the previous page.", "cursor")
    return owner, key
