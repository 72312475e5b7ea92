"""Signed links: a token names its purpose and account, cannot be forged, and opens nothing else."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.security.constant_time import same_secret

PURPOSES: dict[str, tuple[timedelta | None, str]] = {
    "unsubscribe": (None, "Ends mail of one stream."),
    "preferences": (None, "Shows and changes which mail is wanted."),
    "welcome": (
        timedelta(days=30),
        "Shows the welcome page. Given to who typed the address, which proves nothing.",
    ),
    "billing": (
        timedelta(days=30),
        "Opens the billing page. Only ever mailed: it proves the address.",
    ),
    "sign-in": (
        timedelta(minutes=15),
        (
            "Opens the billing page, once. Only ever mailed; `about` is the second at which it was"
            " asked for."
        ),
    ),
    "leave": (
        timedelta(minutes=30),
        "Shows a button that ends the subscription at once. Only ever mailed; `about` is the wish.",
    ),
    "feedback": (
        timedelta(days=60),
        (
            "Shows one question, and takes the answer. Only ever mailed; `about` is the occasion"
            " that it is about."
        ),
    ),
    "return": (
        timedelta(days=2),
        "Shows what a Checkout came to, to who comes back from Stripe, and nothing else.",
    ),
    "welcome-visit": (timedelta(hours=1), "The cookie of who opened a welcome link."),
    "billing-visit": (timedelta(hours=1), "The cookie of who opened a billing or a sign-in link."),
}
"""What a link may be for, and how long it works (None: for ever). A token of one purpose opens no
other.
"""

MAILED = frozenset({"billing", "sign-in", "leave", "feedback"})
"""Purposes of links that only the reader of the account's mail can have. They outlive the first
proof of the address, which voids all others.
"""


class LinkRefused(BillhookError):
    """A link that is forged, expired, or for something else. Nothing is told of which."""

    code = "link_refused"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says. `about` is a stream, for mail; `epoch` is the account's `link_epoch` when
    it was made.
    """

    purpose: str
    account_id: str
    about: str = ""
    expires_at: datetime | None = None
    epoch: int = 0

    def stands(self, link_epoch: int) -> bool:
        """Whether it was not voided by what happened since: the proof of the address voids what was
        made for who had only typed it.
        """
        return (
            self.epoch >= link_epoch or self.purpose in MAILED or PURPOSES[self.purpose][0] is None
        )


def link_for(purpose: str, account_id: str, epoch: int, now: datetime, about: str = "") -> Link:
    """A link that works from now as long as its purpose allows."""
    lasts = PURPOSES[purpose][0]
    return Link(purpose, account_id, about, now + lasts if lasts else None, epoch)


def sign(link: Link, keys: Sequence[str]) -> str:
    """The token of a link, signed with the first key: keys rotate by putting the new one first, and
    old ones still verify.
    """
    claims = [
        link.purpose,
        link.account_id,
        link.about,
        int(link.expires_at.timestamp()) if link.expires_at else 0,
        link.epoch,
    ]
    payload = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, keys[0])}"


def verify(token: str, purpose: str, keys: Sequence[str], now: datetime) -> Link:
    """The link of a token, if one of `keys` signed it for `purpose` and it has not expired. Raises
    LinkRefused.
    """
    payload, _, signature = token.partition(".")
    if len(token) > 1024 or not any(
        same_secret(_signature(payload, key), signature) for key in keys if key
    ):
        raise LinkRefused("This link does not work. Please use the newest one that you have.")
    try:
        named, account_id, about, expires, *epoch = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
    except (binascii.Error, ValueError) as error:
        raise LinkRefused(
            "This link does not work. Please use the newest one that you have."
        ) from error
    if named != purpose or (expires and expires <= now.timestamp()):
        raise LinkRefused("This link does not work. Please use the newest one that you have.")
    return Link(
        named,
        account_id,
        about,
        datetime.fromtimestamp(expires, now.tzinfo) if expires else None,
        epoch[0] if epoch else 0,
    )


def _signature(payload: str, key: str) -> str:
    return _text(hmac.new(key.encode(), payload.encode(errors="replace"), hashlib.sha256).digest())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
