"""Tokens of signed links, as the stage under test makes them."""

from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.cookies import cookie_name
from chalicelib.entry.pages.session import COOKIES
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock


def token_to(account: Account, purpose: str, about: str = "") -> str:
    """The token of a link for an account, issued now."""
    return wiring.links().token(link_to(account, purpose, clock.now(), about))


def sent_as(purpose: str, token: str) -> str:
    """The Cookie header of a session with this token."""
    return f"{cookie_name(COOKIES[purpose], wiring.links().is_https)}={token}"


def visit_of(account: Account, purpose: str = "billing-visit", about: str = "") -> str:
    """The Cookie header of a session of an account that begins now."""
    return sent_as(purpose, token_to(account, purpose, about))
