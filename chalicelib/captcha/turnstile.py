"""Cloudflare Turnstile: checks whether a visitor solved the CAPTCHA
(developers.cloudflare.com/turnstile/get-started/server-side-validation).
"""

import json
from collections.abc import Callable
from urllib.parse import urlencode

from chalicelib.domain.errors import Refused, Unavailable

BASE = "https://challenges.cloudflare.com"
TIMEOUT_SECONDS = 5.0

CONFIGURATION_ERRORS = frozenset({"missing-input-secret", "invalid-input-secret", "bad-request"})
"""Turnstile's error codes for a wrong secret or request. All others concern the visitor's token."""


class Turnstile:
    """Turnstile's API. A token is valid once, for five minutes. A used or forged one counts as not
    solved.
    """

    def __init__(self, secret: Callable[[], str], base: str = BASE) -> None:
        self._secret = secret
        self._base = base

    def solved(self, token: str, address: str) -> bool:
        """Whether `token` proves that the visitor at this network address solved the CAPTCHA.
        Raises Unavailable, and Refused if the secret is wrong.
        """
        if not token or len(token) > 2048:
            return False
        import urllib3

        try:
            answer = urllib3.request(
                "POST",
                f"{self._base}/turnstile/v0/siteverify",
                body=urlencode({"secret": self._secret(), "response": token, "remoteip": address}),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                timeout=TIMEOUT_SECONDS,
                retries=False,
            )
            verdict = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unavailable("The CAPTCHA could not be checked. Please try again.") from error
        if not isinstance(verdict, dict) or answer.status >= 500:
            raise Unavailable("The CAPTCHA could not be checked. Please try again.")
        if CONFIGURATION_ERRORS & set(verdict.get("error-codes") or []):
            raise Refused(
                "The CAPTCHA's secret is wrong. Set the parameter captcha-secret to Turnstile's"
                " secret key."
            )
        return verdict.get("success") is True
