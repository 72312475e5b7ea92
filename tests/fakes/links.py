"""Tokens of signed links, as the stage under test makes them."""

from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock


def token_to(account: Account, purpose: str, about: str = "") -> str:
    """The token of a link for an account, issued now."""
    return wiring.links().token(link_to(account, purpose, clock.now(), about))
