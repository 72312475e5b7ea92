"""Who may sign up: programs that fill in everything, crowds from one address and unsolved CAPTCHAs
may not, and nobody fills strangers' inboxes.
"""

from datetime import datetime, timedelta

from chalicelib.domain.errors import Forbidden, TooManyRequests
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.signup import identity, network_of
from chalicelib.usecases.services import SignupGuard

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


AN_ADDRESS_AN_HOUR = 5
"""How often one e-mail address may be signed up in an hour, from wherever."""


def within_limits(
    email: str, address: str, policy: SignupPolicy, door: SignupGuard, now: datetime
) -> None:
    """Count somebody at `address` who asks for something about an e-mail address. Raises
    TooManyRequests, Unavailable.
    """
    crowd = door.limits.count("signups-from", network_of(address), HOUR, now) > policy.an_hour
    if crowd or door.limits.count("signups-of", identity(email), HOUR, now) > AN_ADDRESS_AN_HOUR:
        door.count("SignupsRefused", 1)
        raise TooManyRequests(
            "That was too often. Please try again in an hour.", None if crowd else "email"
        )


def admit(
    email: str,
    address: str,
    captcha_token: str,
    policy: SignupPolicy,
    door: SignupGuard,
    now: datetime,
) -> bool:
    """Whether the signup has to be confirmed by mail first. Raises TooManyRequests, Forbidden (the
    CAPTCHA), Unavailable, Refused.

    The CAPTCHA is looked at last, since a token can be spent once; the day's ceiling counts those
    that got in.
    """
    within_limits(email, address, policy, door, now)
    if door.captcha and not door.captcha.solved(captcha_token, address):
        door.count("SignupsRefused", 1)
        raise Forbidden("Please solve the CAPTCHA again.", "captcha")
    if door.limits.count("signups", "all", DAY, now) > policy.a_day:
        door.count("SignupsOverCeiling", 1)
        return True
    return policy.confirm
