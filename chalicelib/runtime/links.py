"""Signed links: their URLs, the cookies of page sessions, and the account that a valid link or
cookie belongs to.
"""

from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from chalicelib.domain.account.links import opens
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import Link, LinkRefused, link_for, sign, verify
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings

COOKIES = {"welcome-visit": "billhook_welcome", "billing-visit": "billhook_billing"}
"""Session → the name of its cookie."""

PATHS = {"welcome-visit": "/welcome", "billing-visit": "/billing"}
"""Session → the path that its cookie is limited to."""

DOES_NOT_WORK = "This link does not work. Please use the newest one that you have."


def base_url() -> str:
    """The start of absolute URLs: this stage's setting, else the one in billing.toml."""
    return settings().base_url or wiring.policy().base_url


def root_path() -> str:
    """The path of the base URL: empty for a custom domain, API Gateway's stage name otherwise."""
    return urlsplit(base_url()).path.rstrip("/")


def url(link: Link) -> str:
    """The URL of a signed link."""
    path = "billing/return" if link.purpose == "return" else link.purpose
    return f"{base_url()}/{path}/{token(link)}"


def token(link: Link) -> str:
    """The token of a signed link."""
    return sign(link, wiring.secrets().link_keys)


def new_link(purpose: str, account: Account, about: str = "") -> Link:
    """A link for an account, issued now."""
    return link_for(purpose, account.id, account.link_epoch, clock.now(), about)


def checkout_urls(account: Account, at: datetime) -> tuple[str, str]:
    """The URLs to which Stripe returns a customer from a Checkout that began `at` this time: after
    it was completed, and after it was canceled. Stripe fills in the id of the session.
    """
    completed = link_for("return", account.id, account.link_epoch, at)
    return (
        f"{url(completed)}?session_id={{CHECKOUT_SESSION_ID}}",
        f"{base_url()}/billing?notice=canceled",
    )


def open_link(token: str, purpose: str) -> tuple[Link, Account]:
    """The link in a token, and its account. Raises LinkRefused, without a reason, if the link is
    forged, expired, used, replaced or for another purpose, or its account was erased.
    """
    link = verify(token, purpose, wiring.secrets().link_keys, clock.now())
    account = wiring.accounts().load(link.account_id)
    if account is None or not opens(link, account):
        raise LinkRefused(DOES_NOT_WORK)
    return link, account


def stripe_hosts() -> tuple[str, ...]:
    """The origins that forms may lead to: those of Stripe's pages, and of a stand-in for Stripe if
    one is set.
    """
    return (
        *wiring.policy().pages.stripe_hosts,
        *([settings().stripe_api_base or ""] if settings().stripe_api_base else []),
    )


def cookie(purpose: str, account: Account) -> str:
    """The Set-Cookie header that starts a session. The cookie lasts an hour. Scripts cannot read
    it, and browsers do not send it with forms of other sites.
    """
    secure = "; Secure" if base_url().startswith("https:") else ""
    return (
        f"{COOKIES[purpose]}={token(new_link(purpose, account))};"
        f" Path={root_path()}{PATHS[purpose]}; Max-Age=3600; HttpOnly; SameSite=Lax{secure}"
    )


def visitor(cookies: str | None, purpose: str) -> Account:
    """The account of a session, from a Cookie header. Raises LinkRefused."""
    try:
        morsel = SimpleCookie(cookies or "").get(COOKIES[purpose])
    except CookieError:
        morsel = None
    if morsel is None:
        raise LinkRefused(DOES_NOT_WORK)
    return open_link(morsel.value, purpose)[1]
