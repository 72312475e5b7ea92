"""Who may sign up and sign in: programs that fill in everything, crowds from one network and
unsolved CAPTCHAs may not.

No count that a stranger can fill is held against somebody else: an e-mail address alone is never
refused, signing up and signing in are counted apart, and so is a browser that was here before.
"""

from datetime import datetime, timedelta

from chalicelib.domain.errors import Forbidden, TooManyRequests
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.security.signup import identity, network_of, own_domain
from chalicelib.usecases.services import SignupGuard

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

AN_ADDRESS_AN_HOUR = 5
"""How often one e-mail address may be signed up in an hour from one network."""

A_BROWSER_AN_HOUR = 20
"""How often a browser that was here before may ask in an hour, whatever its neighbours do."""

OF_A_DOMAIN_A_DAY = 20
"""How many signups of one domain in a day are usual. More may be one person with many trials: the
team gets a notice, and nobody is refused, for it may be a company as well.
"""

ADDRESSES_A_DAY = 5
"""How often a customer may have a link mailed to a new address of theirs in a day."""


def admit_sign_in(
    address: str, known: str, policy: SignupPolicy, guard: SignupGuard, now: datetime
) -> None:
    """Count a request for a sign-in link from a network address. `known` marks a browser that was
    here before; empty for any other. Raises TooManyRequests, Unavailable.

    The e-mail address does not matter: how many mails go to it is the account's to decide.
    """
    _refuse_crowd("sign-ins", address, known, policy, guard, now)


def admit_new_address(account_id: str, guard: SignupGuard, now: datetime) -> None:
    """Count a customer's request for a link to a new address. Raises TooManyRequests,
    Unavailable.
    """
    if guard.limits.count("addresses-of", account_id, DAY, now) > ADDRESSES_A_DAY:
        raise TooManyRequests("That was too often. Please try again tomorrow.", "email")


def admit(
    email: str,
    address: str,
    captcha_token: str,
    policy: SignupPolicy,
    guard: SignupGuard,
    now: datetime,
    known: str = "",
) -> bool:
    """Whether the signup has to be confirmed by mail first. `known` as for `admit_sign_in`. Raises
    TooManyRequests, Forbidden (the CAPTCHA), Unavailable, Refused.

    The CAPTCHA is looked at last, since a token can be spent once; the day's ceiling counts those
    that got in.
    """
    _refuse_crowd("signups", address, known, policy, guard, now)
    asked = f"{identity(email)} {network_of(address)}"
    if guard.limits.count("signups-of", asked, HOUR, now) > AN_ADDRESS_AN_HOUR:
        raise _too_often(guard, "email")
    if guard.captcha and not guard.captcha.solved(captcha_token, address):
        guard.count("SignupsRefused", 1)
        raise Forbidden("Please solve the CAPTCHA again.", "captcha")
    # Where no answer tells who is known, each signup makes the same calls, whatever is typed.
    domain = own_domain(email) if policy.answer == "open" else None
    if domain and guard.limits.count("signups-of-domain", domain, DAY, now) > OF_A_DOMAIN_A_DAY:
        guard.count("SignupsOfOneDomain", 1)
    if guard.limits.count("signups", "all", DAY, now) > policy.a_day:
        guard.count("SignupsOverCeiling", 1)
        return True
    return policy.confirm


def _refuse_crowd(
    what: str, address: str, known: str, policy: SignupPolicy, guard: SignupGuard, now: datetime
) -> None:
    """A browser that was here before is no part of a crowd, until it makes one by itself."""
    if known and guard.limits.count(f"{what}-known", known, HOUR, now) <= A_BROWSER_AN_HOUR:
        return
    if guard.limits.count(f"{what}-from", network_of(address), HOUR, now) > policy.an_hour:
        raise _too_often(guard)


def _too_often(guard: SignupGuard, field: str | None = None) -> TooManyRequests:
    guard.count("SignupsRefused", 1)
    return TooManyRequests("That was too often. Please try again in an hour.", field)
