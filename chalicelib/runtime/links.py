"""Signed links as they go out and come in: their addresses, the cookie that takes a token's place,
and what an opened one proves.
"""

from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import Link, LinkRefused, link_for, sign, verify
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings

COOKIES = {"welcome-visit": "billhook_welcome", "billing-visit": "billhook_billing"}
"""The cookie of each kind of visit."""

PATHS = {"welcome-visit": "/welcome", "billing-visit": "/billing"}
"""Where each cookie is sent to, and no further."""

NO_LONGER = "This link does not work. Please use the newest one that you have."


def base_url() -> str:
    """What absolute links are made of: billing.toml's, or this stage's own."""
    return settings().base_url or wiring.policy().base_url


def root() -> str:
    """What stands before every path: nothing behind a domain of one's own, the name of API
    Gateway's stage behind its address.
    """
    return urlsplit(base_url()).path.rstrip("/")


def url(link: Link) -> str:
    """The address of a signed link."""
    path = "billing/return" if link.purpose == "return" else link.purpose
    return f"{base_url()}/{path}/{token(link)}"


def token(link: Link) -> str:
    """The token of a signed link."""
    return sign(link, wiring.secrets().link_keys)


def made(purpose: str, account: Account, about: str = "") -> Link:
    """A link for an account, from now on."""
    return link_for(purpose, account.id, account.link_epoch, clock.now(), about)


def returns(account: Account, at: datetime) -> tuple[str, str]:
    """Where Stripe sends who has completed a Checkout begun `at` that moment, and who has not.
    Stripe fills in the session's id.
    """
    back = link_for("return", account.id, account.link_epoch, at)
    return (
        f"{url(back)}?session_id={{CHECKOUT_SESSION_ID}}",
        f"{base_url()}/billing?notice=canceled",
    )


def opened(text: str, purpose: str) -> tuple[Link, Account]:
    """The link in a token and its account, if it still opens anything. Raises LinkRefused, which
    does not tell why.
    """
    link = verify(text, purpose, wiring.secrets().link_keys, clock.now())
    account = wiring.accounts().load(link.account_id)
    if account is None or not link.stands(account.link_epoch):
        raise LinkRefused(NO_LONGER)
    return link, account


def stripe_hosts() -> tuple[str, ...]:
    """Where a form of ours may lead: Stripe's pages, and those of the Stripe that
    stands in for it."""
    return (
        *wiring.policy().pages.stripe_hosts,
        *([settings().stripe_api_base or ""] if settings().stripe_api_base else []),
    )


def cookie(purpose: str, account: Account) -> str:
    """The Set-Cookie header of a visit: an hour, out of reach of scripts, and not sent with what
    other sites post.
    """
    secure = "; Secure" if base_url().startswith("https:") else ""
    return (
        f"{COOKIES[purpose]}={token(made(purpose, account))}; Path={root()}{PATHS[purpose]};"
        f" Max-Age=3600; HttpOnly; SameSite=Lax{secure}"
    )


def visitor(cookies: str | None, purpose: str) -> Account:
    """The account of a visit. Raises LinkRefused."""
    try:
        morsel = SimpleCookie(cookies or "").get(COOKIES[purpose])
    except CookieError:
        morsel = None
    if morsel is None:
        raise LinkRefused(NO_LONGER)
    return opened(morsel.value, purpose)[1]
