"""Signed links: a token names its purpose and its account, and cannot be forged."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.security.constant_time import same_secret
from chalicelib.values import frozen

PURPOSES: dict[str, tuple[timedelta | None, str]] = {
    "unsubscribe": (None, "Unsubscribes from one stream of mail."),
    "preferences": (None, "Shows and changes the streams that are subscribed to."),
    "welcome": (
        timedelta(days=30),
        "Shows the welcome page. Given to whoever typed the address, so it proves nothing.",
    ),
    "billing": (
        timedelta(days=30),
        "Shows a button that opens the billing page. Only ever mailed, so that proves the address.",
    ),
    "sign-in": (
        timedelta(minutes=15),
        (
            "Shows a button that opens the billing page, once. Only ever mailed; `about` is the"
            " second at which it was requested."
        ),
    ),
    "operator": (
        timedelta(minutes=15),
        (
            "Shows a button that signs an operator in to the dashboard, once. Only ever mailed, to"
            " an address of billing.toml; `about` is that address. It is of no account."
        ),
    ),
    "leave": (
        timedelta(minutes=30),
        (
            "Shows a button that ends the subscription at once. Only ever mailed; `about` is the id"
            " of the request."
        ),
    ),
    "feedback": (
        timedelta(days=60),
        "Shows the exit question and takes the answer. Only ever mailed; `about` is the occasion.",
    ),
    "email-change": (
        timedelta(days=1),
        (
            "Shows a button that makes this address the account's. Only ever mailed, to the new"
            " address; `about` is the id of the change."
        ),
    ),
    "email-undo": (
        timedelta(days=7),
        (
            "Shows a button that brings the old address back. Only ever mailed, to the old address;"
            " `about` is the id of the change."
        ),
    ),
    "return": (
        timedelta(days=2),
        "Shows the result of a Checkout to a customer who returns from Stripe, and nothing else.",
    ),
    "welcome-visit": (timedelta(hours=1), "The cookie of whoever opened a welcome link."),
    "known": (
        timedelta(days=365),
        "The cookie of a browser that has shown a billing page. Gives no right: such a browser is"
        " only counted apart from its neighbours, and names no account.",
    ),
    "billing-visit": (
        timedelta(hours=1),
        "The cookie of whoever opened a billing or sign-in link.",
    ),
}
"""Purpose of a link → how long it works (None: for ever), and what it does. A token of one purpose
works for no other.
"""

LIFECYCLE = "lifecycle"
"""What a billing link is about that came with lifecycle mail."""

SOONER = {("billing", LIFECYCLE): timedelta(days=7)}
"""Purpose and `about` of links that work for a shorter time than others of their purpose, since
such mail is kept and forwarded more lightly than a bill.
"""

MAILED = frozenset({"billing", "sign-in", "leave", "feedback", "email-change", "email-undo"})
"""Purposes of links that only the reader of the account's mail can have. The first proof of the
address voids all links but these and those that work for ever.
"""

TO_ONE_ADDRESS = (MAILED - {"email-change", "email-undo"}) | {"billing-visit"}
"""Purposes of links that open something for the reader of one address only: they end when the
account gets another. A change of the address itself has its own record.
"""

LONGEST_TOKEN = 1024


class LinkRefused(BillhookError):
    """A link that is forged, expired, used, revoked or for something else. The message does not
    tell which.
    """

    code = "link_refused"

    def __init__(
        self, message: str = "This link does not work. Please use the newest one that you have."
    ) -> None:
        super().__init__(message)


@frozen
class Link:
    """The content of a token. `about` depends on the purpose: a stream, a request, an occasion.
    `epoch` is the account's `link_epoch` when the link was made; an operator's link has a fraction
    of a second instead. `reader` is the mark of the address that it was mailed to; empty where
    that does not matter, and in older releases' links.
    """

    purpose: str
    account_id: str
    about: str = ""
    expires_at: datetime | None = None
    epoch: int = 0
    reader: str = ""

    @property
    def issued_at(self) -> datetime | None:
        """The second at which it was made; None if it works for ever."""
        lasts = PURPOSES[self.purpose][0]
        return self.expires_at - lasts if self.expires_at and lasts else None

    def is_void(self, link_epoch: int) -> bool:
        """Whether the first proof of the address, which raised `link_epoch`, has voided it."""
        return (
            self.epoch < link_epoch
            and self.purpose not in MAILED
            and PURPOSES[self.purpose][0] is not None
        )


def reader_mark(email: str | None) -> str:
    """A mark of an address, for links that only its reader may use. Short, because tokens are long;
    the signature keeps it from being forged.
    """
    if not email:
        return ""
    return _text(hashlib.blake2s(email.strip().lower().encode(), digest_size=6).digest())


def account_mark(id: str) -> str:
    """A mark that stands for an account where its id must not be shown."""
    return hashlib.blake2s(id.encode(), digest_size=10).hexdigest()


def link_for(
    purpose: str, account_id: str, epoch: int, now: datetime, about: str = "", email: str = ""
) -> Link:
    """A link that works from `now` for as long as its purpose allows, for the reader of `email`."""
    lasts = PURPOSES[purpose][0]
    reader = reader_mark(email) if purpose in TO_ONE_ADDRESS else ""
    return Link(purpose, account_id, about, now + lasts if lasts else None, epoch, reader)


def sign(link: Link, keys: Sequence[str]) -> str:
    """The token of a link, signed with the first key. To rotate keys, put the new one first: tokens
    of the others are still accepted.
    """
    claims = [
        link.purpose,
        link.account_id,
        link.about,
        int(link.expires_at.timestamp()) if link.expires_at else 0,
        link.epoch,
        *([link.reader] if link.reader else []),
    ]
    payload = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, keys[0])}"


def verify(token: str, purpose: str, keys: Sequence[str], now: datetime) -> Link:
    """The link of a token, if one of `keys` signed it for `purpose` and it has not expired. Raises
    LinkRefused.
    """
    payload, _, signature = token.partition(".")
    if len(token) > LONGEST_TOKEN or not any(
        same_secret(_signature(payload, key), signature) for key in keys if key
    ):
        raise LinkRefused
    try:
        signed_for, account_id, about, expires, *later = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
    except (binascii.Error, ValueError) as error:
        raise LinkRefused from error
    if signed_for != purpose or (expires and expires <= now.timestamp()):
        raise LinkRefused
    link = Link(
        signed_for,
        account_id,
        about,
        datetime.fromtimestamp(expires, now.tzinfo) if expires else None,
        later[0] if later else 0,
        later[1] if len(later) > 1 else "",
    )
    sooner, issued = SOONER.get((link.purpose, link.about)), link.issued_at
    if sooner and issued and now >= issued + sooner:
        raise LinkRefused
    return link


def _signature(payload: str, key: str) -> str:
    return _text(hmac.new(key.encode(), payload.encode(errors="replace"), hashlib.sha256).digest())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
