"""Signed links: a token names its purpose and account, cannot be forged, and opens nothing else."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.errors import BillhookError

PURPOSES = {
    "unsubscribe": "Ends mail of one stream; never expires.",
    "preferences": "Shows and changes which mail is wanted; never expires.",
}
"""What a link may be for. A token of one purpose opens no other."""


class LinkRefused(BillhookError):
    """A link that is forged, expired, or for something else. Nothing is told of which."""

    code = "link_refused"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says. `about` is a stream, for mail."""

    purpose: str
    account_id: str
    about: str = ""
    expires_at: datetime | None = None


def sign(link: Link, keys: Sequence[str]) -> str:
    """The token of a link, signed with the first key: keys rotate by putting the new one first, and old ones still verify."""
    claims = [link.purpose, link.account_id, link.about, int(link.expires_at.timestamp()) if link.expires_at else 0]
    payload = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, keys[0])}"


def verify(token: str, purpose: str, keys: Sequence[str], now: datetime) -> Link:
    """The link of a token, if one of `keys` signed it for `purpose` and it has not expired. Raises LinkRefused."""
    payload, _, signature = token.partition(".")
    if len(token) > 1024 or not any(
        hmac.compare_digest(_signature(payload, key).encode(), signature.encode(errors="replace")) for key in keys if key
    ):
        raise LinkRefused("This link does not work. Please use the newest one that you have.")
    try:
        named, account_id, about, expires = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError) as error:
        raise LinkRefused("This link does not work. Please use the newest one that you have.") from error
    if named != purpose or (expires and expires <= now.timestamp()):
        raise LinkRefused("This link does not work. Please use the newest one that you have.")
    return Link(named, account_id, about, datetime.fromtimestamp(expires, now.tzinfo) if expires else None)


def _signature(payload: str, key: str) -> str:
    return _text(hmac.new(key.encode(), payload.encode(errors="replace"), hashlib.sha256).digest())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
